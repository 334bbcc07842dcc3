import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { isRefusal, type Refusal } from '../../canonical/refusal.ts';
import type { AcceptedMessage, SendCommand, WireRequest } from '../dialect.ts';
import { refusalSamples } from '../refusal-samples.ts';
import { cloud } from './cloud.ts';

const wire = (body: Json | undefined): WireRequest => ({
  ip: '127.0.0.1',
  params: { version: 'v25.0', phoneNumberId: '106540352242922' },
  query: {},
  headers: {},
  body,
});
const [messages, marketing] = cloud.doors;
const read = (body: Json | undefined, door = messages!) => door.read(wire(body));

function send(body: JsonObject, door = messages!): SendCommand {
  const command = read({ messaging_product: 'whatsapp', to: '905321234567', ...body }, door);
  assert.ok(!isRefusal(command) && command.kind === 'send', JSON.stringify(command));
  return command;
}

/** The error object a refusal is told by. */
function error(refusal: Refusal): JsonObject {
  const { body } = cloud.refuse(refusal);
  assert.ok(isObject(body) && isObject(body.error));
  return body.error;
}

function refused(body: Json | undefined, door = messages!): JsonObject {
  const refusal = read(body, door);
  assert.ok(isRefusal(refusal), JSON.stringify(refusal));
  return error(refusal);
}

describe('reading', () => {
  const text = { body: 'hi' };
  for (const [about, body, content] of [
    ['a text', { type: 'text', text }, { type: 'text', text }],
    ['a text without type', { text }, { type: 'text', text }],
    ['the type in capitals', { type: 'TEXT', text }, { type: 'text', text }],
    ['an object as JSON text', { type: 'text', text: '{"body":"hi"}' }, { type: 'text', text }],
    ['objects of other types are dropped', { type: 'text', text, image: {} }, { type: 'text', text }],
    [
      'nulls are absent',
      { type: 'text', text: { body: 'hi', preview_url: null }, context: null },
      { type: 'text', text },
    ],
    [
      'newer members pass',
      { type: 'text', text, category: 'utility' },
      { type: 'text', text, category: 'utility' },
    ],
    ['a token in the body stays here', { type: 'text', text, access_token: 't' }, { type: 'text', text }],
    ['a member named code', { type: 'text', text, code: 'fault' }, { type: 'text', text, code: 'fault' }],
    [
      'interactive without type',
      { interactive: { type: 'list' } },
      { type: 'interactive', interactive: { type: 'list' } },
    ],
  ] as [string, JsonObject, JsonObject][]) {
    it(about, () => assert.deepEqual(send(body).content, content));
  }

  for (const [about, body, recipient] of [
    ['a number', { to: 905321234567 }, { kind: 'phone', digits: '905321234567', to: '905321234567' }],
    [
      'as it was written',
      { to: '+90 532 1234567' },
      { kind: 'phone', digits: '905321234567', to: '+90 532 1234567' },
    ],
    ['a user id', { to: null, recipient: 'US.1349' }, { kind: 'user', id: 'US.1349' }],
    ['to wins', { recipient: 'US.1349' }, { kind: 'phone', digits: '905321234567', to: '905321234567' }],
    ['a group', { recipient_type: 'group', to: 'Y2FwaV9n' }, { kind: 'group', id: 'Y2FwaV9n' }],
  ] as [string, JsonObject, JsonObject][]) {
    it(`to: ${about}`, () => assert.deepEqual(send({ text, ...body }).recipients, [recipient]));
  }

  it("the caller's own value is kept apart", () => {
    const command = send({ text, biz_opaque_callback_data: '{"order":1}' });
    assert.equal(command.callbackData, '{"order":1}');
    assert.deepEqual(command.content, { type: 'text', text });
  });
  it('marketing messages', () => {
    const template = { name: 'n', language: { code: 'en' } };
    const command = send(
      { type: 'template', template, product_policy: 'STRICT', message_activity_sharing: 'true' },
      marketing,
    );
    assert.equal(command.endpoint, 'marketing_messages');
    assert.deepEqual(command.content, {
      type: 'template',
      template,
      product_policy: 'STRICT',
      message_activity_sharing: true,
    });
  });
  it('mark as read, typing', () => {
    const body = {
      messaging_product: 'whatsapp',
      status: 'read',
      message_id: 'wamid.x',
      typing_indicator: { type: 'text' },
    };
    assert.deepEqual(read(body), {
      kind: 'mark_read',
      number: { by: 'phoneNumberId', id: '106540352242922' },
      messageId: 'wamid.x',
      body,
    });
  });
});

