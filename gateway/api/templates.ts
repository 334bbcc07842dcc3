/** Templates of the tenant's accounts as Meta lists them; `id` is the number that AutoKonnect's callers send. */
import { Type } from 'typebox';
import { isoTime } from '../platform/clock.ts';
import { findNumber } from '../tenants/numbers.ts';
import { listTemplates, type Template } from '../tenants/templates.ts';
import type { ApiDeps } from './api.ts';
import { type Route, tenantRoute } from './route.ts';
import { listOf, MetaObject, nullable, Time } from './schemas.ts';

export const TemplateForm = Type.Object({
  id: Type.Integer({ description: "The gateway's own id, AutoKonnect's template id." }),
  metaId: Type.String(),
  wabaId: Type.String(),
  name: Type.String(),
  language: Type.String(),
  category: Type.String(),
  status: Type.String(),
  parameterFormat: Type.Enum(['POSITIONAL', 'NAMED']),
  components: Type.Array(MetaObject),
  quality: nullable(Type.String({ description: 'GREEN, YELLOW, RED or UNKNOWN; null before Meta told it.' })),
  reason: nullable(Type.String({ description: 'Why Meta rejected or paused it, in its own word.' })),
  syncedAt: Time,
});

export function templateRoutes({ database }: ApiDeps): Route[] {
  return [
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/templates',
        operation: 'listTemplates',
        summary: 'Templates, as last pulled from Meta',
        answer: { status: 200, about: 'The templates.', schema: listOf(TemplateForm) },
        refusals: [],
      },
      async (_call, { tenantId, numberIds }) => {
        const all = await listTemplates(database, tenantId);
        const bound = (numberIds ?? []).map(id => findNumber(database, tenantId, id));
        const accounts = new Set((await Promise.all(bound)).map(number => number?.wabaId));
        const own = numberIds === null ? all : all.filter(({ wabaId }) => accounts.has(wabaId));
        return { status: 200, body: { data: own.map(tell) } };
      },
    ),
  ];
}

const tell = ({ syncedAt, ...template }: Template) => ({ ...template, syncedAt: isoTime(syncedAt) });
