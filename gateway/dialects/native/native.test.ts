import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { isRefusal, type Refusal, refusals } from '../../canonical/refusal.ts';
import type { AcceptedMessage, SendCommand, WireRequest } from '../dialect.ts';
import { asMetaRejection } from '../meta-rejection.ts';
import { refusalSamples } from '../refusal-samples.ts';
import { native } from './native.ts';
import { problem } from './problem.ts';

const [door] = native.doors;
const hello = { to: '905321234567', type: 'text', text: { body: 'hi' } };
const wire = (body: Json | undefined, headers: Record<string, string> = {}): WireRequest => ({
  ip: '127.0.0.1',
  params: {},
  query: {},
  headers,
  body,
});

function send(more: JsonObject, headers: Record<string, string> = {}): SendCommand {
  const command = door!.read(wire({ ...hello, ...more }, headers));
  assert.ok(!isRefusal(command) && command.kind === 'send', JSON.stringify(command));
  return command;
}

describe('reading', () => {
  it('a text with nothing else', () => {
    assert.deepEqual(send({}), {
      kind: 'send',
      number: { by: 'only' },
      recipients: [{ kind: 'phone', digits: '905321234567', to: '905321234567' }],
      tags: [],
      content: { type: 'text', text: { body: 'hi' } },
      endpoint: 'messages',
      fake: false,
      wait: 'meta',
      callbackData: null,
      campaign: null,
      sendAt: null,
      ttlMs: null,
      fallback: null,
    });
  });
  it('every option', () => {
    const command = send({
      number: 7,
      callbackData: 'mine',
      campaign: 'spring',
      sendAt: '2026-12-01T09:00:00+03:00',
      ttlSeconds: 60,
      fake: true,
      context: { message_id: 'wamid.x' },
    });
    assert.deepEqual(command.number, { by: 'id', id: '7' });
    assert.equal(command.callbackData, 'mine');
    assert.equal(command.campaign, 'spring');
    assert.equal(command.sendAt, Date.UTC(2026, 11, 1, 6));
    assert.equal(command.ttlMs, 60_000);
    assert.equal(command.fake, true);
    assert.equal(command.wait, 'commit');
    assert.deepEqual(command.content, {
      type: 'text',
      text: { body: 'hi' },
      context: { message_id: 'wamid.x' },
    });
  });
  it('a fallback for a closed window', () => {
    const template = { name: 'order_confirmation', language: { code: 'en_US' } };
    const command = send({ window: { fallback: { template } } });
    assert.deepEqual(command.content, { type: 'text', text: { body: 'hi' } });
    assert.deepEqual(command.fallback, { type: 'template', template });
  });
  it('a user, a group', () => {
    assert.deepEqual(send({ to: { user: 'US.1349' } }).recipients, [{ kind: 'user', id: 'US.1349' }]);
    assert.deepEqual(send({ to: { group: 'Y2Fw' } }).recipients, [{ kind: 'group', id: 'Y2Fw' }]);
  });
  for (const [prefer, wait] of [
    ['respond-async', 'commit'],
    ['wait=10, Respond-Async; x=1', 'commit'],
    ['return=minimal', 'meta'],
  ] as const) {
    it(`Prefer: ${prefer}`, () => assert.equal(send({}, { prefer }).wait, wait));
  }
});

