/** What ages out of the ledgers of broadcasts, and what is left there of a person who is erased; a bounded step at a time. */
import { newId } from '../canonical/ids.ts';
import { first, type Tx } from '../platform/database.ts';
import type { Audience } from './broadcast.ts';
import { erasedPerson } from './ledger.ts';
import { personOf, type RecipientState } from './recipients.ts';
import { lockBroadcast } from './table.ts';

/**
 * The person's rows stay, so that what is counted still adds up, and name nobody; who waits gets no message any more. Of broadcasts that
 * were made until `madeUntil` (Unix ms). Returns how many.
 */
export async function forgetRecipient(
  tx: Tx,
  tenantId: string,
  name: string,
  madeUntil: number,
  limit: number,
): Promise<number> {
  const person = personOf(name);
  // A slice that is being written does not know of the erasure yet; those after it do (freeze.ts).
  await tx.all(
    'select id from broadcasts where tenant_id = $1 and created_at <= $2 and freezing is not null order by id for update',
    [tenantId, madeUntil],
  );
  const rows = await tx.all<{ id: string }>(
    `select b.id from broadcasts b
     join broadcast_recipients r on r.tenant_id = $1 and r.broadcast_id = b.id and r.person = $2
     where b.tenant_id = $1 and b.created_at <= $3 order by b.id limit $4`,
    [tenantId, person, madeUntil, limit],
  );
  for (const { id } of rows) {
    if ((await lockBroadcast(tx, tenantId, id)) === undefined) continue;
    // Under the lock: whoever feeds it may have moved the row since.
    const row = await first<{ state: RecipientState; message_id: string | null }>(
      tx,
      'select state, message_id from broadcast_recipients where tenant_id = $1 and broadcast_id = $2 and person = $3',
      [tenantId, id, person],
    );
    if (row === undefined) continue;
    await tx.all(
      `update broadcast_recipients set person = $4, phone = null, contact_id = null, variables = null, time_zone = null,
         state = case when state = 'waiting' then 'skipped' else state end,
         reason = case when state = 'taken' then null else 'erased' end
       where tenant_id = $1 and broadcast_id = $2 and person = $3`,
      [tenantId, id, person, erasedPerson(row.message_id ?? newId())],
    );
    if (row.state === 'waiting')
      await tx.all('update broadcasts set skipped = skipped + 1 where tenant_id = $1 and id = $2', [
        tenantId,
        id,
      ]);
  }
  return rows.length + (await forgetExcluded(tx, tenantId, person, madeUntil));
}

/** Who is left out by phone. An opt-out outlives an erasure under a hash; this list does not. */
async function forgetExcluded(tx: Tx, tenantId: string, person: string, madeUntil: number): Promise<number> {
  const rows = await tx.all<{ id: string; audience: string }>(
    `select id, audience from broadcasts where tenant_id = $1 and created_at <= $2 and audience like '%"phones":["%' order by id
     for update`,
    [tenantId, madeUntil],
  );
  let forgotten = 0;
  for (const { id, audience } of rows) {
    const said = JSON.parse(audience) as Audience;
    const phones = said.exclude.phones.filter(phone => personOf(phone) !== person);
    if (phones.length === said.exclude.phones.length) continue;
    forgotten++;
    const exclude = { ...said.exclude, phones };
    await tx.all('update broadcasts set audience = $3 where tenant_id = $1 and id = $2', [
      ...[tenantId, id, JSON.stringify({ ...said, exclude })],
    ]);
  }
  return forgotten;
}

/** What was said to each alone, of broadcasts that ended before `before` (Unix ms). Returns how many rows were looked at. */
export async function ageVariables(tx: Tx, tenantId: string, before: number, limit: number): Promise<number> {
  const broadcast = await first<{ id: string; aged_to: string }>(
    tx,
    `select id, aged_to from broadcasts where tenant_id = $1 and ended_at < $2 and aged_to is not null order by ended_at limit 1`,
    [tenantId, before],
  );
  if (broadcast === undefined) return 0;
  const { id, aged_to } = broadcast;
  const rows = await tx.all<{ person: string }>(
    `select person from broadcast_recipients where tenant_id = $1 and broadcast_id = $2 and person > $3 order by person limit $4`,
    [tenantId, id, aged_to, limit],
  );
  const last = rows.at(-1);
  if (last !== undefined)
    await tx.all(
      `update broadcast_recipients set variables = null
       where tenant_id = $1 and broadcast_id = $2 and person > $3 and person <= $4 and variables is not null`,
      [tenantId, id, aged_to, last.person],
    );
  const agedTo = rows.length < limit ? null : last!.person;
  await tx.all('update broadcasts set aged_to = $3 where tenant_id = $1 and id = $2', [tenantId, id, agedTo]);
  return rows.length + 1;
}

/** Who got it, of broadcasts that ended before `before` (Unix ms); their counts stay. Returns how many rows. */
export async function ageRecipients(
  tx: Tx,
  tenantId: string,
  before: number,
  limit: number,
): Promise<number> {
  const broadcast = await first<{ id: string }>(
    tx,
    `select b.id from broadcasts b where b.tenant_id = $1 and b.ended_at < $2 and exists (
       select 1 from broadcast_recipients r where r.tenant_id = $1 and r.broadcast_id = b.id) limit 1`,
    [tenantId, before],
  );
  if (broadcast === undefined) return 0;
  const rows = await tx.all(
    `delete from broadcast_recipients where tenant_id = $1 and broadcast_id = $2 and person in (
       select person from broadcast_recipients where tenant_id = $1 and broadcast_id = $2 order by person limit $3)
     returning person`,
    [tenantId, broadcast.id, limit],
  );
  return rows.length;
}
