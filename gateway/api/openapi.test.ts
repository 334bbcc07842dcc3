import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';
import { isRefusal } from '../canonical/refusal.ts';
import { dialects } from '../dialects/all.ts';
import { read } from '../dialects/native/read.ts';
import { checkBody } from './check.ts';
import { openApi } from './openapi.ts';
import { SendForm } from './send-operation.ts';

const document = openApi([]);

function* refs(value: Json): Generator<string> {
  if (Array.isArray(value)) for (const one of value) yield* refs(one);
  else if (isObject(value)) {
    if (typeof value.$ref === 'string') yield value.$ref;
    for (const one of Object.values(value)) yield* refs(one);
  }
}

test('every reference leads somewhere', () => {
  const { schemas } = document.components as { schemas: JsonObject };
  for (const ref of refs(document)) assert.ok(ref.replace('#/components/schemas/', '') in schemas, ref);
});

test('every door of every dialect is listed, in the form of OpenAPI', () => {
  const paths = Object.keys(document.paths as JsonObject);
  const doors = dialects.flatMap(({ doors, endpointDoors = [] }) => [...doors, ...endpointDoors]);
  assert.equal(paths.length, new Set(doors.map(({ path }) => path)).size);
  for (const path of paths) assert.doesNotMatch(path, /[:()^\\]/);
});

/** `/a/:id(^\\d+$)/b` → `/a/{id}/b` */
const pathOf = (path: string) => path.replace(/:(\w+)(\([^)]*\))?/g, '{$1}');

test('every send tells of repeats, previews and the headers of limits', () => {
  interface Operation {
    parameters: { name: string }[];
    security: object[];
    responses: Record<string, { headers: object }>;
  }
  const paths = document.paths as unknown as Record<string, { post: Operation }>;
  const sendDoors = dialects.flatMap(({ doors }) => doors.map(door => pathOf(door.path)));
  assert.ok(sendDoors.length > 0);
  for (const path of sendDoors) {
    const { post } = paths[path]!;
    const parameters = post.parameters.map(({ name }) => name);
    assert.ok(parameters.includes('Idempotency-Key'), path);
    assert.equal(parameters.includes('preview'), !path.endsWith('/preview'), path);
    assert.equal(post.security.length, 1, path);
    for (const { headers } of Object.values(post.responses))
      assert.ok(
        path.startsWith('/v1/wa') ? 'X-RateLimit-sec-Limit' in headers : 'ratelimit' in headers,
        path,
      );
  }
});

/** The door reads with its own rules: what the document describes is what it takes. */
const sends: [JsonObject, boolean][] = [
  [{ to: '+90 532 123 45 67', type: 'text', text: { body: 'x' } }, true],
  [
    { to: { user: 'US.13491208655302741918' }, type: 'image', image: { link: 'https://x/y' }, fake: true },
    true,
  ],
  [{ to: '905321234567', type: 'contacts', contacts: [{ name: {} }], sendAt: '2030-01-01T00:00:00Z' }, true],
  [
    {
      to: '905321234567',
      type: 'template',
      template: { name: 'a' },
      endpoint: 'marketing_messages',
      ttlSeconds: 60,
    },
    true,
  ],
  [{ to: '905321234567', type: 'text', text: { body: 'x' }, sendat: 1 }, false],
  [{ to: '905321234567', type: 'fax', fax: {} }, false],
  [{ to: '905321234567', type: 'text', text: { body: 'x' }, ttlSeconds: 0 }, false],
  [{ to: '905321234567', type: 'text', text: { body: 'x' }, callbackData: 'x'.repeat(1025) }, false],
];

for (const [body, good] of sends) {
  test(`the send form and the door agree on ${JSON.stringify(body).slice(0, 80)}`, () => {
    assert.equal(!isRefusal(checkBody(SendForm, body)), good);
    assert.equal(!isRefusal(read({ ip: '127.0.0.1', params: {}, query: {}, headers: {}, body })), good);
  });
}