describe('what is wrong with a body', () => {
  for (const [more, field, rule] of [
    [{ to: null }, 'to', 'required'],
    [{ to: 'Jo' }, 'to', 'format'],
    [{ to: {} }, 'to', 'conflict'],
    [{ to: { user: 'US.1', group: 'g' } }, 'to', 'conflict'],
    [{ to: { user: 'Jo' } }, 'to.user', 'format'],
    [{ to: { group: '' } }, 'to.group', 'type'],
    [{ type: null }, 'type', 'required'],
    [{ type: 'fax' }, 'type', 'enum'],
    [{ image: { id: '1' } }, 'image', 'conflict'],
    [{ sendat: 1 }, 'sendat', 'conflict'],
    [{ sendAt: '2026-12-01T09:00:00' }, 'sendAt', 'format'],
    [{ sendAt: '2026-13-01T09:00:00Z' }, 'sendAt', 'format'],
    [{ sendAt: -1 }, 'sendAt', 'format'],
    [{ ttlSeconds: 0 }, 'ttlSeconds', 'format'],
    [{ fake: 'maybe' }, 'fake', 'type'],
    [{ number: {} }, 'number', 'type'],
    [{ endpoint: 'marketing_messages' }, 'type', 'conflict'],
    [{ campaign: 'x'.repeat(257) }, 'campaign', 'length'],
    [{ callbackData: {} }, 'callbackData', 'type'],
    [{ window: true }, 'window', 'type'],
    [{ window: {} }, 'window.fallback', 'required'],
    [{ window: { fallback: {}, policy: 'meta' } }, 'window.policy', 'conflict'],
    [{ window: { fallback: {} } }, 'window.fallback.template', 'required'],
    [{ window: { fallback: { text: {} } } }, 'window.fallback.text', 'conflict'],
    [{ window: { fallback: { template: { name: 'a' } } } }, 'window.fallback.template.language', 'required'],
    [
      {
        type: 'template',
        text: null,
        template: { name: 'a', language: { code: 'en' } },
        window: { fallback: { template: { name: 'b', language: { code: 'en' } } } },
      },
      'window.fallback',
      'conflict',
    ],
    [
      { sendAt: 1, window: { fallback: { template: { name: 'b', language: { code: 'en' } } } } },
      'window.fallback',
      'conflict',
    ],
  ] as [JsonObject, string, string][]) {
    it(`${JSON.stringify(more).slice(0, 60)}`, () => {
      const refusal = door!.read(wire({ ...hello, ...more }));
      assert.ok(isRefusal(refusal), JSON.stringify(refusal));
      const { body } = problem(refusal);
      assert.ok(isObject(body) && Array.isArray(body.errors) && isObject(body.errors[0]!));
      assert.equal(body.errors[0].field, field);
      assert.equal(body.errors[0].rule, rule);
    });
  }
});

