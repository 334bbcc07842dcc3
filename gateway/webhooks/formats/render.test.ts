import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { type EventType, eventTypes } from '../../canonical/event.ts';
import type { Json, JsonObject } from '../../canonical/json.ts';
import { type Endpoint, type EndpointFormat, endpointFormats } from '../../tenants/endpoints.ts';
import type { StoredEvent } from '../event.ts';
import { newEndpoint, signing } from './endpoint-samples.ts';
import { eventSamples } from './event-samples.ts';
import { eventsPerPost, hasWords, render, wantsEvent } from './render.ts';
import { newSecret, secretProblem } from './secret.ts';

const types = Object.keys(eventTypes) as EventType[];

describe('which events a format can tell', () => {
  const told = (format: EndpointFormat) => types.filter(type => hasWords(format, eventSamples[type]));

  it('standard: every one', () => assert.deepEqual(told('standard'), types));

  it('meta: what Meta told, and ends of ours in its words', () => {
    const untold = types.filter(type => !told('meta').includes(type));
    assert.deepEqual(untold, [
      ...['message.accepted', 'message.canceled', 'message.uncertain', 'recipient.changed'],
      ...['number.disconnected', 'broadcast.started', 'broadcast.paused', 'broadcast.completed'],
      ...['broadcast.canceled', 'balance.low', 'endpoint.disabled'],
    ]);
  });

  it('connectly: messages and their statuses', () => {
    assert.deepEqual(told('connectly'), [
      ...['message.sent', 'message.delivered', 'message.read', 'message.failed', 'message.expired'],
      ...['message.received', 'endpoint.test'],
    ]);
  });
});

describe('which events an endpoint wants', () => {
  const sent = eventSamples['message.sent'];
  const low = eventSamples['balance.low'];

  it('those of its number, and those of no number', () => {
    assert.equal(wantsEvent(newEndpoint('standard', { numberId: 1 }), sent), true);
    assert.equal(wantsEvent(newEndpoint('standard', { numberId: 2 }), sent), false);
    assert.equal(wantsEvent(newEndpoint('standard', { numberId: 2 }), low), true);
  });

  it('those of its patterns', () => {
    const wants = (events: string[]) => wantsEvent(newEndpoint('standard', { events }), sent);
    assert.deepEqual(
      [['*'], ['message.*'], ['message.sent'], ['message.read', 'balance.low'], []].map(wants),
      [...[true, true, true, false, false]],
    );
  });

  it('those that its format can tell', () => {
    assert.equal(wantsEvent(newEndpoint('standard'), low), true);
    assert.equal(wantsEvent(newEndpoint('meta'), low), false);
  });

  it('whatever its status is: what a paused endpoint wants waits', () => {
    assert.equal(wantsEvent(newEndpoint('standard', { status: 'disabled' }), sent), true);
  });
});

describe('several events in one POST', () => {
  const events = [eventSamples['message.sent'], eventSamples['message.read']];

  it('meta takes as many as the endpoint asks for, the others one', () => {
    const per = endpointFormats.map(format => eventsPerPost(newEndpoint(format, { batchMax: 50 })));
    assert.deepEqual(per, [1, 50, 1]);
  });

  it('is a fault where the format takes one: nothing may be left out in silence', () => {
    assert.throws(() => render('standard', events, newEndpoint('standard'), signing()), RangeError);
  });

  it('leaves out what has no words, and is nothing when none is left', () => {
    const accepted = eventSamples['message.accepted'];
    const meta = newEndpoint('meta');
    assert.deepEqual(
      render('meta', [accepted, ...events], meta, signing()),
      render('meta', events, meta, signing()),
    );
    assert.equal(render('meta', [accepted], meta, signing()), undefined);
  });
});

