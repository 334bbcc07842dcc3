/**
 * Erases one person in one tenant, a bounded step at a time. A step looks for the first thing there is left to do, so that it needs no
 * memory but the receipt: a kill between two steps costs nothing, and a step that is repeated finds nothing.
 *
 * What was made or received after the request is new and stays.
 */
import { forgetRecipient } from '../broadcasts/forget.ts';
import { isObject, parseJson } from '../canonical/json.ts';
import { statusRank } from '../canonical/status.ts';
import { anonymizeIncoming } from '../inbound/incoming.ts';
import { lockLane } from '../messages/pace.ts';
import { first, type Tx } from '../platform/database.ts';
import type { Seal } from '../platform/seal.ts';
import { contactsOfPerson, removeContacts } from '../tenants/contacts.ts';
import { lockCounter } from '../tenants/counters.ts';
import { hideOptOut, storedNames } from '../tenants/opt-outs.ts';
import type { Counts, RunningErasure } from './erasures.ts';
import { eraseEvents } from './webhooks.ts';

export interface Erased {
  /** more: call again. waiting: sends to the person are still in doubt. done: nothing is left. */
  next: 'more' | 'waiting' | 'done';
  erasure: RunningErasure;
  /** Messages that were still to be sent. */
  canceled: string[];
}

/** What erased texts say instead; `recipient_kind` marks the row, so that late facts leave it as it is (settle.ts, advance.ts). */
const erased = 'erased';

/** Somebody is sending them or nobody knows whether they were sent; such messages of one person are few. */
const inDoubt = `${statusRank.sending}, ${statusRank.uncertain}`;

/** More names than any person has; a mistake in what Meta says must not spread without end. */
const namesMax = 20;

interface Found {
  rows: number;
  counts?: Partial<Counts>;
  names?: string[];
  canceled?: string[];
  changesTo?: string;
}

export async function eraseStep(
  tx: Tx,
  seal: Pick<Seal, 'digest'>,
  erasure: RunningErasure,
  limit: number,
  now: number,
): Promise<Erased> {
  for (const name of erasure.names) {
    for (const part of [
      eraseRecipients,
      eraseSentTo,
      eraseMessagesOf,
      eraseIncoming,
      erasePosted,
      forgetPerson,
    ]) {
      const found = await part(tx, erasure, name, limit, now);
      if (found.rows > 0) return step(erasure, found);
    }
    // The wish for no more marketing outlives the person's data, under a hash.
    const names = await hideOptOut(tx, seal, erasure.tenantId, name, erasure.requestedAt);
    if (names !== undefined) return step(erasure, { rows: 1, names });
  }
  const changes = await eraseChanges(tx, erasure, limit);
  if (changes.rows > 0) return step(erasure, changes);
  for (const name of erasure.names) {
    const open = await first(
      tx,
      'select id from messages where tenant_id = $1 and recipient = $2 and id < $3 limit 1',
      [erasure.tenantId, name, erasure.id],
    );
    if (open !== undefined) return { next: 'waiting', erasure, canceled: [] };
  }
  return { next: 'done', erasure, canceled: [] };
}

function step(erasure: RunningErasure, found: Found): Erased {
  const names = [...new Set([...erasure.names, ...(found.names ?? [])])].slice(0, namesMax);
  const counts = { ...erasure.counts };
  for (const [name, count] of Object.entries(found.counts ?? {})) counts[name as keyof Counts] += count;
  // Changes that were looked at may hold a name that is only known since.
  const changesTo = names.length > erasure.names.length ? '' : (found.changesTo ?? erasure.changesTo);
  return { next: 'more', erasure: { ...erasure, names, counts, changesTo }, canceled: found.canceled ?? [] };
}

/** First: whoever waits in a broadcast must not get a message while the rest is erased. */
async function eraseRecipients(
  tx: Tx,
  { tenantId, requestedAt }: RunningErasure,
  name: string,
  limit: number,
): Promise<Found> {
  const rows = await forgetRecipient(tx, tenantId, name, requestedAt, limit);
  return { rows, counts: { recipients: rows } };
}

/** Messages to the person, the newest first: what is queued is canceled before much else is done. */
async function eraseSentTo(
  tx: Tx,
  { tenantId, id }: RunningErasure,
  name: string,
  limit: number,
  now: number,
): Promise<Found> {
  const rows = await tx.all<{ id: string; number_id: number; rank: number; wa_id: string | null }>(
    `select id, number_id, rank, wa_id from messages
     where tenant_id = $1 and recipient = $2 and id < $3 and rank not in (${inDoubt}) order by id desc limit $4`,
    [tenantId, name, id, limit],
  );
  const waiting = rows.filter(({ rank }) => rank === 0);
  const canceled = await cancel(tx, tenantId, waiting, now);
  // Meta may know the person by another number than was dialled (Brazil, Mexico).
  const names = rows.flatMap(row => row.wa_id ?? []);
  const ended = rows.filter(row => row.rank > 0 || canceled.includes(row.id)).map(row => row.id);
  const erasing = await eraseMessages(tx, tenantId, ended, names);
  const counts = { ...erasing.counts, canceled: canceled.length };
  return { ...erasing, rows: rows.length, counts, canceled };
}

async function cancel(
  tx: Tx,
  tenantId: string,
  messages: { id: string; number_id: number }[],
  now: number,
): Promise<string[]> {
  if (messages.length === 0) return [];
  // No claim may come between; lanes are locked in one order by everyone.
  for (const numberId of [...new Set(messages.map(row => row.number_id))].sort((a, b) => a - b))
    await lockLane(tx, { tenantId, numberId });
  const canceled = await tx.all<{ id: string }>(
    `update messages set status = 'canceled', rank = ${statusRank.canceled}, ended_at = $3
     where tenant_id = $1 and rank = 0 and one_of(id, select value ->> 'id' from json_rows($2)) returning id`,
    [tenantId, JSON.stringify(messages.map(({ id }) => ({ id }))), now],
  );
  return canceled.map(row => row.id);
}

