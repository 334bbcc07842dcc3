/**
 * Graph's `fbtrace_id`: an opaque word of 23 characters that starts with A. The one place of a dialect that is not pure:
 * it must differ from answer to answer, and nothing is ever decided by it.
 */
import { randomText } from '../../canonical/ids.ts';

export function newTrace(): string {
  return `A${randomText(22)}`;
}