describe('what is wrong with a body', () => {
  const product = { messaging_product: 'whatsapp' };
  const to = { ...product, to: '905321234567' };
  for (const [body, code, told] of [
    [undefined, 100, '(#100) The parameter messaging_product is required.'],
    [{}, 100, '(#100) The parameter messaging_product is required.'],
    [
      { messaging_product: 'sms' },
      100,
      '(#100) Param messaging_product must be one of {WHATSAPP} - got "sms".',
    ],
    [product, 100, '(#100) The parameter to is required.'],
    [{ ...product, recipient_type: 'group', recipient: 'US.1' }, 100, '(#100) The parameter to is required.'],
    [to, 100, '(#100) The parameter type is required.'],
    [
      { ...to, recipient_type: 'crowd' },
      100,
      '(#100) Param recipient_type must be one of {GROUP, INDIVIDUAL} - got "crowd".',
    ],
    [{ ...product, to: 'Jo' }, 131009, 'to must be a phone number with its country code, 7 to 15 digits'],
    [
      { ...product, recipient: 'Jo' },
      131009,
      'recipient must be a business-scoped user id such as US.13491208655302741918',
    ],
    [{ ...product, status: 'read' }, 100, '(#100) The parameter message_id is required.'],
    [
      { ...product, status: 'read', message_id: 'x', typing_indicator: { type: 'audio' } },
      131009,
      'typing_indicator.type must be "text"',
    ],
    [
      { ...to, text: { body: 'hi' }, biz_opaque_callback_data: 'x'.repeat(513) },
      131009,
      'biz_opaque_callback_data must be at most 512 characters, has 513',
    ],
    [[], 100, 'The body cannot be read: it must be a JSON object'],
  ] as [Json | undefined, number, string][]) {
    it(told, () => {
      const { error_data, message, code: given } = refused(body);
      assert.equal(given, code);
      assert.equal(isObject(error_data) ? error_data.details : message, told);
    });
  }
  it('only templates on marketing_messages', () => {
    assert.equal(
      refused({ ...to, text: { body: 'hi' } }, marketing).message,
      '(#100) Message must be a template message.',
    );
  });
  it('an issue inside names its field in details', () => {
    const { code, error_data } = error({
      code: 'field_invalid',
      issues: [{ path: 'image.link', rule: 'required', message: 'is required' }],
    });
    assert.equal(code, 131008);
    assert.deepEqual(error_data, { messaging_product: 'whatsapp', details: 'image.link is required' });
  });
  for (const [rule, message, told] of [
    ['required', 'is required', "(#100) The parameter text['body'] is required."],
    ['length', 'must not be empty', "(#100) The parameter text['body'] is required."],
    ['type', 'must be a string', "(#100) Param text['body'] must be a string."],
    [
      'length',
      'must be at most 4096 characters, has 4097',
      "(#100) Param text['body'] must be at most 4096 characters long.",
    ],
  ] as const) {
    it(`a text that ${message} is told in Graph's words`, () => {
      const { fbtrace_id, ...rest } = error({
        code: 'field_invalid',
        issues: [{ path: 'text.body', rule, message }],
      });
      assert.deepEqual(rest, { message: told, type: 'OAuthException', code: 100 });
    });
  }
});

