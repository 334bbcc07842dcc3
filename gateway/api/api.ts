/** The native API beside its send door: tenants, numbers, keys, messages, templates, and the document that describes it. */
import type { FastifyInstance } from 'fastify';
import type { Authenticator } from '../http/authenticate.ts';
import type { Feed } from '../messages/feed.ts';
import type { Retention } from '../retention/worker.ts';
import { apiKeyRoutes } from './api-keys.ts';
import type { ConnectDeps } from './connect-number.ts';
import { conversationRoutes } from './conversations.ts';
import { erasureRoutes } from './erasures.ts';
import { messageRoutes } from './messages.ts';
import { numberRoutes } from './numbers.ts';
import { openApiRoute } from './openapi.ts';
import { addRoutes } from './route.ts';
import { streamRoutes } from './stream.ts';
import { templateRoutes } from './templates.ts';
import { tenantRoutes } from './tenants.ts';

export interface ApiDeps extends ConnectDeps {
  authenticator: Authenticator;
  feed: Feed;
  retention: Pick<Retention, 'eraseNow'>;
  /** The tenant that belongs to the demo, whose numbers only the demo makes. */
  demoTenantId: string | null;
}

export function addNativeApi(listener: FastifyInstance, deps: ApiDeps): void {
  const routes = [
    ...tenantRoutes(deps),
    ...numberRoutes(deps),
    ...apiKeyRoutes(deps),
    ...messageRoutes(deps),
    ...conversationRoutes(deps),
    ...streamRoutes(deps, listener),
    ...templateRoutes(deps),
    ...erasureRoutes(deps),
  ];
  addRoutes(listener, deps.authenticator, [...routes, openApiRoute(routes)]);
}
