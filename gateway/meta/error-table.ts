/**
 * Meta's error codes as a table, not as branches: may the send be repeated, what rests meanwhile, how long, and what a person
 * should do. Codes and titles: cloud-api.md §5.2; a code that is not listed is a plain rejection.
 */

/**
 * What rests after a throttling answer. message: this send only. pair: this number to this recipient. lane: the number.
 * bulk: the number's bulk messages only, replies go on.
 */
export type Pause = 'message' | 'pair' | 'lane' | 'bulk';

export interface ErrorRule {
  title: string;
  /** Absent: never repeat. */
  later?: {
    pause: Pause;
    /** First delay and how it grows with each try of the same message; both before jitter. */
    firstMs: number;
    factor: number;
    mostMs: number;
  };
  /** The number's credentials are no good any more; nothing will pass until it is connected again. */
  disconnects?: true;
  /** It would be the same for every recipient: a broadcast that meets it again and again pauses. */
  forAll?: true;
  /** The same recipient would be refused again whatever is sent: a retry of a broadcast leaves it out. */
  hopeless?: true;
  /** A retry of a broadcast waits so long after the failure. */
  restMs?: number;
  action: string;
}

const second = 1_000;
const minute = 60 * second;

const shortly = { firstMs: second, factor: 2, mostMs: 5 * minute };
const inMinutes = { firstMs: minute, factor: 2, mostMs: 60 * minute };

