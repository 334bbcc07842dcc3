import { randomBytes, randomFillSync, randomUUID } from 'node:crypto';
import { encodeTime, monotonicFactory } from 'ulid';

/** Ours: 26 characters, sortable by time, unique across processes (ULID). Connectly's `{id}` has the same form. */
export const newId: () => string = monotonicFactory(pooledRandom());

/** In [0, 1). The library asks for one byte at a time, 16 for an id, and every question of the system costs. */
function pooledRandom(): () => number {
  const pool = Buffer.allocUnsafe(4_096);
  let used = pool.length;
  return () => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    return pool[used++]! / 256;
  };
}

/** No id made at `ms` or later sorts before it: what is older than a moment is a range of ids. */
export function firstIdAt(ms: number): string {
  return encodeTime(Math.max(0, ms), 10) + '0'.repeat(16);
}

/** Tenants carry a UUID because Connectly's `businessId` is one (vendor-apis.md §2.1). */
export const newTenantId: () => string = () => randomUUID();

/** `wamid.FAKE_` and 19 digits of Unix nanoseconds: what Connexease answers for `is_fake` (vendor-apis.md §1.2). */
export function newFakeWamid(nowMs: number): string {
  const nanoseconds = BigInt(nowMs) * 1_000_000n + BigInt(randomBytes(3).readUIntBE(0, 3) % 1_000_000);
  return `wamid.FAKE_${nanoseconds}`;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** `length` random characters of [A-Za-z0-9], without modulo bias. */
export function randomText(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && text.length < length) text += alphabet[byte % 62];
    }
  }
  return text;
}