test("the customer's headers go with every format, but never in place of a signature", () => {
  for (const format of endpointFormats) {
    const proofs = {
      'X-Hub-Signature-256': 'mine',
      'Webhook-Signature': 'mine',
      'X-Connectly-Hmac-SHA256': 'mine',
    };
    const endpoint = newEndpoint(format, { headers: { 'X-Tenant': 'ü', ...proofs } });
    const { headers } = render(format, [eventSamples['message.sent']], endpoint, signing())!;
    assert.equal(headers['X-Tenant'], 'ü');
    const names = Object.keys(headers).map(name => name.toLowerCase());
    assert.equal(new Set(names).size, names.length);
    const own = {
      standard: 'webhook-signature',
      meta: 'x-hub-signature-256',
      connectly: 'x-connectly-hmac-sha256',
    };
    assert.match(headers[own[format]]!, /^(v1,|sha256=)?[A-Za-z0-9+/=]{20,}$/);
  }
});

describe('whatever an event holds', () => {
  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
  const object = fc.dictionary(fc.string(), json) as fc.Arbitrary<JsonObject>;
  const shaken = fc.record({
    type: fc.constantFrom(...types),
    at: fc.double({ min: 0, max: 2 ** 63, noNaN: true }),
  });
  /** A sample with some members of its data replaced by anything, or data and meta of any content. */
  const anyEvent: fc.Arbitrary<StoredEvent> = fc
    .tuple(
      shaken,
      object,
      fc.option(object),
      fc.dictionary(fc.constantFrom(...memberNames()), json),
      fc.boolean(),
    )
    .map(([{ type, at }, data, value, members, whole]) => {
      const sample = eventSamples[type];
      const meta = value === null ? null : { wabaId: '1', time: null, field: 'messages', value };
      if (whole) return { ...sample, at, data, meta };
      return { ...sample, at, data: replaced(sample.data, members) as JsonObject };
    });

  it('is rendered or has no words, always the same, and reads back', () => {
    fc.assert(
      fc.property(anyEvent, fc.constantFrom(...endpointFormats), (event, format) => {
        const endpoint: Endpoint = newEndpoint(format);
        const posting = render(format, [event], endpoint, signing());
        assert.equal(posting !== undefined, hasWords(format, event));
        wantsEvent(endpoint, event);
        if (posting === undefined) return;
        assert.deepEqual(render(format, [event], endpoint, signing()), posting);
        const read = JSON.parse(posting.body) as JsonObject;
        if (format === 'standard') assert.deepEqual(read.data, same(event.data));
        if (format !== 'meta' || event.meta === null) return;
        const [entry] = read.entry as JsonObject[];
        assert.deepEqual((entry!.changes as JsonObject[])[0]!.value, same(event.meta.value));
      }),
      { numRuns: 2_000 },
    );
  });

  function memberNames(): string[] {
    const found = new Set<string>();
    JSON.stringify(Object.values(eventSamples), (name, value: unknown) => {
      found.add(name);
      return value;
    });
    return [...found];
  }

  function replaced(value: Json, members: Record<string, Json>): Json {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(one => replaced(one, members));
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        name,
        Object.hasOwn(members, name) ? members[name]! : replaced(one, members),
      ]),
    );
  }

  /** JSON has no -0. */
  const same = (value: JsonObject) => JSON.parse(JSON.stringify(value)) as JsonObject;
});

describe('secrets', () => {
  it('are new each time and of the form their format takes', () => {
    for (const format of endpointFormats) {
      const [one, other] = [newSecret(format), newSecret(format)];
      assert.notEqual(one, other);
      assert.equal(secretProblem(format, one), undefined);
    }
    assert.match(newSecret('standard'), /^whsec_[A-Za-z0-9+/]{43}=$/);
    assert.match(newSecret('meta'), /^[A-Za-z0-9]{40}$/);
  });

  it('of a customer are refused when a verifier could not take them', () => {
    const bad: [EndpointFormat, string][] = [
      ['standard', 'a'.repeat(40)],
      ['standard', 'whsec_not base64'],
      ['standard', `whsec_${Buffer.alloc(23).toString('base64')}`],
      ['standard', `whsec_${Buffer.alloc(65).toString('base64')}`],
      ['meta', 'short'],
      ['meta', `${'a'.repeat(20)}\n`],
      ['connectly', 'ü'.repeat(20)],
    ];
    for (const [format, secret] of bad) assert.notEqual(secretProblem(format, secret), undefined, secret);
  });
});
