import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { normalizeWebhook, verifySignature } from '@kapso/whatsapp-cloud-api/server';
import { WhatsAppAPI } from 'whatsapp-api-js';
import type { MetaChange } from '../../canonical/event.ts';
import type { JsonObject } from '../../canonical/json.ts';
import { isSignedBy } from '../../meta/signature.ts';
import type { Endpoint } from '../../tenants/endpoints.ts';
import type { StoredEvent } from '../event.ts';
import { newEndpoint, signing } from './endpoint-samples.ts';
import { eventSamples } from './event-samples.ts';
import { hasWords, render } from './render.ts';

const secret = 'c3VwZXIgc2VjcmV0IG9mIG91cnMgZm9yIHRlc3Rz';
const post = (events: StoredEvent[], endpoint: Partial<Endpoint> = {}, appSecret: string | null = null) =>
  render('meta', events, newEndpoint('meta', endpoint), signing({ secrets: [secret, 'older'], appSecret }))!;
const bodyOf = (event: StoredEvent) => JSON.parse(post([event]).body) as JsonObject;
const changed = (meta: MetaChange): StoredEvent => ({ ...eventSamples['meta.change'], meta });

/** The one change of an example of Meta's. */
const examples = globSync('test/meta-examples/*.json', { cwd: join(import.meta.dirname, '../../..') }).map(
  name => {
    const payload = JSON.parse(readFileSync(join(import.meta.dirname, '../../..', name), 'utf8')) as {
      entry: [{ id: string; changes: [{ value: JsonObject; field: string }] }];
    };
    const [{ id, changes }] = payload.entry;
    return { name, payload, meta: { wabaId: id, time: null, ...changes[0] } };
  },
);

