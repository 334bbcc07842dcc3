/** The native API beside its send door: tenants, numbers, keys, messages, templates, and the document that describes it. */
import type { FastifyInstance } from 'fastify';
import type { PriceBook } from '../billing/price-book.ts';
import type { Feeder } from '../broadcasts/feeder.ts';
import { createProgressReader } from '../broadcasts/progress.ts';
import type { Authenticator } from '../http/authenticate.ts';
import type { AnnounceChanges } from '../messages/announce-changes.ts';
import type { Feed } from '../messages/feed.ts';
import type { TargetRules } from '../platform/outbound.ts';
import type { Retention } from '../retention/worker.ts';
import type { WordBook } from '../tenants/opt-out-words.ts';
import type { Announcer } from '../webhooks/announce.ts';
import type { ChangeEndpoints } from '../webhooks/endpoint-changes.ts';
import type { Notifier } from '../webhooks/notifier.ts';
import { apiKeyRoutes } from './api-keys.ts';
import { attemptRoutes } from './attempts.ts';
import { balanceRoutes } from './balance.ts';
import { broadcastControlRoutes } from './broadcast-control.ts';
import { broadcastForecastRoutes } from './broadcast-forecast.ts';
import { broadcastProgressRoutes } from './broadcast-progress.ts';
import { broadcastRecipientRoutes } from './broadcast-recipients.ts';
import { broadcastRetryRoutes } from './broadcast-retry.ts';
import { broadcastRoutes } from './broadcasts.ts';
import type { ConnectDeps } from './connect-number.ts';
import { contactImportRoutes } from './contact-imports.ts';
import { contactTagRoutes } from './contact-tags.ts';
import { contactRoutes } from './contacts.ts';
import { conversationRoutes } from './conversations.ts';
import { endpointControlRoutes } from './endpoint-control.ts';
import { endpointRoutes } from './endpoints.ts';
import { erasureRoutes } from './erasures.ts';
import { eventRoutes } from './events.ts';
import { explainRoutes } from './explain.ts';
import { listenRoutes } from './listen.ts';
import { messageRoutes } from './messages.ts';
import { numberRoutes } from './numbers.ts';
import { openApiRoute } from './openapi.ts';
import { operatorKeyRoutes } from './operator-keys.ts';
import { optOutWordRoutes } from './opt-out-words.ts';
import { optOutRoutes } from './opt-outs.ts';
import { priceRoutes } from './prices.ts';
import { replayRoutes } from './replays.ts';
import { addRoutes } from './route.ts';
import { streamRoutes } from './stream.ts';
import { createStreamClients } from './stream-clients.ts';
import { tagRoutes } from './tags.ts';
import { templateRoutes } from './templates.ts';
import { tenantRoutes } from './tenants.ts';
import { topUpRoutes } from './top-ups.ts';
import { createUploads } from './uploads.ts';

export interface ApiDeps extends ConnectDeps {
  authenticator: Authenticator;
  feed: Feed;
  announce: AnnounceChanges;
  announcer: Pick<Announcer, 'announce' | 'announceTo'>;
  changeEndpoints: ChangeEndpoints;
  targets: TargetRules;
  notifier: Pick<Notifier, 'wake' | 'listen'>;
  feeder: Pick<Feeder, 'wake'>;
  words: WordBook;
  retention: Pick<Retention, 'eraseNow'>;
  prices: Pick<PriceBook, 'reload' | 'quote'>;
  currency: string;
  /** Of this process, as in `processes`. */
  processId: string;
  /** The tenant that belongs to the demo, whose numbers only the demo makes. */
  demoTenantId: string | null;
}

export function addNativeApi(listener: FastifyInstance, deps: ApiDeps): void {
  const clients = createStreamClients(listener);
  const uploads = createUploads(listener, deps.log);
  const progress = createProgressReader(deps);
  const routes = [
    ...tenantRoutes(deps),
    ...numberRoutes(deps),
    ...apiKeyRoutes(deps),
    ...operatorKeyRoutes(deps),
    ...messageRoutes(deps),
    ...explainRoutes(deps),
    ...conversationRoutes(deps),
    ...streamRoutes(deps, clients),
    ...listenRoutes(deps, clients),
    ...endpointRoutes(deps),
    ...endpointControlRoutes(deps),
    ...attemptRoutes(deps),
    ...replayRoutes(deps),
    ...eventRoutes(deps),
    ...templateRoutes(deps),
    ...erasureRoutes(deps),
    ...balanceRoutes(deps),
    ...topUpRoutes(deps),
    ...priceRoutes(deps),
    ...optOutRoutes(deps),
    ...optOutWordRoutes(deps),
    ...contactRoutes(deps),
    ...contactTagRoutes(deps),
    ...contactImportRoutes(deps, uploads),
    ...tagRoutes(deps),
    ...broadcastRoutes(deps, progress),
    ...broadcastControlRoutes(deps, progress),
    ...broadcastForecastRoutes(deps),
    ...broadcastProgressRoutes(deps, progress, clients),
    ...broadcastRecipientRoutes(deps, uploads),
    ...broadcastRetryRoutes(deps, progress),
  ];
  addRoutes(listener, deps.authenticator, [...routes, openApiRoute(routes)]);
}
