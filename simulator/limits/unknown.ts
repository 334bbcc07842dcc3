import { hashOf } from '../hash.ts';
import type { Settings } from '../settings.ts';

const parts = 1_000_000;

/** Whether a number is one of those that are not on WhatsApp by the settings: the same answer for it every time. */
export function isUnknownBy(
  digits: string,
  { unknown, unknownShare }: Pick<Settings, 'unknown' | 'unknownShare'>,
): boolean {
  if (unknownShare > 0 && hashOf(digits) % parts < unknownShare * parts) return true;
  return unknown.some(one => (one.endsWith('*') ? digits.startsWith(one.slice(0, -1)) : digits === one));
}
