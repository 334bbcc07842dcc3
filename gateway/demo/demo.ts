/**
 * The demo: one tenant, number, key and set of contacts, the same ids on every machine, so that every example of the
 * README works verbatim. Nothing here is a secret, and nothing here opens a gateway in live mode.
 */
export const demo = {
  tenantId: 'b5a1f6c2-7d0e-4f7a-9c3b-2f1e0d9c8b7a',
  tenantName: 'Demo',
  key: 'pk_demodemodemodemodemodemodemodemo',
  operatorKey: 'op_demodemodemodemodemodemodemodemo',
  /** The channel id of AutoKonnect's documented example. */
  numberId: 123,
  /** The next five are the simulator's seed (simulator/seed.ts). */
  phoneNumberId: '106540352242922',
  wabaId: '102290129340398',
  accessToken: 'EAAG-demo-token-not-for-production',
  appSecret: 'demo-app-secret-not-for-production',
  displayNumber: '15550783881',
  verifyToken: 'demo-verify-token',
  /** promo_template, the first that the simulator lists. */
  templateId: 1,
  /** The recipient of Connexease's documented examples. */
  recipient: '905321234567',
  /** The tags of AutoKonnect's documented examples, with their contacts. */
  tags: [
    { id: 42, name: 'Customers', phones: ['254712345678', '254700000001', '254700000002'] },
    { id: 57, name: 'Newsletter', phones: ['254700000002', '254700000003'] },
  ],
  /**
   * Phones that write to the demo number when it starts, so that their windows are open: the recipients of the README, of the vendors'
   * documented examples and of the contacts above.
   */
  writers: [
    ...['905321234567', '254712345678', '254798765432', '254700000001', '254700000002', '254700000003'],
    ...['16505551234', '16045852331', '16044441111', '16502223333'],
  ],
  /** Of the first American one, in Meta's own examples. */
  userId: 'US.13491208655302741918',
} as const;

/** Shell variables with the demo's ids, as `wagate demo --env` prints them. */
export function demoVariables(url: string, simulatorUrl: string): Record<string, string> {
  return {
    WAGATE_URL: url,
    WAGATE_SIMULATOR_URL: simulatorUrl,
    WAGATE_KEY: demo.key,
    WAGATE_TENANT_ID: demo.tenantId,
    WAGATE_NUMBER_ID: String(demo.numberId),
    WAGATE_PHONE_NUMBER_ID: demo.phoneNumberId,
    WAGATE_WABA_ID: demo.wabaId,
    WAGATE_TAG_ID: String(demo.tags[0].id),
    WAGATE_TEMPLATE_ID: String(demo.templateId),
    WAGATE_RECIPIENT: demo.recipient,
  };
}
