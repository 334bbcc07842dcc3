/** Whom a command goes to: its own recipients and those of its tags, each person once. */
import { type Recipient, recipientKey } from '../canonical/content.ts';
import type { SendCommand } from '../dialects/dialect.ts';
import type { Database } from '../platform/database.ts';
import { phonesOfTags } from '../tenants/tags.ts';

/** So many are sent to as one call, which is judged as a whole; more become a broadcast. */
export const callMost = 1_000;

/** In the order first named; one more than `callMost` stands for any number that is too many for a call. */
export async function audience(
  database: Database,
  tenantId: string,
  command: SendCommand,
): Promise<Recipient[]> {
  const tagged = await phonesOfTags(database, tenantId, command.tags, callMost + 1);
  const all = [
    ...command.recipients,
    ...tagged.map(digits => ({ kind: 'phone', digits, to: `+${digits}` }) as const),
  ];
  return [
    ...new Map(all.toReversed().map(recipient => [recipientKey(recipient), recipient])).values(),
  ].toReversed();
}
