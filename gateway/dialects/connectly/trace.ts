/**
 * `cntTraceId`: a decimal uint64 as a string (vendor-apis.md §2.4). The one place where a dialect is not pure: the id must
 * differ from answer to answer, and nothing is stored under it.
 */
import { randomBytes } from 'node:crypto';

export function newTraceId(): string {
  return randomBytes(8).readBigUInt64BE().toString();
}
