/** GET /api/v1/openapi.json: the routes and schemas that the gateway itself works with, as an OpenAPI 3.1 document. */
import type { TSchema } from 'typebox';
import type { JsonObject } from '../canonical/json.ts';
import { type RefusalCode, refusals } from '../canonical/refusal.ts';
import { dialects } from '../dialects/all.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { version } from '../platform/version.ts';
import { ApiKeyForm } from './api-key-forms.ts';
import { BroadcastForm } from './broadcast-forms.ts';
import { ContactForm, ContactImportForm, TagForm } from './contact-forms.ts';
import { EndpointForm } from './endpoint-forms.ts';
import { ErasureForm } from './erasures.ts';
import { MessageForm, MessageSummary } from './message-form.ts';
import { NumberForm } from './number-forms.ts';
import { OptOutForm } from './opt-outs.ts';
import { LedgerEntryForm } from './recipient-forms.ts';
import type { Route } from './route.ts';
import { Problem } from './schemas.ts';
import { sendAnswerHeaders, sendParameters } from './send-headers.ts';
import { previewOperation, sendOperation } from './send-operation.ts';
import { TemplateForm } from './templates.ts';
import { TenantForm } from './tenants.ts';

/** Schemas that the document tells once and refers to. */
const named = new Map<unknown, string>([
  [Problem, 'Problem'],
  [TenantForm, 'Tenant'],
  [NumberForm, 'Number'],
  [ApiKeyForm, 'ApiKey'],
  [MessageSummary, 'MessageSummary'],
  [MessageForm, 'Message'],
  [TemplateForm, 'Template'],
  [ErasureForm, 'Erasure'],
  [OptOutForm, 'OptOut'],
  [EndpointForm, 'Endpoint'],
  [ContactForm, 'Contact'],
  [ContactImportForm, 'ContactImport'],
  [TagForm, 'Tag'],
  [BroadcastForm, 'Broadcast'],
  [LedgerEntryForm, 'BroadcastRecipient'],
]);

export function openApiRoute(routes: Route[]): Route {
  let document: JsonObject | undefined;
  const own: Route = {
    method: 'GET',
    path: '/api/v1/openapi.json',
    operation: 'getOpenApi',
    summary: 'This document',
    answer: { status: 200, about: 'OpenAPI 3.1.' },
    refusals: [],
    key: 'none',
    async perform() {
      document ??= openApi([...routes, own]);
      return { status: 200, body: document };
    },
  };
  return own;
}

export function openApi(routes: Route[]): JsonObject {
  const paths: Record<string, Record<string, object>> = {};
  const add = (path: string, method: string, operation: object) => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation };
  };
  for (const route of routes) add(templateOf(route.path), route.method, operationOf(route));
  for (const dialect of dialects) {
    for (const { method, path: raw } of dialect.endpointDoors ?? []) {
      const path = templateOf(raw);
      const operation = vendorOperation(dialect, path, method);
      add(path, method, { ...operation, parameters: parametersIn(path) });
    }
    for (const door of dialect.doors) {
      const path = templateOf(door.path);
      const operation =
        dialect.name !== 'native'
          ? vendorOperation(dialect, path)
          : withAnswers(door.previews ? previewOperation : sendOperation, sendAnswerHeaders(dialect));
      const parameters = [...parametersIn(path), ...sendParameters(dialect, door.previews === true)];
      add(path, door.method, { ...operation, parameters });
    }
  }
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'Wagate',
      version,
      description:
        "Wagate's own API. Every refusal is a problem document (RFC 9457) with a `code` of docs/errors.md. The routes of the other " +
        "APIs that the gateway speaks are listed with their vendors' names; docs/dialects/ says what each takes.",
    },
    security: [],
    tags: [{ name: 'operator' }, { name: 'tenant' }, ...dialects.map(({ name }) => ({ name }))],
    paths,
    components: {
      securitySchemes: {
        tenant: { type: 'http', scheme: 'bearer', description: "A tenant's API key: pk_…" },
        operator: { type: 'http', scheme: 'bearer', description: 'The operator key.' },
        connectly: {
          ...{ type: 'apiKey', in: 'header', name: 'X-API-Key' },
          description: "A tenant's API key, where Connectly has it.",
        },
      },
      schemas: Object.fromEntries([...named].map(([schema, name]) => [name, { ...(schema as object) }])),
    },
  };
  const text = JSON.stringify(document, (_key, value) =>
    named.has(value) ? refTo(named.get(value)!) : value,
  );
  return JSON.parse(text) as JsonObject;
}