describe("Meta's payload", () => {
  it('of each of its examples is the same again, in its order of members and without spaces', () => {
    assert.equal(examples.length, 16);
    for (const { name, payload, meta } of examples) {
      const { body } = post([changed(meta)]);
      const plain = body.replace(/\\u(?!005c|0022)([0-9a-f]{4})/gi, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      assert.equal(plain.replaceAll('\\/', '/'), JSON.stringify(payload), name);
    }
  });

  it('to the byte: non-ASCII, surrogates and the four ASCII characters are escaped as Graph does', () => {
    const value = { text: 'Günaydın 🎉 a/b <c> 100% me@example.com "\\ \u007f\u2028\n' };
    const { body, headers } = post([changed({ wabaId: '42', time: 1_739_321_024, field: 'x', value })]);
    assert.equal(
      body,
      '{"object":"whatsapp_business_account","entry":[{"id":"42","time":1739321024,"changes":[{"value":{"text":' +
        '"G\\u00fcnayd\\u0131n \\ud83c\\udf89 a\\/b \\u003Cc> 100\\u0025 me\\u0040example.com \\"\\\\ \\u007f\\u2028\\n"},"field":"x"}]}]}',
    );
    const signature = `sha256=${createHmac('sha256', secret).update(Buffer.from(body, 'latin1')).digest('hex')}`;
    assert.deepEqual(headers, {
      'content-type': 'application/json',
      authorization: `Bearer ${secret}`,
      'x-hub-signature-256': signature,
    });
  });

  it('holds several events in their order; neighbours of one account and moment share an entry', () => {
    const of = (wabaId: string, time: number | null, n: number) =>
      changed({ wabaId, time, field: 'f', value: { n } });
    const events = [of('1', null, 1), of('1', null, 2), of('1', 7, 3), of('2', 7, 4), of('1', null, 5)];
    const { entry } = JSON.parse(post(events).body) as { entry: JsonObject[] };
    const change = (n: number) => ({ value: { n }, field: 'f' });
    assert.deepEqual(entry, [
      { id: '1', changes: [change(1), change(2)] },
      { id: '1', time: 7, changes: [change(3)] },
      { id: '2', time: 7, changes: [change(4)] },
      { id: '1', changes: [change(5)] },
    ]);
  });
});

describe('its headers', () => {
  const sent = eventSamples['message.sent'];

  it('leave Authorization to the customer who sets it', () => {
    const { headers } = post([sent], { headers: { AUTHORIZATION: 'Basic eDp5' } });
    assert.equal(headers.AUTHORIZATION, 'Basic eDp5');
    assert.equal(headers.authorization, undefined);
    assert.ok(headers['x-hub-signature-256']);
  });

  it('sign with the app secret where the endpoint stands in for the app, which is told to nobody', () => {
    const { headers, body } = post([sent], { signsWith: 'app' }, 'app secret');
    assert.ok(isSignedBy('app secret', Buffer.from(body), headers['x-hub-signature-256']));
    assert.deepEqual(Object.keys(headers), ['content-type', 'x-hub-signature-256']);
  });

  it('have no signature that could be taken for a good one when there is no key', () => {
    assert.deepEqual(Object.keys(post([sent], { signsWith: 'app' }).headers), ['content-type']);
  });
});

describe('ends that Meta did not tell', () => {
  const ended = (type: 'message.failed' | 'message.expired', message: JsonObject = {}): JsonObject => {
    const sample = eventSamples[type];
    const data = { ...sample.data, message: { ...(sample.data.message as JsonObject), ...message } };
    return bodyOf({ ...sample, data, meta: null });
  };

  it('an answer of no reads as the failed status that Meta might have sent instead', () => {
    assert.deepEqual(ended('message.failed', { waId: null, wamid: null }), {
      object: 'whatsapp_business_account',
      entry: [
        {
          id: '419561257915477',
          changes: [
            {
              value: {
                messaging_product: 'whatsapp',
                metadata: { display_phone_number: '15550783881', phone_number_id: '106540352242922' },
                statuses: [
                  {
                    id: eventSamples['message.failed'].messageId,
                    status: 'failed',
                    timestamp: '1795858215',
                    recipient_id: '16505551234',
                    biz_opaque_callback_data: '{"order":42}',
                    errors: [
                      {
                        code: 131_047,
                        title: 'Re-engagement message',
                        message: 'Re-engagement message',
                        error_data: {
                          details:
                            'Message failed to send because more than 24 hours have passed since the customer last replied to this number.',
                        },
                      },
                    ],
                  },
                ],
              },
              field: 'messages',
            },
          ],
        },
      ],
    });
  });

  const statusOf = (body: JsonObject): JsonObject => {
    const [entry] = body.entry as { changes: { value: { statuses: JsonObject[] } }[] }[];
    return entry!.changes[0]!.value.statuses[0]!;
  };

  it('an expired message is 131000, to be sent again, not 131026, which strikes the recipient', () => {
    assert.deepEqual(statusOf(ended('message.expired', { callbackData: null })), {
      id: eventSamples['message.expired'].messageId,
      status: 'failed',
      timestamp: '1795858215',
      recipient_id: '16505551234',
      errors: [
        {
          code: 131_000,
          title: 'Something went wrong',
          message: 'Something went wrong',
          error_data: { details: 'The message could not be sent within its time to live.' },
        },
      ],
    });
  });

  it('a failure without a code of Meta keeps its reason', () => {
    const error = { code: null, title: null, details: null, reason: 'The number was removed' };
    const status = statusOf(ended('message.failed', { error }));
    const [told] = status.errors as JsonObject[];
    assert.equal(told!.code, 131_000);
    assert.deepEqual(told!.error_data, { details: 'The number was removed' });
  });

  it('names the recipient as Meta would: phone, user or group', () => {
    const named = (to: string) => {
      const { recipient_id, recipient_user_id, recipient_type } = statusOf(ended('message.expired', { to }));
      return [recipient_id, recipient_user_id, recipient_type];
    };
    assert.deepEqual(named('905321234567'), ['905321234567', undefined, undefined]);
    assert.deepEqual(named('US.13491208655302741918'), [undefined, 'US.13491208655302741918', undefined]);
    assert.deepEqual(named('Y2FwaV9ncm91cDox'), ['Y2FwaV9ncm91cDox', undefined, 'group']);
  });
});

describe('Cloud API SDKs take what we send', () => {
  const events = Object.values(eventSamples).filter(event => hasWords('meta', event));

  it('@kapso/whatsapp-cloud-api verifies every event, and reads all of a batch', () => {
    for (const event of events) {
      const { body, headers } = post([event]);
      const signed = { rawBody: body, signatureHeader: headers['x-hub-signature-256']! };
      assert.equal(verifySignature({ appSecret: secret, ...signed }), true, event.type);
      assert.equal(verifySignature({ appSecret: 'older', ...signed }), false);
    }
    const { messages, statuses } = normalizeWebhook(JSON.parse(post(events).body));
    assert.deepEqual(
      messages.map(({ type }) => type),
      ['text', 'text'],
    );
    assert.deepEqual(
      statuses.map(({ status }) => status),
      ['sent', 'delivered', 'read', 'played', 'failed', 'failed'],
    );
  });

  it('whatsapp-api-js verifies and hands on the message, emojis and all, and the status', async () => {
    const heard: unknown[] = [];
    const sdk = new WhatsAppAPI({ token: 'unused', v: 'v24.0', appSecret: secret });
    sdk.on.message = ({ message, name, from }) => {
      heard.push([from, name, message.type === 'text' && message.text.body]);
    };
    sdk.on.status = ({ status, id, biz_opaque_callback_data }) => {
      heard.push([status, id, biz_opaque_callback_data]);
    };
    for (const type of [
      'message.received',
      'message.delivered',
      'message.expired',
      'endpoint.test',
    ] as const) {
      const { body, headers } = post([eventSamples[type]]);
      await sdk.post(JSON.parse(body), body, headers['x-hub-signature-256']!);
    }
    const { wamid, id } = eventSamples['message.delivered'].data.message as { wamid: string; id: string };
    assert.deepEqual(heard, [
      ['16505551234', 'Zoë Nelson', 'Günaydın 🎉 a/b <c> 100% me@example.com'],
      ['delivered', wamid, '{"order":42}'],
      ['failed', id, '{"order":42}'],
      ['16315551181', 'test user name', 'A test of this endpoint'],
    ]);
    const { body, headers } = post([eventSamples['message.received']]);
    const forged = body.replace('100', '999');
    await assert.rejects(sdk.post(JSON.parse(forged), forged, headers['x-hub-signature-256']!));
  });

  it("each of Meta's own examples, signed by us, passes both", async () => {
    const sdk = new WhatsAppAPI({ token: 'unused', v: 'v24.0', appSecret: secret });
    for (const { name, meta } of examples) {
      const { body, headers } = post([changed(meta)]);
      const signatureHeader = headers['x-hub-signature-256']!;
      assert.equal(verifySignature({ appSecret: secret, rawBody: body, signatureHeader }), true, name);
      assert.equal(await sdk.verifyRequestSignature(body, signatureHeader), true, name);
    }
  });
});
