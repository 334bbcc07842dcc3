/** One line for each step of each message, as it moves. */

import type { Change, Feed } from '../messages/feed.ts';
import { findMessage } from '../messages/lookup.ts';
import type { Database } from '../platform/database.ts';

const rememberedMax = 10_000;

/** Calls `print` with a line per change; returns the function that ends it. */
export function watchLive(feed: Feed, database: Database, print: (line: string) => void): () => void {
  const remembered = new Map<string, NonNullable<Change['about']>>();
  let last: Promise<void> = Promise.resolve();

  async function about(change: Change): Promise<NonNullable<Change['about']> | undefined> {
    let known = change.about ?? remembered.get(change.id);
    if (known === undefined) known = await findMessage(database, change.tenantId, change.id);
    if (known === undefined) return undefined;
    if (remembered.size >= rememberedMax) remembered.delete(remembered.keys().next().value!);
    remembered.set(change.id, known);
    return known;
  }

  async function tell(changes: Change[]): Promise<void> {
    for (const change of changes) print(liveLine(change, await about(change)));
  }

  return feed.watch(changes => {
    // One after the other: lines stay in the order of what happened.
    last = last.then(() => tell(changes)).catch(() => undefined);
  });
}

function liveLine(change: Change, about: Change['about']): string {
  const time = new Date(change.at).toTimeString().slice(0, 8);
  const what =
    about === undefined
      ? ''
      : `${about.dialect.padEnd(11)}  ${about.type.padEnd(11)}  → ${about.recipient.padEnd(15)}`;
  const reason = change.reason === undefined ? '' : `  ${change.reason}`;
  return `${time}  ${change.status.padEnd(9)}  ${what}  ${change.id}${reason}`;
}
