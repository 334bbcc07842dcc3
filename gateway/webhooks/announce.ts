/**
 * Announce: the third of the three transactions that carry the product, and always part of another one. What happened is written as an
 * event beside the change that it tells of, with one attempt for each endpoint that asked for it, so that neither is there without the
 * other. Nothing is written for a tenant without endpoints.
 */
import { type EventDraft, matchesPattern } from '../canonical/event.ts';
import { newId } from '../canonical/ids.ts';
import { type Sql, storable, type Tx, together } from '../platform/database.ts';
import type { EndpointBook } from '../tenants/endpoint-book.ts';
import type { Subscription } from '../tenants/endpoints.ts';

export interface EndpointKey {
  tenantId: string;
  endpointId: string;
}

export interface Announcer {
  /** Whether anything that is announced would be kept: what an event says need not be looked up before. */
  isHeard(sql: Sql, tenantId: string): Promise<boolean>;
  /** In the order given, which is the order of their ids. */
  announce(tx: Tx, tenantId: string, drafts: EventDraft[]): Promise<void>;
  /** To one endpoint, whatever it asked for. Returns the event's id. */
  announceTo(tx: Tx, endpoint: Subscription, draft: EventDraft): Promise<string>;
}

export interface AnnouncerDeps {
  book: EndpointBook;
  now(): number;
  /** Endpoints have something to be posted, and that is committed. */
  wake(keys: EndpointKey[]): void;
}

interface Told {
  id: string;
  draft: EventDraft;
  endpoints: Subscription[];
}

export function createAnnouncer({ book, now, wake }: AnnouncerDeps): Announcer {
  async function write(tx: Tx, tenantId: string, told: Told[]): Promise<void> {
    await together([insertEvents(tx, tenantId, told), insertAttempts(tx, tenantId, told, now())]);
    const endpointIds = new Set(told.flatMap(({ endpoints }) => endpoints.map(({ id }) => id)));
    if (endpointIds.size > 0)
      tx.afterCommit(() => wake([...endpointIds].map(endpointId => ({ tenantId, endpointId }))));
  }

  return {
    isHeard: async (sql, tenantId) => (await book.of(sql, tenantId)).length > 0,
    async announce(tx, tenantId, drafts) {
      if (drafts.length === 0) return;
      const endpoints = await book.of(tx, tenantId);
      if (endpoints.length === 0) return;
      const told = drafts.map(draft => ({
        id: newId(),
        draft,
        endpoints: endpoints.filter(endpoint => asksFor(endpoint, draft)),
      }));
      await write(tx, tenantId, told);
    },
    async announceTo(tx, endpoint, draft) {
      const id = newId();
      await write(tx, endpoint.tenantId, [{ id, draft, endpoints: [endpoint] }]);
      return id;
    },
  };
}

/** An event of the whole tenant concerns every endpoint. */
function asksFor({ numberId, events }: Subscription, draft: EventDraft): boolean {
  if (numberId !== null && draft.numberId !== null && numberId !== draft.numberId) return false;
  return events.some(pattern => matchesPattern(pattern, draft.type));
}

async function insertEvents(tx: Tx, tenantId: string, told: Told[]): Promise<void> {
  const rows = told.map(({ id, draft }) => ({
    id,
    type: draft.type,
    at: draft.at,
    number: draft.numberId,
    person: draft.person && storable(draft.person),
    message: draft.messageId,
    data: JSON.stringify(draft.data),
    meta: draft.meta && JSON.stringify(draft.meta),
  }));
  await tx.all(
    `insert into events (tenant_id, id, type, at, number_id, person, message_id, data, meta)
     select $1, value ->> 'id', value ->> 'type', cast(value ->> 'at' as bigint), cast(value ->> 'number' as bigint),
       value ->> 'person', value ->> 'message', value ->> 'data', value ->> 'meta'
     from json_rows($2)`,
    [tenantId, JSON.stringify(rows)],
  );
}

async function insertAttempts(tx: Tx, tenantId: string, told: Told[], now: number): Promise<void> {
  const rows = told.flatMap(({ id, draft, endpoints }) =>
    endpoints.map(endpoint => ({
      endpoint: endpoint.id,
      event: id,
      conversation: endpoint.ordered ? storable(conversationOf(draft)) : '',
    })),
  );
  if (rows.length === 0) return;
  await tx.all(
    `insert into attempts (tenant_id, endpoint_id, event_id, n, conversation, state, due_at)
     select $1, value ->> 'endpoint', value ->> 'event', 1, value ->> 'conversation', 'pending', cast($3 as bigint)
     from json_rows($2)`,
    [tenantId, JSON.stringify(rows), now],
  );
}

/** What an ordered endpoint gets one after the other: a number's events with one person. */
const conversationOf = ({ numberId, person }: Pick<EventDraft, 'numberId' | 'person'>) =>
  `${numberId ?? ''}:${person ?? ''}`;
