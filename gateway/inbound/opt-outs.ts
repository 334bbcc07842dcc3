/** What people tell us, or tell Meta, of our marketing: found among the facts and marked. */
import type { Wish } from '../canonical/opt-out-words.ts';
import type { Tx } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';
import {
  markOptOuts,
  type OptOutMark,
  type OptOutSource,
  optOutHash,
  optOutsOf,
} from '../tenants/opt-outs.ts';
import type { PreferenceFact, StatusFact } from './read-payload.ts';
import { allNames } from './windows.ts';

/** "User has stopped marketing messages" (cloud-api.md §5.2). */
const userStopped = 131050;

export interface Heard {
  /** New messages that are a word of the tenant's list. */
  messages: { names: string[]; at: number; wish: Wish }[];
  /** New ones only: a replay may be of somebody who has been erased since. */
  preferences: Pick<PreferenceFact, 'names' | 'at' | 'wish'>[];
  reports: Pick<StatusFact, 'messageId' | 'wamid' | 'code' | 'names' | 'at'>[];
}

/** Marks the people of one tenant by what was heard of them; nothing is asked of the database when that is nothing. */
export async function hearOptOuts(
  tx: Tx,
  seal: Pick<Seal, 'digest'>,
  tenantId: string,
  { messages, preferences, reports }: Heard,
): Promise<void> {
  const told =
    (source: OptOutSource) =>
    ({ names, at, wish }: Heard['messages'][number]): OptOutMark => ({
      ...{ names: allNames(names), at, source },
      state: wish === 'stop' ? 'out' : 'in',
    });
  const stopped = reports.filter(({ code, names }) => code === userStopped && names.length > 0);
  const marks = [
    ...messages.map(told('message')),
    ...preferences.map(told('meta')),
    ...(stopped.length === 0 ? [] : await marksOf(tx, seal, tenantId, stopped)),
  ];
  await markOptOuts(tx, seal, tenantId, marks);
}

/**
 * A wish for no more marketing goes with the person to the new name. It stays under the old one too: who gets that number next has not
 * asked for any. Of an erased person nothing but the new hash is written.
 */
export async function followNames(
  tx: Tx,
  seal: Pick<Seal, 'digest'>,
  tenantId: string,
  renames: { from: string[]; to: string[] }[],
): Promise<void> {
  const hashOf = (name: string) => optOutHash(seal, tenantId, name);
  const moves = renames
    .filter(({ to }) => to.length > 0)
    .map(({ from, to }) => ({ from: allNames(from), to: allNames(to) }));
  if (moves.length === 0) return;
  const standing = await optOutsOf(
    tx,
    tenantId,
    moves.flatMap(({ from }) => [...from, ...from.map(hashOf)]),
  );
  const marks = moves.flatMap(({ from, to }): OptOutMark[] =>
    from.flatMap(name => {
      const named = standing.get(name);
      const hidden = standing.get(hashOf(name));
      return [
        ...(named === undefined ? [] : [{ ...named, names: [...from, ...to], state: 'out' as const }]),
        ...(hidden === undefined ? [] : [{ ...hidden, names: to.map(hashOf), state: 'out' as const }]),
      ];
    }),
  );
  await markOptOuts(tx, seal, tenantId, marks);
}

/** A failed send of ours may be told after its person was erased: then nothing but the hash is written. */
async function marksOf(
  tx: Tx,
  seal: Pick<Seal, 'digest'>,
  tenantId: string,
  reports: Heard['reports'],
): Promise<OptOutMark[]> {
  const messages = await tx.all<{ id: string; recipient: string; recipient_kind: string }>(
    `select id, recipient, recipient_kind from messages
     where tenant_id = $1 and one_of(id, select value ->> 'id' from json_rows($2))`,
    [
      tenantId,
      JSON.stringify(reports.flatMap(({ messageId }) => (messageId === null ? [] : { id: messageId }))),
    ],
  );
  const byId = new Map(messages.map(message => [message.id, message]));
  return reports.map(({ messageId, names, at }) => {
    const message = byId.get(messageId ?? '');
    const isErased = message?.recipient_kind === 'erased';
    // As it was dialled, too.
    const all = allNames(isErased || message === undefined ? names : [...names, message.recipient]);
    return {
      names: isErased ? all.map(name => optOutHash(seal, tenantId, name)) : all,
      state: 'out',
      at,
      source: 'meta',
    };
  });
}
