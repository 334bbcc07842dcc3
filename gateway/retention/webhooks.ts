/**
 * What was posted to customers, as it ages out and as a person is erased from it. Events and attempts that are too old go whole, since
 * nobody needs to know for longer than their content is kept; an erased person's stay, and say nothing.
 */
import { firstIdAt } from '../canonical/ids.ts';
import { first, type Tx } from '../platform/database.ts';

/** Endpoints with attempts, also those that are deleted: one seek each, for the key begins with them. */
async function endpointsWithAttempts(tx: Tx, tenantId: string): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const row = await first<{ id: string | null }>(
      tx,
      'select min(endpoint_id) as id from attempts where tenant_id = $1 and endpoint_id > $2',
      [tenantId, ids.at(-1) ?? ''],
    );
    if (row?.id == null) return ids;
    ids.push(row.id);
  }
}

/** Removes what is older than `before` (null: nothing is), and what was posted to endpoints that are deleted. Returns how many rows. */
export async function ageWebhooks(
  tx: Tx,
  tenantId: string,
  before: number | null,
  limit: number,
): Promise<number> {
  const oldest = before === null ? '' : firstIdAt(before);
  for (const endpointId of await endpointsWithAttempts(tx, tenantId)) {
    const exists = await first(tx, 'select 1 as one from endpoints where tenant_id = $1 and id = $2', [
      tenantId,
      endpointId,
    ]);
    const removed = await removeAttempts(
      tx,
      tenantId,
      endpointId,
      exists === undefined ? '~' : oldest,
      limit,
    );
    if (removed > 0) return removed;
  }
  const events = await tx.all(
    `delete from events where tenant_id = $1 and id < $2 and one_of(id,
       select id from events where tenant_id = $1 and id < $2 order by id limit $3) returning id`,
    [tenantId, oldest, limit],
  );
  return events.length;
}

/** Of events before that id, oldest first. */
async function removeAttempts(
  tx: Tx,
  tenantId: string,
  endpointId: string,
  beforeId: string,
  limit: number,
): Promise<number> {
  const values = [tenantId, endpointId, beforeId];
  const last = await first<{ id: string | null }>(
    tx,
    `select max(event_id) as id from (
       select event_id from attempts where tenant_id = $1 and endpoint_id = $2 and event_id < $3
       order by event_id limit $4) as old`,
    [...values, limit],
  );
  if (last?.id == null) return 0;
  const removed = await tx.all(
    'delete from attempts where tenant_id = $1 and endpoint_id = $2 and event_id <= $3 returning n',
    [tenantId, endpointId, last.id],
  );
  return removed.length;
}

/**
 * Empties events of a person that were noted before `beforeId`, and what was posted of them; what of it waits is not posted any more.
 * Returns how many events.
 */
export async function eraseEvents(
  tx: Tx,
  tenantId: string,
  person: string,
  beforeId: string,
  limit: number,
): Promise<number> {
  const events = await tx.all<{ id: string }>(
    'select id from events where tenant_id = $1 and person = $2 and id < $3 order by id limit $4',
    [tenantId, person, beforeId, limit],
  );
  if (events.length === 0) return 0;
  const ids = JSON.stringify(events);
  const endpoints = JSON.stringify((await endpointsWithAttempts(tx, tenantId)).map(id => ({ id })));
  const attempts = await tx.all<{ post: string | null }>(
    `update attempts set conversation = '', ${saysNothing},
       state = case when state = 'pending' then 'skipped' else state end,
       problem = case when state = 'pending' then 'event-gone' else problem end
     where tenant_id = $1 and one_of(endpoint_id, select value ->> 'id' from json_rows($3))
       and one_of(event_id, select value ->> 'id' from json_rows($2)) returning post`,
    [tenantId, ids, endpoints],
  );
  // Where several travelled together, the bytes are with the first of them.
  const posts = [...new Set(attempts.flatMap(({ post }) => post ?? []))].map(id => ({ id }));
  if (posts.length > 0) {
    await tx.all(
      `update attempts set ${saysNothing}
       where tenant_id = $1 and one_of(endpoint_id, select value ->> 'id' from json_rows($3))
         and one_of(event_id, select value ->> 'id' from json_rows($2))`,
      [tenantId, JSON.stringify(posts), endpoints],
    );
  }
  await tx.all(
    `update events set person = null, data = '', meta = null
     where tenant_id = $1 and one_of(id, select value ->> 'id' from json_rows($2))`,
    [tenantId, ids],
  );
  return events.length;
}

const saysNothing = 'headers = null, body = null, answer_headers = null, answer = null';
