/** Whatever a caller writes, a dialect answers: with a command whose content can be checked, or with a refusal it has words for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isContentType } from '../canonical/content.ts';
import type { Json, JsonObject } from '../canonical/json.ts';
import { checkContent } from '../canonical/limits.ts';
import { isRefusal } from '../canonical/refusal.ts';
import { cloud } from './cloud/cloud.ts';
import { connectly } from './connectly/connectly.ts';
import { connexease } from './connexease/connexease.ts';
import type { Dialect, Door } from './dialect.ts';
import { native } from './native/native.ts';

const names = [
  ...[
    'messaging_product',
    'to',
    'recipient',
    'recipient_type',
    'type',
    'text',
    'image',
    'interactive',
    'template',
  ],
  ...['contacts', 'context', 'status', 'message_id', 'typing_indicator', 'biz_opaque_callback_data', 'code'],
  ...[
    'product_policy',
    'message_activity_sharing',
    'sendAt',
    'ttlSeconds',
    'number',
    'user',
    'group',
    '__proto__',
  ],
];
const { json } = fc.letrec<{ json: Json }>(tie => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('whatsapp', 'text', 'template', 'read', '905321234567', '{"body":"hi"}', 'fault', '[[['),
    fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null)),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...names), tie('json'), { maxKeys: 6 }) as fc.Arbitrary<Json>,
  ),
}));
const nearlyRight = fc.dictionary(fc.constantFrom(...names), json).map(more => ({
  messaging_product: 'whatsapp',
  to: '905321234567',
  type: 'text',
  text: { body: 'hi' },
  ...more,
}));

let nested: JsonObject = {};
for (let level = 0; level < 50_000; level++) nested = { nested };

function answers({ refuse }: Dialect, door: Door, body: Json): void {
  const command = door.read({
    ip: '127.0.0.1',
    params: { phoneNumberId: '1' },
    query: {},
    headers: {},
    body,
  });
  if (isRefusal(command)) {
    const { status } = refuse(command);
    assert.ok(status >= 400 && status < 500, `${status}`);
  } else if (command.kind === 'send') {
    const { content } = command;
    assert.ok('type' in content && isContentType(content.type));
    if (checkContent(content).length === 0) JSON.stringify(content);
  } else {
    JSON.stringify(command.body);
  }
}

const endpointNames = [
  ...[
    'topic',
    'address',
    'type',
    'configuration',
    'echo',
    'filters',
    'channelTypes',
    'field',
    'expression',
    'url',
  ],
  ...[
    'headers',
    'subscribedEvents',
    'messages',
    'override_callback_uri',
    'verify_token',
    'webhook_configuration',
  ],
];
const endpointBody = fc.dictionary(
  fc.constantFrom(...endpointNames),
  fc.oneof(json, fc.dictionary(fc.constantFrom(...endpointNames), json)) as fc.Arbitrary<Json>,
);

/** As our own refusals look. */
const likeRefusal = { code: 'fault' };

for (const dialect of [cloud, connexease, connectly]) {
  for (const door of dialect.endpointDoors ?? []) {
    it(`${door.method} ${door.path} answers any body`, () => {
      fc.assert(
        fc.property(
          fc.oneof(
            json,
            endpointBody,
            fc.constant(nested),
            fc.constant(likeRefusal),
            fc.constant({ topic: 'messages', address: 'https://a.example', configuration: likeRefusal }),
          ),
          body => {
            const params = { phoneNumberId: '1', wabaId: '1', appId: '1', businessId: 'b', webhookId: 'w' };
            const command = door.read({ ip: '127.0.0.1', params, query: {}, headers: {}, body });
            if (!isRefusal(command)) return;
            const { status } = (door.refuse ?? dialect.refuse)(command);
            assert.ok(status >= 400 && status < 500, `${status}`);
          },
        ),
      );
    });
  }
}

for (const dialect of [cloud, connexease, native]) {
  describe(dialect.name, () => {
    for (const door of dialect.doors) {
      it(`${door.path} answers any body`, () => {
        fc.assert(fc.property(fc.oneof(json, nearlyRight), body => answers(dialect, door, body)));
      });
      it(`${door.path} answers a body nested past the stack, wherever it is`, () => {
        const right = {
          messaging_product: 'whatsapp',
          to: '905321234567',
          type: 'text',
          text: { body: 'hi' },
        };
        for (const name of names) answers(dialect, door, { ...right, [name]: nested });
      });
    }
  });
}