describe('refusing', () => {
  // Of Meta's 131047, which the sample of meta_rejected is, see below.
  const { meta_rejected, ...others } = refusalSamples;
  for (const refusal of Object.values(others)) {
    it(`${refusal.code} is a problem`, () => {
      const answer = problem(refusal);
      assert.equal(answer.status, refusals[refusal.code].status);
      assert.equal(answer.headers?.['content-type'], 'application/problem+json');
      assert.ok(isObject(answer.body));
      const { type, title, status, detail, code } = answer.body;
      assert.equal(type, `/docs/errors#${refusal.code}`);
      assert.equal(title, refusals[refusal.code].title);
      assert.equal(status, answer.status);
      assert.equal(code, refusal.code);
      assert.match(String(detail), /\S/);
    });
  }
  for (const [refusal, detail, members] of [
    [
      { code: 'rate_limited', window: 'min', limit: 4800, retryAfterMs: 36_001 },
      'This API key may make 4800 requests a minute; try again in 37 s.',
      { window: 'min', limit: 4800, retryAfterMs: 36_001 },
    ],
    [
      { code: 'balance_insufficient', neededMicros: 7_800, availableMicros: 2_000_000 },
      'The balance does not cover this: 0.0078 is needed, 2.00 is available. Top up, then send again.',
      { neededMicros: 7_800, availableMicros: 2_000_000 },
    ],
    [
      { code: 'window_closed', recipient: '905321234567', closedAt: 1_700_000_000_000 },
      '905321234567 has not written within 24 hours; send an approved template.',
      { recipient: '905321234567', closedAt: '2023-11-14T22:13:20.000Z' },
    ],
    [
      { code: 'window_closed', recipient: '905321234567', closedAt: null },
      '905321234567 has not written to this number; send an approved template.',
      { recipient: '905321234567', closedAt: null },
    ],
    [
      { code: 'recipient_opted_out', recipient: '905321234567' },
      '905321234567 asked for no more marketing; send none until they ask for it again.',
      { recipient: '905321234567' },
    ],
    [
      { code: 'idempotency_mismatch', key: 'order-1' },
      'Idempotency-Key order-1 was used for another request within 24 hours; use a new key for a new request.',
      { idempotencyKey: 'order-1' },
    ],
    [
      { code: 'power_missing', reason: 'It may only read.' },
      'This API key may not do this: It may only read.',
      {},
    ],
  ] as [Refusal, string, JsonObject][]) {
    it(`${detail}`, () => {
      const { body } = problem(refusal);
      assert.ok(isObject(body));
      const { type, title, status, code, ...rest } = body;
      assert.deepEqual(rest, { detail, ...members });
    });
  }
  it('a limit says when to come again', () => {
    assert.equal(problem(refusalSamples.rate_limited).headers?.['retry-after'], '1');
  });
  it("Meta's no for a reason of ours has our code, and Meta's words beside it", () => {
    for (const early of [refusalSamples.window_closed, refusalSamples.recipient_opted_out]) {
      const { error } = asMetaRejection(early);
      const { status, body } = problem({ code: 'meta_rejected', messageId: 'm-1', error });
      assert.ok(isObject(body));
      assert.equal(status, refusals[early.code].status);
      assert.equal(body.code, early.code);
      assert.equal(body.type, `/docs/errors#${early.code}`);
      assert.equal(body.title, refusals[early.code].title);
      assert.equal(body.messageId, 'm-1');
      assert.deepEqual(body.meta, error.body);
    }
    const other = { ...meta_rejected, error: { ...meta_rejected.error, code: 132000 } };
    const { body } = problem(other);
    assert.ok(isObject(body));
    assert.equal(body.code, 'meta_rejected');
    assert.equal(body.title, refusals.meta_rejected.title);
  });
});

describe('answering', () => {
  const message: AcceptedMessage = {
    id: '01JD3Z8Q4X6V2N9T5B7M1C0KRE',
    type: 'text',
    status: 'accepted',
    recipient: { kind: 'user', id: 'US.1' },
    wamid: 'wamid.x',
    meta: null,
    fake: false,
  };
  const outcome = { kind: 'sent', messages: [message] } as const;

  it('200 with the wamid', () => {
    assert.deepEqual(door!.answer({ ...outcome, messages: [message] }, wire(hello)), {
      status: 200,
      body: { id: message.id, status: 'accepted', to: { user: 'US.1' }, wamid: 'wamid.x' },
    });
  });
  it('what was sent of content and fallback, why, and until when the window is open', () => {
    const closesAt = Date.UTC(2026, 10, 20, 12);
    for (const [window, told] of [
      [
        { open: true, closesAt, sentFallback: false },
        { open: true, closesAt: '2026-11-20T12:00:00.000Z', sent: 'content' },
      ],
      [
        { open: false, closesAt: null, sentFallback: true },
        {
          open: false,
          closesAt: null,
          sent: 'fallback',
          reason: 'The recipient has not written within 24 hours.',
        },
      ],
    ] as const) {
      const { body } = door!.answer({ kind: 'sent', messages: [{ ...message, window }] }, wire(hello));
      assert.ok(isObject(body));
      assert.deepEqual(body.window, told);
    }
  });
  it('202 and where to follow it', () => {
    const queued = { ...message, status: 'queued', wamid: null };
    assert.deepEqual(
      door!.answer({ kind: 'sent', messages: [queued] }, wire(hello, { prefer: 'respond-async' })),
      {
        status: 202,
        body: { id: message.id, status: 'queued', to: { user: 'US.1' } },
        headers: { location: `/api/v1/messages/${message.id}`, 'preference-applied': 'respond-async' },
      },
    );
  });
});
