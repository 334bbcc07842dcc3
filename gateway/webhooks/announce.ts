/**
 * Announce: the third of the three transactions that carry the product, and always part of another one. What happened is written as an
 * event beside the change that it tells of, with one attempt for each endpoint that asked for it, so that neither is there without the
 * other. Nothing is written for a tenant without endpoints.
 */
import type { EventDraft } from '../canonical/event.ts';
import { newId } from '../canonical/ids.ts';
import { type Sql, type Tx, together } from '../platform/database.ts';
import type { EndpointBook } from '../tenants/endpoint-book.ts';
import type { Subscription } from '../tenants/endpoints.ts';
import { addressees, wantsContent } from './addressees.ts';
import { insertAttempts } from './attempts.ts';
import { insertEvents } from './events.ts';
import type { EndpointKey } from './states.ts';

export interface Announcer {
  /**
   * Whether anything that is announced would be kept: else what an event says need not be looked up. With content: somebody asked to
   * hear what was sent, too.
   */
  isHeard(sql: Sql, tenantId: string): Promise<'no' | 'yes' | 'with content'>;
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
    const dueAt = now();
    const events = told.map(({ id, draft }) => ({ ...draft, id }));
    const attempts = told.flatMap(({ id, draft, endpoints }) =>
      endpoints.map(endpoint => ({
        ...{ endpointId: endpoint.id, eventId: id, n: 1, dueAt },
        conversation: endpoint.ordered ? conversationOf(draft) : '',
      })),
    );
    await together([insertEvents(tx, tenantId, events), insertAttempts(tx, tenantId, attempts)]);
    const endpointIds = new Set(told.flatMap(({ endpoints }) => endpoints.map(({ id }) => id)));
    if (endpointIds.size > 0)
      tx.afterCommit(() => wake([...endpointIds].map(endpointId => ({ tenantId, endpointId }))));
  }

  return {
    async isHeard(sql, tenantId) {
      const endpoints = await book.of(sql, tenantId);
      if (endpoints.length === 0) return 'no';
      return endpoints.some(wantsContent) ? 'with content' : 'yes';
    },
    async announce(tx, tenantId, drafts) {
      if (drafts.length === 0) return;
      const endpoints = await book.of(tx, tenantId);
      if (endpoints.length === 0) return;
      const told = drafts.map(draft => ({
        id: newId(),
        draft,
        endpoints: addressees(endpoints, draft, now()),
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

/** What an ordered endpoint gets one after the other: a number's events with one person. */
const conversationOf = ({ numberId, person }: Pick<EventDraft, 'numberId' | 'person'>) =>
  `${numberId ?? ''}:${person ?? ''}`;
