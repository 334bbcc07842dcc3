/**
 * Numbers as the hot path needs them: secrets opened, kept for two seconds. A change made through this process shows at
 * once; so does one made through another where its notice arrives, and else after at most two seconds.
 */
import { createBatcher } from '../platform/batch.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { Notices } from '../platform/notices.ts';
import type { Seal } from '../platform/seal.ts';
import {
  directoryByPhoneNumberId,
  directoryByWaba,
  directoryEntry,
  findByDisplayNumber,
  findNumber,
  findNumbers,
  firstNumber,
  type SealedSecrets,
  type StoredNumber,
  setNumberStatus,
} from './numbers.ts';

export interface SendingNumber extends Omit<StoredNumber, 'sealed'> {
  accessToken: string;
  appSecret: string;
  verifyToken: string;
}

export interface NumberBook {
  byId(id: number): Promise<SendingNumber | undefined>;
  /** For the sender, who knows whose it is: all that are asked for in one turn are read together. */
  ofLane(lane: { tenantId: string; numberId: number }): Promise<SendingNumber | undefined>;
  byPhoneNumberId(phoneNumberId: string): Promise<SendingNumber | undefined>;
  ofWaba(wabaId: string): Promise<SendingNumber[]>;
  /** The tenant's first number, for callers that name none. */
  firstOf(tenantId: string): Promise<SendingNumber | undefined>;
  /** By the telephone number that Meta shows, in digits. */
  byDisplayNumber(tenantId: string, digits: string): Promise<SendingNumber | undefined>;
  /** Meta refuses the access token: new messages are refused until the number is connected again. */
  disconnect(tenantId: string, id: number, reason: string): Promise<void>;
  /** A number was changed, and that is committed: nothing older is answered any more, here and in other processes. */
  forget(): void;
}

const keptMs = 2_000;
const keptMax = 50_000;

export function createNumberBook(deps: {
  database: Database;
  seal: Seal;
  notices: Notices;
  log: Log;
  now(): number;
}): NumberBook {
  const { database, seal, notices, log, now } = deps;
  const kept = new Map<string, { value: unknown; until: number }>();
  const loading = new Map<string, Promise<unknown>>();
  let timesForgotten = 0;

  async function keep<T>(key: string, load: () => Promise<T>): Promise<T> {
    const entry = kept.get(key);
    // Not further ahead than it can be: the clock may have been set back.
    if (entry !== undefined && entry.until > now() && entry.until <= now() + keptMs) return entry.value as T;
    // Many ask at the moment it runs out: one look serves them all.
    const running = loading.get(key) ?? loadAndKeep(key, load);
    loading.set(key, running);
    return running as Promise<T>;
  }

  async function loadAndKeep<T>(key: string, load: () => Promise<T>): Promise<T> {
    const before = timesForgotten;
    try {
      const value = await load();
      // Read before the change, perhaps: true enough for who asked before it, and for no later one.
      if (timesForgotten !== before) return value;
      if (kept.size >= keptMax) kept.clear();
      kept.set(key, { value, until: now() + keptMs });
      return value;
    } finally {
      if (timesForgotten === before) loading.delete(key);
    }
  }

  function clear(): void {
    timesForgotten++;
    kept.clear();
    loading.clear();
  }
  notices.hear('numbers', clear);

  const open = (number: StoredNumber): SendingNumber => {
    const { sealed, ...rest } = number;
    return { ...rest, ...openSecrets(seal, number.id, sealed) };
  };

  const byEntry = async (tenantId: string, id: number) => {
    const number = await findNumber(database, tenantId, id);
    return number && open(number);
  };

  const reads = createBatcher<{ tenantId: string; numberId: number }, StoredNumber | undefined>({
    async run(asked) {
      const found = await Promise.all(
        [...Map.groupBy(asked, ({ tenantId }) => tenantId)].map(([tenantId, ofTenant]) =>
          findNumbers(
            database,
            tenantId,
            ofTenant.map(({ numberId }) => numberId),
          ),
        ),
      );
      const byId = new Map(found.flat().map(number => [number.id, number]));
      return asked.map(({ numberId }) => byId.get(numberId));
    },
    sizeMax: 500,
    waitingMax: Number.POSITIVE_INFINITY,
  });

  const book: NumberBook = {
    byId: id =>
      keep(`id:${id}`, async () => {
        const entry = await directoryEntry(database, id);
        return entry && byEntry(entry.tenantId, entry.numberId);
      }),
    ofLane: lane =>
      keep(`id:${lane.numberId}`, async () => {
        const number = await reads.add(lane);
        return number && open(number);
      }),
    byPhoneNumberId: phoneNumberId =>
      keep(`phone:${phoneNumberId}`, async () => {
        const entry = await directoryByPhoneNumberId(database, phoneNumberId);
        return entry && byEntry(entry.tenantId, entry.numberId);
      }),
    ofWaba: wabaId =>
      keep(`waba:${wabaId}`, async () => {
        const numbers = await Promise.all(
          (await directoryByWaba(database, wabaId)).map(entry => byEntry(entry.tenantId, entry.numberId)),
        );
        return numbers.filter(number => number !== undefined);
      }),
    firstOf: tenantId =>
      keep(`first:${tenantId}`, async () => {
        const number = await firstNumber(database, tenantId);
        return number && open(number);
      }),
    byDisplayNumber: (tenantId, digits) =>
      keep(`display:${tenantId}:${digits}`, async () => {
        const number = await findByDisplayNumber(database, tenantId, digits);
        return number && open(number);
      }),
    async disconnect(tenantId, id, reason) {
      await database.transact(tx => setNumberStatus(tx, tenantId, id, 'disconnected', reason, now()));
      book.forget();
      log.warn({ tenant: tenantId, number: id, reason }, 'number disconnected');
    },
    forget() {
      clear();
      notices.tell('numbers', null);
    },
  };
  return book;
}

type Secrets = { [N in keyof SealedSecrets]: string };

export function sealSecrets(seal: Seal, numberId: number, secrets: Secrets): SealedSecrets {
  return mapSecrets(secrets, (text, name) => seal.seal(text, `number:${numberId}:${name}`));
}

export function openSecrets(seal: Seal, numberId: number, sealed: SealedSecrets): Secrets {
  return mapSecrets(sealed, (text, name) => seal.open(text, `number:${numberId}:${name}`));
}

function mapSecrets(secrets: Secrets, change: (text: string, name: string) => string): Secrets {
  return {
    accessToken: change(secrets.accessToken, 'access_token'),
    appSecret: change(secrets.appSecret, 'app_secret'),
    verifyToken: change(secrets.verifyToken, 'verify_token'),
  };
}
