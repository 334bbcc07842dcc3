import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { isRefusal, type Refusal } from '../../canonical/refusal.ts';
import type { AcceptedMessage, SendCommand, WireRequest } from '../dialect.ts';
import { asMetaRejection } from '../meta-rejection.ts';
import { refusalSamples } from '../refusal-samples.ts';
import { connexease } from './connexease.ts';

const [door] = connexease.doors;
const wire = (body: Json | undefined, query: Record<string, string> = {}): WireRequest => ({
  ip: '127.0.0.1',
  params: {},
  query,
  headers: {},
  body,
});
const hello = { to: '905321234567', type: 'text', text: { body: 'hi' } };

function send(body: JsonObject, query: Record<string, string> = {}): SendCommand {
  const command = door!.read(wire({ ...hello, ...body }, query));
  assert.ok(!isRefusal(command) && command.kind === 'send', JSON.stringify(command));
  return command;
}

function errors(refusal: Refusal): JsonObject {
  const { body } = connexease.refuse(refusal);
  assert.ok(isObject(body) && isObject(body.errors));
  assert.equal(body.isSuccess, false);
  return body.errors;
}

describe('reading', () => {
  it('only the object the type names is sent (seeds/000 has three)', () => {
    const body = { messaging_product: 'whatsapp', image: { link: 'https://a.b/c' }, template: { name: 'n' } };
    assert.deepEqual(send(body).content, { type: 'text', text: { body: 'hi' } });
  });
  it('a number in any dress', () => {
    assert.deepEqual(send({ to: '+90 532 123-4567' }).recipients, [
      { kind: 'phone', digits: '905321234567', to: '+90 532 123-4567' },
    ]);
  });
  for (const [value, fake] of [
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ] as const) {
    it(`is_fake=${value}`, () => assert.equal(send({}, { is_fake: value }).fake, fake));
  }
  it('mmlite', () => {
    const template = { name: 'n', language: { code: 'en' } };
    assert.equal(send({ type: 'template', template }, { mmlite: 'true' }).endpoint, 'marketing_messages');
  });
});

describe('what is wrong with a request', () => {
  for (const [body, query, field, rule] of [
    [{ ...hello, to: undefined }, {}, 'to', 'required'],
    [{ ...hello, to: '' }, {}, 'to', 'required'],
    [{ ...hello, to: 'Jo' }, {}, 'to', 'format'],
    [{ ...hello, type: null }, {}, 'type', 'required'],
    [{ ...hello, type: 'sticker' }, {}, 'type', 'enum'],
    [{ ...hello, messaging_product: 'sms' }, {}, 'messaging_product', 'enum'],
    [{ ...hello, recipient_type: 'group' }, {}, 'recipient_type', 'enum'],
    [{ ...hello, is_fake: true }, {}, 'is_fake', 'conflict'],
    [hello, { is_fake: 'yes' }, 'is_fake', 'type'],
    [hello, { mmlite: '' }, 'mmlite', 'type'],
    [hello, { mmlite: 'true' }, 'type', 'conflict'],
  ] as [JsonObject, Record<string, string>, string, string][]) {
    it(`${field} ${rule} ${JSON.stringify(query)}`, () => {
      const refusal = door!.read(wire(JSON.parse(JSON.stringify(body)) as Json, query));
      assert.ok(isRefusal(refusal));
      const { code, group, description, params } = errors(refusal);
      assert.deepEqual([code, group], ['VAL_001', 'VALIDATION']);
      assert.deepEqual(params, { field, rule });
      assert.match(String(description), new RegExp(`^${field} `));
    });
  }
  it('no body', () => {
    const refusal = door!.read(wire(undefined));
    assert.ok(isRefusal(refusal));
    assert.equal(errors(refusal).code, 'VAL_002');
  });
});

