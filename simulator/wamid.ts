import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(9 * 1024);
let used = pool.length;

function randomKey(): string {
  if (used >= pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 9;
  return pool.toString('hex', used - 9, used).toUpperCase();
}

/**
 * The form of published ids (cloud-api.md §10): 1C 18 len <user> 15 02 00 <11|12> 18 len <key> 00, in base64.
 * A user known only by a business-scoped id stands there with that id: what Meta writes then is not known.
 */
export function createWamid(user: string, from: 'business' | 'user'): string {
  const key = from === 'business' ? randomKey() : `3A${randomKey()}`;
  const who = user.slice(0, 255);
  const kind = from === 'business' ? '\x11' : '\x12';
  const bytes =
    `\x1C\x18${String.fromCharCode(who.length)}${who}` +
    `\x15\x02\x00${kind}\x18${String.fromCharCode(key.length)}${key}\x00`;
  return `wamid.${Buffer.from(bytes, 'latin1').toString('base64')}`;
}
