/** Numbers: connected, seen and given new credentials by the operator; read by their tenant. No answer holds a secret. */
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import { seesNumber } from '../http/select-number.ts';
import { isoTime } from '../platform/clock.ts';
import type { SendingNumber } from '../tenants/number-book.ts';
import { listNumbers, type StoredNumber } from '../tenants/numbers.ts';
import type { ApiDeps } from './api.ts';
import { type Connected, connectNumber, reconnectNumber } from './connect-number.ts';
import { NewNumber, NumberChange, NumberConnected, NumberForm, TemplatesPulled } from './number-forms.ts';
import { operatorRoute, type Route, tenantRoute } from './route.ts';
import { listOf } from './schemas.ts';
import { tenantAt } from './tenants.ts';

const path = '/api/v1/tenants/:tenantId/numbers';

export function numberRoutes(deps: ApiDeps): Route[] {
  const { database, numbers, templates } = deps;

  /** The number that the path names, of the tenant that the path names. */
  async function numberAt(params: Record<string, string>): Promise<SendingNumber | Refusal> {
    const tenant = await tenantAt(database, params);
    if (isRefusal(tenant)) return tenant;
    const id = params.numberId ?? '';
    const number = /^\d{1,15}$/.test(id) ? await numbers.byId(Number(id)) : undefined;
    return number?.tenantId === tenant.id ? number : { code: 'number_not_found', number: id };
  }

  return [
    operatorRoute(
      {
        method: 'POST',
        path,
        operation: 'connectNumber',
        summary: 'Connect a number with its Meta credentials',
        description:
          'Meta is asked about the number before anything is stored. Its templates are pulled, and where WAGATE_PUBLIC_URL is set its ' +
          "account's webhooks are pointed here; what of that fails is told in `warnings`.",
        body: NewNumber,
        answer: {
          status: 201,
          about: 'The number; verifyToken is shown this once.',
          schema: NumberConnected,
        },
        refusals: ['tenant_not_found', 'field_invalid', 'conflict', 'meta_rejected', 'meta_unreachable'],
      },
      async ({ params, body }) => {
        const tenant = await tenantAt(database, params);
        if (isRefusal(tenant)) return tenant;
        if (tenant.id === deps.demoTenantId) {
          return {
            code: 'conflict',
            reason: 'The demo tenant has the number of the demo only: make a tenant of your own.',
          };
        }
        const connected = await connectNumber(deps, { ...body, tenantId: tenant.id });
        if (isRefusal(connected)) return connected;
        const location = `/api/v1/tenants/${tenant.id}/numbers/${connected.number.id}`;
        const headers = { location, 'cache-control': 'no-store' };
        return {
          status: 201,
          body: { ...tellConnected(connected), verifyToken: connected.verifyToken },
          headers,
        };
      },
    ),
    operatorRoute(
      {
        method: 'GET',
        path,
        operation: 'listNumbers',
        summary: "A tenant's numbers",
        answer: { status: 200, about: 'The numbers.', schema: listOf(NumberForm) },
        refusals: ['tenant_not_found'],
      },
      async ({ params }) => {
        const tenant = await tenantAt(database, params);
        if (isRefusal(tenant)) return tenant;
        return { status: 200, body: { data: (await listNumbers(database, tenant.id)).map(tell) } };
      },
    ),
    operatorRoute(
      {
        method: 'GET',
        path: `${path}/:numberId`,
        operation: 'getNumber',
        summary: 'One number',
        answer: { status: 200, about: 'The number.', schema: NumberForm },
        refusals: ['tenant_not_found', 'number_not_found'],
      },
      async ({ params }) => {
        const number = await numberAt(params);
        return isRefusal(number) ? number : { status: 200, body: tell(number) };
      },
    ),
    operatorRoute(
      {
        method: 'PATCH',
        path: `${path}/:numberId`,
        operation: 'reconnectNumber',
        summary: 'Give a number new credentials, another rate or another window policy',
        description:
          'What is left out stays; with {} the stored credentials are tried again. The number counts as connected when Meta ' +
          'takes them, and what waited in its queue is sent.',
        body: NumberChange,
        answer: { status: 200, about: 'The number.', schema: NumberConnected },
        refusals: [
          'tenant_not_found',
          'number_not_found',
          'field_invalid',
          'meta_rejected',
          'meta_unreachable',
        ],
      },
      async ({ params, body }) => {
        const number = await numberAt(params);
        if (isRefusal(number)) return number;
        const connected = await reconnectNumber(deps, number, body);
        return isRefusal(connected) ? connected : { status: 200, body: tellConnected(connected) };
      },
    ),
    operatorRoute(
      {
        method: 'POST',
        path: `${path}/:numberId/templates/pull`,
        operation: 'pullTemplates',
        summary: "Pull the templates of the number's account from Meta",
        answer: { status: 200, about: 'How many Meta lists.', schema: TemplatesPulled },
        refusals: ['tenant_not_found', 'number_not_found', 'meta_rejected', 'meta_unreachable'],
      },
      async ({ params }) => {
        const number = await numberAt(params);
        if (isRefusal(number)) return number;
        const pulled = await templates.pull(number);
        return isRefusal(pulled) ? pulled : { status: 200, body: { templates: pulled } };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: '/api/v1/numbers',
        operation: 'listOwnNumbers',
        summary: 'The numbers this key may send from',
        answer: { status: 200, about: 'The numbers.', schema: listOf(NumberForm) },
        refusals: [],
      },
      async (_call, principal) => {
        const own = (await listNumbers(database, principal.tenantId)).filter(({ id }) =>
          seesNumber(principal, id),
        );
        return { status: 200, body: { data: own.map(tell) } };
      },
    ),
  ];
}

/** Member by member: nothing that is added to a stored number is told by accident. */
function tell(number: Omit<StoredNumber, 'sealed'>) {
  return {
    id: number.id,
    tenantId: number.tenantId,
    phoneNumberId: number.phoneNumberId,
    wabaId: number.wabaId,
    displayNumber: number.displayNumber === '' ? '' : `+${number.displayNumber}`,
    verifiedName: number.verifiedName,
    status: number.status,
    reason: number.statusReason,
    perSecond: number.perSecond,
    quality: number.quality,
    messagingLimit: number.messagingLimit,
    windowPolicy: number.windowPolicy,
    listeningSince: number.listeningSince === null ? null : isoTime(number.listeningSince),
    createdAt: isoTime(number.createdAt),
    updatedAt: isoTime(number.updatedAt),
  };
}

const tellConnected = ({ number, templates, warnings }: Connected) => ({
  ...tell(number),
  templates,
  warnings,
});