describe('refusing', () => {
  for (const refusal of Object.values(refusalSamples)) {
    it(`${refusal.code} has Graph's envelope`, () => {
      const { status } = cloud.refuse(refusal);
      if (refusal.code === 'meta_rejected') return;
      const { message, type, code, fbtrace_id } = error(refusal);
      assert.ok(status >= 400 && status < 600);
      assert.equal(typeof message, 'string');
      assert.match(String(type), /^(OAuthException|GraphMethodException)$/);
      assert.ok(Number.isInteger(code));
      assert.match(String(fbtrace_id), /^A\w+$/);
    });
  }
  it("Meta's own error passes as it is, and gets a trace when it has none", () => {
    const body = { message: '(#132001) …', type: 'OAuthException', code: 132001, fbtrace_id: 'Ameta' };
    const rejected = { httpStatus: 404, code: 132001, subcode: null, title: '', details: null };
    const refusal = { code: 'meta_rejected', messageId: 'm', error: { ...rejected, body } } as const;
    assert.deepEqual(cloud.refuse(refusal), { status: 404, body: { error: body } });
    const { fbtrace_id } = error({ ...refusal, error: { ...rejected, body: { code: 132001 } } });
    assert.match(String(fbtrace_id), /^A\w{22}$/);
  });
  for (const [code, status, number, said] of [
    ['rate_limited', 400, 80007, 'This API key may make 80 requests a second; try again in 1 s.'],
    [
      'balance_insufficient',
      400,
      131042,
      'The balance does not cover this: 0.0078 is needed, 0.001 is available. Top up, then send again.',
    ],
    [
      'window_closed',
      400,
      131047,
      'Message failed to send because more than 24 hours have passed since the customer last replied to this number.',
    ],
    [
      'recipient_opted_out',
      400,
      131050,
      'Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business',
    ],
    [
      'idempotency_mismatch',
      400,
      100,
      'Idempotency-Key order-1 was used for another request within 24 hours; use a new key for a new request.',
    ],
    ['power_missing', 403, 10, 'This API key may not do this: it may only read.'],
  ] as const) {
    it(`${code} is ${number}`, () => {
      const told = error(refusalSamples[code]);
      assert.equal(cloud.refuse(refusalSamples[code]).status, status);
      assert.equal(told.code, number);
      assert.match(String(told.message), new RegExp(`^\\(#${number}\\) \\S`));
      assert.deepEqual(told.error_data, { messaging_product: 'whatsapp', details: said });
    });
  }
  it('the window is told to the letter of Meta’s 131047', () => {
    const { fbtrace_id, error_data, ...rest } = error(refusalSamples.window_closed);
    assert.deepEqual(rest, {
      message: '(#131047) Re-engagement message',
      type: 'OAuthException',
      code: 131047,
    });
  });
  it('a limit says when to come again, and that it will pass', () => {
    assert.deepEqual(cloud.refuse(refusalSamples.rate_limited).headers, { 'retry-after': '1' });
    assert.equal(error(refusalSamples.rate_limited).is_transient, true);
  });
  it('an unknown number and another tenant’s are told alike', () => {
    const { fbtrace_id: one, ...unknown } = error({ code: 'number_not_found', number: '1' });
    const { fbtrace_id: two, ...foreign } = error({ code: 'number_forbidden', number: '1' });
    assert.deepEqual(unknown, foreign);
    assert.notEqual(one, two);
  });
  for (const [method, path, code, status] of [
    ['POST', '/v25.0/123/massages', 2500, 400],
    ['POST', '/v25.0/abc/messages', 803, 404],
    ['GET', '/123/messages', 100, 400],
    ['POST', '/v25.0', 100, 400],
    ['POST', '/v25/123/messages', 2500, 400],
  ] as const) {
    it(`${method} ${path}`, () => {
      const answer = cloud.refuse({ code: 'route_not_found', method, path });
      assert.equal(answer.status, status);
      assert.equal(error({ code: 'route_not_found', method, path }).code, code);
    });
  }
});

describe('answering', () => {
  const message: AcceptedMessage = {
    id: 'id',
    type: 'text',
    status: 'accepted',
    recipient: { kind: 'phone', digits: '905321234567', to: '+90 532 1234567' },
    wamid: 'wamid.x',
    meta: null,
    fake: false,
  };
  const answer = (more: Partial<AcceptedMessage>) =>
    messages!.answer({ kind: 'sent', messages: [{ ...message, ...more }] }, wire({})).body;

  it("Meta's own answer", () => assert.deepEqual(answer({ meta: { any: 'thing' } }), { any: 'thing' }));
  it('rebuilt for a phone', () => {
    assert.deepEqual(answer({}), {
      messaging_product: 'whatsapp',
      contacts: [{ input: '+90 532 1234567', wa_id: '905321234567' }],
      messages: [{ id: 'wamid.x' }],
    });
  });
  it('rebuilt for a user id', () => {
    const body = answer({ recipient: { kind: 'user', id: 'US.1' } });
    assert.ok(isObject(body));
    assert.deepEqual(body.contacts, [{ input: 'US.1', user_id: 'US.1' }]);
  });
});

describe('credential', () => {
  for (const [headers, query, expected] of [
    [{ authorization: 'Bearer t' }, {}, 't'],
    [{ authorization: 'OAuth t' }, {}, 't'],
    [{}, { access_token: 't' }, 't'],
    [{ authorization: 'Bearer h' }, { access_token: 'q' }, 'h'],
    [{}, {}, { code: 'credential_missing' }],
    [{ authorization: 'Token t' }, {}, { code: 'credential_malformed' }],
  ] as const) {
    it(JSON.stringify({ headers, query }), () =>
      assert.deepEqual(cloud.credential({ headers, query }), expected),
    );
  }
});