describe('refusing', () => {
  for (const refusal of Object.values(refusalSamples)) {
    it(`${refusal.code} has a code, a group and a description`, () => {
      const { code, group, description } = errors(refusal);
      assert.match(String(code), /^[A-Z]+_\d{3}$/);
      assert.match(String(group), /^[A-Z_]+$/);
      assert.notEqual(description, '');
    });
  }
  it("Meta's own error stands in params", () => {
    const refusal = refusalSamples.meta_rejected;
    assert.equal(connexease.refuse(refusal).status, 502);
    assert.deepEqual(errors(refusal).params, { error: refusal.error.body });
  });
  it('a limit is RATE_001 as the page has it', () => {
    const { status, headers } = connexease.refuse(refusalSamples.rate_limited);
    assert.equal(status, 429);
    assert.deepEqual(headers, { 'retry-after': '1' });
    assert.deepEqual(errors(refusalSamples.rate_limited), {
      code: 'RATE_001',
      group: 'TOO_MANY_REQUESTS',
      description: 'Rate limit exceeded. Please try again later.',
      params: { limit_type: 'sec', retry_after: '1s' },
    });
  });
  for (const [window, retryAfterMs, seconds] of [
    ['sec', 1, '1'],
    ['sec', 1_001, '1'],
    ['min', 1, '1'],
    ['min', 36_001, '37'],
    ['min', 60_000, '60'],
    ['min', 60_001, '60'],
  ] as const) {
    it(`${retryAfterMs} ms until the ${window} has room`, () => {
      const refusal = { code: 'rate_limited', window, limit: 80, retryAfterMs } as const;
      assert.deepEqual(errors(refusal).params, { limit_type: window, retry_after: `${seconds}s` });
      assert.deepEqual(connexease.refuse(refusal).headers, { 'retry-after': seconds });
    });
  }
  it('too little money is BILL_001 with its sentence', () => {
    assert.equal(connexease.refuse(refusalSamples.balance_insufficient).status, 402);
    assert.deepEqual(errors(refusalSamples.balance_insufficient), {
      code: 'BILL_001',
      group: 'PAYMENT_REQUIRED',
      description: 'Insufficient balance. Please top up your account to continue sending messages.',
      params: { needed_micros: 7_800, available_micros: 1_000 },
    });
  });
  for (const early of [refusalSamples.window_closed, refusalSamples.recipient_opted_out]) {
    it(`${early.code} reads as Meta's own refusal does`, () => {
      assert.deepEqual(connexease.refuse(early), connexease.refuse(asMetaRejection(early)));
      assert.match(String(errors(early).description), /^Meta rejected the message: \(#1310(47|50)\) /);
    });
  }
  for (const [code, status, told] of [
    ['power_missing', 403, 'PERM_002'],
    ['idempotency_mismatch', 422, 'REQ_004'],
  ] as const) {
    it(`${code} is ${told}`, () => {
      assert.equal(connexease.refuse(refusalSamples[code]).status, status);
      assert.equal(errors(refusalSamples[code]).code, told);
    });
  }
  it('the headers of a limit are written as the page writes them', () => {
    assert.deepEqual(
      connexease.limitHeaders({ perSecond: 80, perMinute: 4800, remainingSecond: 79, remainingMinute: 0 }),
      {
        'X-RateLimit-sec-Limit': '80',
        'X-RateLimit-sec-Remaining': '79',
        'X-RateLimit-min-Limit': '4800',
        'X-RateLimit-min-Remaining': '0',
      },
    );
  });
});

describe('answering', () => {
  const message: AcceptedMessage = {
    id: 'id',
    type: 'text',
    status: 'accepted',
    recipient: { kind: 'phone', digits: '905321234567', to: '+905321234567' },
    wamid: 'wamid.x',
    meta: null,
    fake: false,
  };
  const answer = (more: Partial<AcceptedMessage>) =>
    door!.answer({ kind: 'sent', messages: [{ ...message, ...more }] }, wire(hello)).body;

  it("Meta's answer in an envelope", () => {
    assert.deepEqual(answer({ meta: { any: 1 } }), { isSuccess: true, data: { any: 1 } });
  });
  it('the number as the caller wrote it', () => {
    assert.deepEqual(answer({}), {
      isSuccess: true,
      data: {
        messaging_product: 'whatsapp',
        contacts: [{ input: '+905321234567', wa_id: '905321234567' }],
        messages: [{ id: 'wamid.x' }],
      },
    });
  });
  it('the sandbox names no contacts', () => {
    assert.deepEqual(answer({ fake: true, wamid: 'wamid.FAKE_1711900000000000000' }), {
      isSuccess: true,
      data: { messaging_product: 'whatsapp', messages: [{ id: 'wamid.FAKE_1711900000000000000' }] },
    });
  });
});