const refTo = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** `/a/:id(^\\d+$)/b` → `/a/{id}/b` */
const templateOf = (path: string) => path.replace(/:(\w+)(\([^)]*\))?/g, '{$1}');

const parametersIn = (path: string) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

function operationOf(route: Route): object {
  const { key, operation, summary, description, query, body, upload, answer } = route;
  const codes: RefusalCode[] =
    key === 'none'
      ? []
      : [
          ...(['credential_missing', 'credential_malformed', 'credential_invalid'] as const),
          ...(key === 'tenant' ? (['power_missing'] as const) : []),
          ...route.refusals,
        ];
  return {
    operationId: operation,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [key === 'operator' ? 'operator' : 'tenant'],
    security: key === 'none' ? [] : [{ [key]: [] }],
    parameters: [...parametersIn(templateOf(route.path)), ...queryParameters(query)],
    ...(body === undefined ? {} : { requestBody: { required: true, content: jsonOf(body) } }),
    ...(upload === undefined ? {} : { requestBody: { required: true, content: filesOf(upload) } }),
    responses: {
      ...Object.fromEntries(
        [answer, answer.or ?? []].flat().map(({ status, about }) => [
          status,
          {
            description: about,
            ...(answer.schema && {
              content: { [answer.mediaType ?? 'application/json']: { schema: answer.schema } },
            }),
          },
        ]),
      ),
      ...refusalsOf(codes),
    },
  };
}

const filesOf = (types: readonly string[]) =>
  Object.fromEntries(types.map(type => [type, { schema: { type: 'string' } }]));

const jsonOf = (schema: TSchema | object) => ({ 'application/json': { schema } });

function queryParameters(query: TSchema | undefined): object[] {
  const properties =
    (query as { properties?: Record<string, { description?: string }> } | undefined)?.properties ?? {};
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    ...{ name, in: 'query', required: false, schema },
    ...(description === undefined ? {} : { description }),
  }));
}

/** One response for each status, which may stand for several codes. */
function refusalsOf(codes: RefusalCode[]): object {
  const byStatus = Map.groupBy([...codes, 'fault'] as RefusalCode[], code => refusals[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [
      status,
      {
        description: ofStatus.map(code => `${code}: ${refusals[code].title}.`).join(' '),
        content: { 'application/problem+json': { schema: Problem } },
      },
    ]),
  );
}

function withAnswers({ codes, responses, ...operation }: typeof sendOperation, headers: object): object {
  const answers = Object.entries({ ...responses, ...refusalsOf(codes) });
  return {
    ...operation,
    responses: Object.fromEntries(answers.map(([status, answer]) => [status, { ...answer, headers }])),
  };
}

/** `method`: of a door about endpoints, of which one path has several. */
function vendorOperation(dialect: Dialect, path: string, method?: string): object {
  const { name } = dialect;
  const end = method === undefined ? '' : method.toLowerCase();
  return {
    operationId: `${name}${path.replace(/[^a-zA-Z0-9]+/g, '_')}${end}`,
    summary: `As ${vendors[name] ?? name} documents it`,
    description: `See docs/dialects/${name}.md.`,
    tags: [name],
    security: [{ [name === 'connectly' ? 'connectly' : 'tenant']: [] }],
    ...(method === 'GET' || method === 'DELETE'
      ? {}
      : { requestBody: { required: method === undefined, content: jsonOf({ type: 'object' }) } }),
    responses: {
      default: {
        description: "The vendor's own answer or error.",
        ...(method === undefined ? { headers: sendAnswerHeaders(dialect) } : {}),
      },
    },
  };
}

const vendors: Record<string, string> = {
  cloud: "Meta's Cloud API",
  connexease: 'Connexease',
  connectly: 'Connectly',
  autokonnect: 'AutoKonnect',
};
