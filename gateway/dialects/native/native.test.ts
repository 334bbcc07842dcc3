import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isObject, type Json, type JsonObject } from '../../canonical/json.ts';
import { isRefusal, refusals } from '../../canonical/refusal.ts';
import type { AcceptedMessage, SendCommand, WireRequest } from '../dialect.ts';
import { refusalSamples } from '../refusal-samples.ts';
import { native } from './native.ts';
import { problem } from './problem.ts';

const [door] = native.doors;
const hello = { to: '905321234567', type: 'text', text: { body: 'hi' } };
const wire = (body: Json | undefined, headers: Record<string, string> = {}): WireRequest => ({
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
  for (const refusal of Object.values(refusalSamples)) {
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
});

describe('answering', () => {
  const message: AcceptedMessage = {
    id: '01JD3Z8Q4X6V2N9T5B7M1C0KRE',
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
