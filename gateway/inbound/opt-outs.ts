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
import type { PreferenceFact, StatusFact } from './facts.ts';
import { allNames } from './windows.ts';

/** "User has stopped marketing messages" (cloud-api.md §5.2). */
const userStopped = 131050;

type Report = Pick<StatusFact, 'messageId' | 'wamid' | 'code' | 'names' | 'at'>;

export interface Heard<R extends Report> {
  /** New messages that are a word of the tenant's list. */
  messages: { names: string[]; at: number; wish: Wish }[];
  /** New ones only: a replay may be of somebody who has been erased since. */
  preferences: Pick<PreferenceFact, 'names' | 'at' | 'wish'>[];
  reports: R[];
}

/**
 * Marks the people of one tenant by what was heard of them; nothing is asked of the database when that is nothing. Returns the reports
 * by which we learn that somebody is out.
 */
export async function hearOptOuts<R extends Report>(
  tx: Tx,
  seal: Pick<Seal, 'digest'>,
  tenantId: string,
  { messages, preferences, reports }: Heard<R>,
): Promise<R[]> {
  const told =
    (source: OptOutSource) =>
    ({ names, at, wish }: Heard<R>['messages'][number]): OptOutMark => ({
      ...{ names: allNames(names), at, source },
      state: wish === 'stop' ? 'out' : 'in',
    });
  const stopped = reports.filter(({ code, names }) => code === userStopped && names.length > 0);
  const refused = stopped.length === 0 ? [] : await marksOf(tx, seal, tenantId, stopped);
  const news = refused.length === 0 ? [] : await newOnes(tx, tenantId, refused);
  const marks = [
    ...messages.map(told('message')),
    ...preferences.map(told('meta')),
    ...refused.map(({ mark }) => mark),
  ];
  await markOptOuts(tx, seal, tenantId, marks);
  return news;
}

interface Refused<R> {
  report: R;
  mark: OptOutMark;
  isErased: boolean;
}

async function newOnes<R>(tx: Tx, tenantId: string, refused: Refused<R>[]): Promise<R[]> {
  const heard = new Set(
    (
      await optOutsOf(
        tx,
        tenantId,
        refused.flatMap(({ mark }) => mark.names),
      )
    ).keys(),
  );
  return refused.flatMap(({ report, mark, isErased }) => {
    const isKnown = mark.names.some(name => heard.has(name));
    for (const name of mark.names) heard.add(name);
    return isErased || isKnown ? [] : report;
  });
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
async function marksOf<R extends Report>(
  tx: Tx,
  seal: Pick<Seal, 'digest'>,
  tenantId: string,
  reports: R[],
): Promise<Refused<R>[]> {
  const messages = await tx.all<{ id: string; recipient: string; recipient_kind: string }>(
    `select id, recipient, recipient_kind from messages
     where tenant_id = $1 and one_of(id, select value ->> 'id' from json_rows($2))`,
    [
      tenantId,
      JSON.stringify(reports.flatMap(({ messageId }) => (messageId === null ? [] : { id: messageId }))),
    ],
  );
  const byId = new Map(messages.map(message => [message.id, message]));
  return reports.map(report => {
    const { messageId, names, at } = report;
    const message = byId.get(messageId ?? '');
    const isErased = message?.recipient_kind === 'erased';
    // As it was dialled, too.
    const all = allNames(isErased || message === undefined ? names : [...names, message.recipient]);
    const mark: OptOutMark = {
      names: isErased ? all.map(name => optOutHash(seal, tenantId, name)) : all,
      state: 'out',
      at,
      source: 'meta',
    };
    return { report, mark, isErased };
  });
}
