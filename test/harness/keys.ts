/** What an operator does to API keys, and a few requests with them. */
import assert from 'node:assert/strict';
import { type Answer, call, type Program } from './programs.ts';
import { must, operatorKey, type TestTenant } from './tenant.ts';

type Json = Record<string, unknown>;
export type Problem = Json & { errors: { field: string; message: string }[] };
export interface Made extends Json {
  id: string;
  key: string;
}

export const text = { to: '905321234567', type: 'text', text: { body: 'Hi' } };
export const template = (name: string) => ({
  to: '905321234567',
  type: 'template',
  template: { name, language: { code: 'en' } },
});

export const keysOf = ({ tenantId }: TestTenant) => `/tenants/${tenantId}/api-keys`;

export type KeyCalls = ReturnType<typeof keyCalls>;

/** Requests of the native API; keys are those of `own` unless another tenant is named. */
export function keyCalls(gateway: Program, own: TestTenant) {
  const api = <T = Json>(path: string, key: string, method = 'GET', body?: unknown, headers = {}) =>
    call<T>(`${gateway.url}/api/v1${path}`, {
      method,
      key,
      headers,
      ...(body === undefined ? {} : { body }),
    });
  return {
    api,
    newKey: (fields: Json, tenant = own) =>
      must<Made>(api(keysOf(tenant), operatorKey, 'POST', { name: 'k', ...fields })),
    change: (id: string, fields: Json) => api<Problem>(`${keysOf(own)}/${id}`, operatorKey, 'PATCH', fields),
    rotate: (id: string, fields: Json = {}) =>
      api<Made & { former: Json | null }>(`${keysOf(own)}/${id}/rotate`, operatorKey, 'POST', fields),
    send: (key: string, body: Json = text, headers = {}) => api('/messages', key, 'POST', body, headers),
  };
}

/** The answer refuses what the key may not do, with the reason. */
export function assertMissing(answer: Answer<Json>, reason: string): void {
  assert.equal(answer.status, 403, answer.text);
  assert.equal(answer.body.code, 'power_missing');
  assert.equal(answer.body.detail, `This API key may not do this: ${reason}.`);
}
