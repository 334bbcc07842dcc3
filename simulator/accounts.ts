import type { Json } from './rules/check.ts';
import { createTemplateBook, type TemplateBook } from './templates.ts';

type Throughput = 'STANDARD' | 'HIGH' | 'NOT_APPLICABLE';

/** How many unique users a portfolio may write to outside their windows in 24 hours; cloud-api.md §6. */
export type MessagingLimit = 'TIER_50' | 'TIER_250' | 'TIER_2K' | 'TIER_10K' | 'TIER_100K' | 'TIER_UNLIMITED';

export type AccountSpec = {
  wabaId: string;
  name?: string;
  /** Accounts of one portfolio share its messaging limit; by default each has its own. */
  portfolio?: string;
  messagingLimit?: MessagingLimit;
  app: { id: string; secret: string; verifyToken?: string };
  accessToken: string;
  webhookUrl?: string;
  phoneNumbers: {
    id: string;
    displayPhoneNumber: string;
    verifiedName: string;
    throughput?: Throughput;
  }[];
  templates?: Json[];
};

export type PhoneNumber = {
  id: string;
  displayPhoneNumber: string;
  digits: string;
  countryCode: string;
  verifiedName: string;
  throughput: Throughput;
};

export type Account = {
  wabaId: string;
  name: string;
  portfolio: string;
  messagingLimit: MessagingLimit;
  app: { id: string; secret: string; verifyToken?: string };
  accessToken: string;
  /** The app's own callback; the override goes before it (DOC/webhooks/override). */
  webhookUrl: string | null;
  overrideUrl: string | null;
  subscribed: boolean;
  phoneNumbers: PhoneNumber[];
  templates: TemplateBook;
};

export type Accounts = ReturnType<typeof createAccounts>;

export function createAccounts(seed: AccountSpec[]) {
  const byWaba = new Map<string, Account>();
  const byPhone = new Map<string, { account: Account; phone: PhoneNumber }>();
  const tokens = new Map<string, number>();

  function remove(wabaId: string): void {
    const account = byWaba.get(wabaId);
    if (!account) return;
    byWaba.delete(wabaId);
    for (const phone of account.phoneNumbers) byPhone.delete(phone.id);
    const left = (tokens.get(account.accessToken) ?? 1) - 1;
    if (left > 0) tokens.set(account.accessToken, left);
    else tokens.delete(account.accessToken);
  }

  function put(spec: AccountSpec): Account {
    const account: Account = {
      wabaId: spec.wabaId,
      name: spec.name ?? `Account ${spec.wabaId}`,
      portfolio: spec.portfolio ?? spec.wabaId,
      messagingLimit: spec.messagingLimit ?? 'TIER_UNLIMITED',
      app: spec.app,
      accessToken: spec.accessToken,
      webhookUrl: spec.webhookUrl ?? null,
      overrideUrl: null,
      subscribed: spec.webhookUrl !== undefined,
      phoneNumbers: spec.phoneNumbers.map(phoneNumber),
      templates: createTemplateBook(spec.templates ?? []),
    };
    remove(spec.wabaId);
    for (const phone of account.phoneNumbers) {
      const owner = byPhone.get(phone.id)?.account.wabaId;
      if (owner) throw new Error(`phone number id ${phone.id} belongs to account ${owner}`);
    }
    byWaba.set(account.wabaId, account);
    for (const phone of account.phoneNumbers) byPhone.set(phone.id, { account, phone });
    tokens.set(account.accessToken, (tokens.get(account.accessToken) ?? 0) + 1);
    return account;
  }

  function clear(): void {
    byWaba.clear();
    byPhone.clear();
    tokens.clear();
    for (const spec of seed) put(spec);
  }

  clear();
  return {
    put,
    clear,
    all: () => [...byWaba.values()],
    account: (wabaId: string) => byWaba.get(wabaId),
    phone: (id: string) => byPhone.get(id),
    knowsToken: (token: string) => tokens.has(token),
  };
}

function phoneNumber(spec: AccountSpec['phoneNumbers'][number]): PhoneNumber {
  return {
    id: spec.id,
    displayPhoneNumber: spec.displayPhoneNumber,
    digits: spec.displayPhoneNumber.replace(/\D/g, ''),
    countryCode: /^\+(\d+)/.exec(spec.displayPhoneNumber)?.[1] ?? '',
    verifiedName: spec.verifiedName,
    throughput: spec.throughput ?? 'STANDARD',
  };
}
