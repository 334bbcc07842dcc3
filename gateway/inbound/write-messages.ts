/** What was told of messages and people, written: stored once, messages advanced, windows opened, wishes heard, events drafted. */
import type { EventDraft } from '../canonical/event.ts';
import { type Advanced, advance } from '../messages/advance.ts';
import type { Change } from '../messages/feed.ts';
import type { Tx } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';
import { setListeningSince } from '../tenants/numbers.ts';
import { answeredName, findAnswered } from './answered.ts';
import { keptDraft, receivedDraft, renamedDraft, wishDraft } from './drafts.ts';
import type { CallFact, IncomingFact, KeptFact, PreferenceFact, RenameFact, StatusFact } from './facts.ts';
import { insertIncoming, keepChanges } from './incoming.ts';
import { followNames, hearOptOuts } from './opt-outs.ts';
import type { Owned, OwnedMessageFact } from './owned.ts';
import { openWindows, setFreeUntil } from './windows.ts';

/** What was told for the first time, and all statuses: of people, windows and wishes come of it. */
export interface Heard {
  tenantId: string;
  incoming: Owned<IncomingFact>[];
  changed: Owned<PreferenceFact | CallFact | RenameFact | KeptFact>[];
  reports: Owned<StatusFact>[];
  /** What the reports told for the first time. */
  changes: Change[];
}

/** Stores the facts of one tenant and advances its messages. */
export async function writeMessages(
  tx: Tx,
  tenantId: string,
  facts: OwnedMessageFact[],
  at: number,
): Promise<Advanced & Heard> {
  const firsts = new Set(facts.filter(({ isFirst }) => isFirst).map(({ numberId }) => numberId));
  if (firsts.size > 0) await setListeningSince(tx, tenantId, [...firsts], at);
  const incoming = facts.filter(fact => fact.kind === 'incoming');
  const kept = facts.filter(fact => fact.kind !== 'incoming' && fact.kind !== 'status');
  const reports = facts.filter(fact => fact.kind === 'status');
  // Nothing comes of a replay: its person may have been erased since.
  const written = incoming.length > 0 ? await insertIncoming(tx, tenantId, incoming, at) : [];
  const changed = kept.length > 0 ? await keepChanges(tx, tenantId, kept, at) : [];
  const advanced =
    reports.length > 0 ? await advance(tx, tenantId, reports) : { changes: [], strays: 0, billed: [] };
  return { ...advanced, tenantId, incoming: written, changed, reports };
}

/** Windows are locked after wallets, as accept does: neither waits for the other. Returns the events of what was new. */
export async function hear(
  tx: Tx,
  seal: Pick<Seal, 'digest'>,
  { tenantId, incoming, changed, reports, changes }: Heard,
): Promise<EventDraft[]> {
  const calls = changed.filter(fact => fact.kind === 'call');
  const preferences = changed.filter(fact => fact.kind === 'preference');
  const renames = changed.filter(fact => fact.kind === 'rename');
  await openWindows(tx, tenantId, [
    ...incoming.filter(({ opensWindow }) => opensWindow),
    ...calls.map(call => ({ ...call, referred: false })),
  ]);
  await setFreeUntil(
    tx,
    tenantId,
    reports.flatMap(({ numberId, names, freeUntil }) =>
      freeUntil === null ? [] : { numberId, names, until: freeUntil },
    ),
  );
  const messages = incoming.flatMap(({ word, names, at }) =>
    word === undefined ? [] : { wish: word, names, at },
  );
  const refused = await hearOptOuts(tx, seal, tenantId, { messages, preferences, reports });
  const told = incoming.map(({ names, renamedTo }) => ({ from: names, to: renamedTo }));
  await followNames(tx, seal, tenantId, [...told, ...renames]);
  // A replay may be of a wish that has been taken back since.
  const failed = new Set<string | null>(changes.flatMap(({ id, status }) => (status === 'failed' ? id : [])));
  const answered = await findAnswered(tx, tenantId, incoming);
  return [
    ...incoming.flatMap(fact => [
      receivedDraft(fact, answered.get(answeredName(fact.numberId, fact.answers ?? ''))),
      ...renamedDraft(fact, fact.names, fact.renamedTo),
      ...(fact.word === undefined ? [] : [wishDraft(fact, fact.word)]),
    ]),
    ...changed.flatMap(draftsOf),
    ...refused.filter(({ messageId }) => failed.has(messageId)).map(fact => wishDraft(fact, 'stop')),
  ];
}

function draftsOf(fact: Heard['changed'][number]): EventDraft[] {
  switch (fact.kind) {
    case 'preference':
      return [wishDraft(fact, fact.wish)];
    case 'rename':
      return renamedDraft(fact, fact.from, fact.to);
    case 'call':
    case 'kept':
      return [keptDraft(fact)];
  }
}