export const errorTable: Record<number, ErrorRule> = {
  0: {
    title: 'AuthException',
    disconnects: true,
    action: 'Connect the number again with a new access token.',
  },
  1: {
    title: 'API Unknown',
    later: { pause: 'message', ...shortly },
    action: "Wagate repeats it; if it stays, look at Meta's status page.",
  },
  2: {
    title: 'API Service',
    later: { pause: 'lane', ...shortly },
    action: 'Meta is overloaded or down; Wagate repeats it.',
  },
  3: { title: 'API Method', forAll: true, action: 'The app lacks a capability; check its permissions.' },
  4: {
    title: 'API Too Many Calls',
    later: { pause: 'lane', ...inMinutes },
    action: 'The app reached its hourly limit; Wagate waits.',
  },
  10: { title: 'Permission Denied', forAll: true, action: 'Grant whatsapp_business_messaging to the token.' },
  33: { title: 'Parameter value is not valid', action: 'The number or object was deleted at Meta.' },
  100: { title: 'Invalid parameter', action: 'Correct the request; the details name the field.' },
  190: {
    title: 'Access token expired',
    disconnects: true,
    action: 'Connect the number again with a new access token.',
  },
  200: { title: 'API Permission', forAll: true, action: 'Grant the permission to the token.' },
  368: {
    title: 'Temporarily blocked for policies violations',
    forAll: true,
    action: 'Wait until Meta lifts the block.',
  },
  80007: {
    title: 'Rate limit issues',
    later: { pause: 'lane', ...inMinutes },
    action: 'The account reached its hourly limit; Wagate waits.',
  },
  130403: { title: 'Business has blocked this user', hopeless: true, action: 'Unblock the user first.' },
  130429: {
    title: 'Rate limit hit',
    later: { pause: 'lane', ...shortly },
    action: "The number's throughput was exceeded; Wagate waits.",
  },
  130472: {
    title: "User's number is part of an experiment",
    hopeless: true,
    action: 'Send another way; Meta withholds marketing from this user.',
  },
  130497: {
    title: 'Business account restricted in this country',
    hopeless: true,
    action: 'Do not message users of this country.',
  },
  131000: {
    title: 'Something went wrong',
    later: { pause: 'message', ...shortly },
    action: 'Wagate repeats it a few times.',
  },
  131005: { title: 'Access denied', forAll: true, action: 'Grant the permission to the token.' },
  131008: {
    title: 'Required parameter is missing',
    action: 'Correct the request; the details name the field.',
  },
  131009: {
    title: 'Parameter value is not valid',
    action: 'Correct the request; the details name the field.',
  },
  131016: {
    title: 'Service unavailable',
    later: { pause: 'lane', ...shortly },
    action: 'A service of Meta is down; Wagate repeats it.',
  },
  131021: { title: 'Recipient cannot be sender', hopeless: true, action: 'Send to another number.' },
  131026: {
    title: 'Message undeliverable',
    hopeless: true,
    action: 'The recipient is not on WhatsApp or cannot take this message.',
  },
  131030: {
    title: 'Recipient phone number not in allowed list',
    action: 'Add the recipient to the test number in the app dashboard.',
  },
  131031: {
    title: 'Account has been locked',
    forAll: true,
    action: 'Look at the account in Meta Business Manager.',
  },
  131037: {
    title: 'Display name approval needed',
    forAll: true,
    action: 'Have the display name of the number approved.',
  },
  131042: {
    title: 'Business eligibility payment issue',
    forAll: true,
    action: 'Settle the payment method of the account.',
  },
  131045: {
    title: 'Incorrect certificate',
    forAll: true,
    action: 'Register the number at Meta, then send again.',
  },
  131047: { title: 'Re-engagement message', action: 'The 24-hour window is closed; send a template.' },
  131048: {
    title: 'Spam rate limit hit',
    later: { pause: 'bulk', firstMs: 60 * minute, factor: 2, mostMs: 24 * 60 * minute },
    action: 'Too many recipients blocked the number; bulk rests, replies go on.',
  },
  131049: {
    title: 'Not delivered to maintain healthy ecosystem engagement',
    restMs: 24 * 60 * minute,
    action: 'Do not repeat before 24 hours have passed.',
  },
  131050: {
    title: 'User has stopped marketing messages',
    hopeless: true,
    action: 'Do not send marketing to this user.',
  },
  131051: { title: 'Unsupported message type', action: 'Send another type.' },
  131052: { title: 'Media download error', action: 'Ask the user to send it again.' },
  131053: { title: 'Media upload error', action: 'Check type, size and address of the media.' },
  131055: {
    title: 'Method not allowed',
    forAll: true,
    action: 'Only marketing templates go through this endpoint.',
  },
  131056: {
    title: 'Pair rate limit hit',
    later: { pause: 'pair', firstMs: second, factor: 4, mostMs: 60 * minute },
    action: 'Too many messages to this recipient in a short time; Wagate waits 4^X seconds.',
  },
  131057: {
    title: 'Account in maintenance mode',
    later: { pause: 'lane', ...shortly },
    action: 'Wagate waits until it is over.',
  },
  131062: {
    title: 'BSUID recipients are not supported for this message',
    action: "Send to the user's phone number.",
  },
  131063: {
    title: 'Marketing templates are disabled on Cloud API',
    forAll: true,
    action: 'Use marketing_messages.',
  },
  131064: {
    title: 'Account messaging limit',
    forAll: true,
    action: 'Wait until the enforcement period is over.',
  },
  132000: {
    title: 'Template parameter count mismatch',
    forAll: true,
    action: 'Give exactly the variables of the approved template.',
  },
  132001: {
    title: 'Template does not exist',
    forAll: true,
    action: 'Check name and language, and that the template is approved.',
  },
  132005: { title: 'Template hydrated text too long', action: 'Shorten the variables.' },
  132007: {
    title: 'Template format character policy violated',
    action: 'Remove the characters named in the details.',
  },
  132012: {
    title: 'Template parameter format mismatch',
    forAll: true,
    action: 'Give each variable in the kind the template asks for.',
  },
  132015: {
    title: 'Template is paused',
    forAll: true,
    action: 'Wait until Meta resumes the template, or edit it.',
  },
  132016: { title: 'Template is disabled', forAll: true, action: 'Use another template.' },
  132018: {
    title: 'Template validation error',
    forAll: true,
    action: 'Correct the parameters named in the details.',
  },
  132068: { title: 'Flow is in blocked state', forAll: true, action: 'Correct the flow.' },
  132069: { title: 'Flow is in throttled state', forAll: true, action: 'Send again in the next hour.' },
  133004: {
    title: 'Server temporarily unavailable',
    later: { pause: 'lane', ...shortly },
    action: 'Wagate repeats it.',
  },
  133010: { title: 'Phone number not registered', forAll: true, action: 'Register the number at Meta.' },
  134102: {
    title: 'Template unavailable for marketing messages',
    later: { pause: 'message', ...inMinutes },
    action: 'Meta still syncs the template; Wagate repeats it.',
  },
  135000: { title: 'Generic user error', action: 'Check the parameters of the request.' },
  2494100: {
    title: 'Number in maintenance mode',
    later: { pause: 'lane', ...inMinutes },
    action: 'Wagate waits until it is over.',
  },
};

/** Delay before try `n` (1 = the first repeat) with ±20 % jitter; `random` is in [0, 1). */
export function delayMs(rule: NonNullable<ErrorRule['later']>, n: number, random: number): number {
  const plain = Math.min(rule.firstMs * rule.factor ** (n - 1), rule.mostMs);
  return Math.round(plain * (0.8 + 0.4 * random));
}