/** Messages that were dialled to another number and reached the person. `id || ''` keeps SQLite from reading all of the tenant's. */
async function eraseMessagesOf(
  tx: Tx,
  { tenantId, id }: RunningErasure,
  name: string,
  limit: number,
): Promise<Found> {
  const rows = await tx.all<{ id: string; recipient: string }>(
    `select id, recipient from messages
     where tenant_id = $1 and wa_id = $2 and wa_id <> recipient and recipient_kind <> 'group' and id || '' < $3
       and rank not in (0, ${inDoubt}) limit $4`,
    [tenantId, name, id, limit],
  );
  return eraseMessages(
    tx,
    tenantId,
    rows.map(row => row.id),
    rows.map(row => row.recipient),
  );
}

/** The wamid goes too: Meta writes the recipient's number into it. */
async function eraseMessages(tx: Tx, tenantId: string, ids: string[], names: string[]): Promise<Found> {
  if (ids.length === 0) return { rows: 0 };
  const values = [tenantId, JSON.stringify(ids.map(id => ({ id })))];
  await tx.all(
    `update messages set recipient_kind = '${erased}', recipient = '', body = '', callback_data = null, wa_id = null, wamid = null,
       error = case when error is null then null else '{"reason":"${erased}"}' end
     where tenant_id = $1 and one_of(id, select value ->> 'id' from json_rows($2))`,
    values,
  );
  const tries = await tx.all(
    `update tries set reason = '${erased}'
     where tenant_id = $1 and one_of(message_id, select value ->> 'id' from json_rows($2)) returning n`,
    values,
  );
  return { rows: ids.length, counts: { messages: ids.length, tries: tries.length }, names };
}

async function eraseIncoming(
  tx: Tx,
  { tenantId, requestedAt }: RunningErasure,
  name: string,
  limit: number,
): Promise<Found> {
  const rows = await tx.all<{ number_id: number; wamid: string; payload: string }>(
    `select number_id, wamid, payload from incoming
     where tenant_id = $1 and sender = $2 and received_at <= $3 limit $4`,
    [tenantId, name, requestedAt, limit],
  );
  if (rows.length === 0) return { rows: 0 };
  await anonymizeIncoming(tx, tenantId, rows);
  return {
    rows: rows.length,
    counts: { incoming: rows.length },
    names: rows.flatMap(row => namesIn(row.payload, name)),
  };
}

/** Number and user id of one person, as Meta tells them together. */
function namesIn(payload: string, name: string): string[] {
  const stored = parseJson(payload);
  const { message, contact } = isObject(stored) ? stored : {};
  const pairs = [
    isObject(message) ? [message.from, message.from_user_id] : [],
    // The contact beside a message need not be its sender's.
    isObject(contact) ? [contact.wa_id, contact.user_id] : [],
  ];
  return pairs
    .filter(pair => pair.includes(name))
    .flat()
    .filter((one): one is string => typeof one === 'string' && one !== '');
}

/** What customers' endpoints were told of the person. */
async function erasePosted(
  tx: Tx,
  { tenantId, id }: RunningErasure,
  name: string,
  limit: number,
): Promise<Found> {
  return { rows: await eraseEvents(tx, tenantId, name, id, limit) };
}

/** Windows and contacts: a few rows of one person. */
async function forgetPerson(tx: Tx, { tenantId, requestedAt }: RunningErasure, name: string): Promise<Found> {
  const windows = await tx.all<{ names: string | null }>(
    'delete from windows where tenant_id = $1 and recipient = $2 and opened_at <= $3 returning names',
    [tenantId, name, requestedAt],
  );
  const find = async () =>
    (await contactsOfPerson(tx, tenantId, name)).filter(({ createdAt }) => createdAt <= requestedAt);
  let kept = await find();
  if (kept.length > 0) {
    await lockCounter(tx, tenantId, 'contacts');
    kept = await find();
  }
  const contacts = await removeContacts(
    tx,
    tenantId,
    kept.map(({ id }) => id),
  );
  return {
    rows: windows.length + contacts,
    counts: { windows: windows.length, contacts },
    // A contact that was merged is one person by all its phones.
    names: [
      ...windows.flatMap(row => storedNames(row.names)),
      ...kept.flatMap(one => [one.phone, ...one.formerPhones]),
    ],
  };
}

/** Nobody knows where in a change we do not interpret a person is named, so each is searched for the names as Meta writes them. */
async function eraseChanges(tx: Tx, erasure: RunningErasure, limit: number): Promise<Found> {
  const { tenantId, names, requestedAt } = erasure;
  const rows = await tx.all<{ digest: string; payload: string }>(
    `select digest, payload from kept_changes
     where tenant_id = $1 and digest > $2 and received_at <= $3 order by digest limit $4`,
    [tenantId, erasure.changesTo, requestedAt, limit],
  );
  const naming = rows.filter(({ payload }) => names.some(name => payload.includes(name)));
  if (naming.length > 0) {
    await tx.all(
      `update kept_changes set payload = ''
       where tenant_id = $1 and one_of(digest, select value ->> 'digest' from json_rows($2))`,
      [tenantId, JSON.stringify(naming.map(({ digest }) => ({ digest })))],
    );
  }
  return {
    rows: rows.length,
    counts: { keptChanges: naming.length },
    changesTo: rows.at(-1)?.digest ?? erasure.changesTo,
  };
}
