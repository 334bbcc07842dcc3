/** What is frozen of one recipient, wherever it comes from. */
import type { Broadcast } from './broadcast.ts';
import type { NewRecipient } from './recipients.ts';
import { momentOf } from './schedule.ts';
import { fill, type Variables } from './variables.ts';

/** `next`: where the next of the same source begins; undefined after the last. */
export interface FrozenSlice {
  recipients: NewRecipient[];
  next: string | undefined;
}

export function frozen(
  { content, options }: Pick<Broadcast, 'content' | 'options'>,
  variables: Variables,
  timeZone: string | null,
  now: number,
): Pick<NewRecipient, 'variables' | 'timeZone' | 'dueAt' | 'reason'> {
  const { localStart, quietHours } = options;
  const zone = timeZone ?? options.timeZone;
  const dueAt = localStart === null ? 0 : momentOf(localStart, zone);
  const filled = fill(content, variables);
  return {
    variables,
    timeZone: localStart === null && quietHours === null ? null : zone,
    dueAt: dueAt <= now ? 0 : dueAt,
    reason: 'missing' in filled ? `has no value for ${filled.missing.join(', ')}` : null,
  };
}
