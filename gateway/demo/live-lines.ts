/** One line for each step of each message, as it moves. */
import { createFactBook, type Facts } from '../messages/fact-book.ts';
import type { Change, Feed, View } from '../messages/feed.ts';
import type { Database } from '../platform/database.ts';

/** Calls `print` with a line per change of any tenant; returns the function that ends it. */
export function watchLive(
  feed: Feed,
  madeBy: View['madeBy'],
  database: Database,
  print: (line: string) => void,
): () => void {
  const facts = createFactBook(database);
  let last: Promise<void> = Promise.resolve();

  async function tell(changes: Change[]): Promise<void> {
    for (const [tenantId, ofTenant] of Map.groupBy(changes, change => change.tenantId)) {
      const known = await facts.of(tenantId, ofTenant);
      for (const change of ofTenant) print(line(change, known.get(change.id)));
    }
  }

  return feed.watch({ tenantId: null, madeBy }, changes => {
    // One after the other: lines stay in the order of what happened.
    last = last.then(() => tell(changes)).catch(() => undefined);
  });
}

function line(change: Change, facts: Facts | undefined): string {
  const time = new Date(change.at).toTimeString().slice(0, 8);
  const what =
    facts === undefined
      ? ''
      : `${facts.dialect.padEnd(11)}  ${facts.type.padEnd(11)}  → ${facts.recipient.padEnd(15)}`;
  const reason = change.reason === undefined ? '' : `  ${change.reason}`;
  return `${time}  ${change.status.padEnd(9)}  ${what}  ${change.id}${reason}`;
}
