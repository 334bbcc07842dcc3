import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Json, JsonObject } from '../../canonical/json.ts';
import { refuse } from '../../dialects/connectly/refuse.ts';
import type { StoredEvent } from '../event.ts';
import { newEndpoint, signing } from './endpoint-samples.ts';
import { eventSamples } from './event-samples.ts';
import { hasWords, render, wantsEvent } from './render.ts';

const endpoint = newEndpoint('connectly');
const post = (event: StoredEvent, doorData: JsonObject = {}) =>
  render(
    'connectly',
    [event],
    newEndpoint('connectly', { doorData }),
    signing({ secrets: ['shh', 'older'] }),
  )!;
const bodyOf = (event: StoredEvent, doorData: JsonObject = {}) =>
  JSON.parse(post(event, doorData).body) as JsonObject;

function changed(event: StoredEvent, message: JsonObject): StoredEvent {
  return {
    ...event,
    data: { ...event.data, message: { ...(event.data.message as JsonObject), ...message } },
  };
}
const written = (content: JsonObject, more: JsonObject = {}) =>
  changed(eventSamples['message.received'], { content, inReplyTo: null, ...more });
const messageOf = (content: JsonObject) => bodyOf(written(content)).message as JsonObject;

describe("Connectly's delivery status", () => {
  it("is the vendor's example to the byte, signed as it signs", () => {
    // vendor-apis.md §2.6, with callbackData as the page on it describes.
    const event: StoredEvent = {
      ...eventSamples['message.delivered'],
      at: 1_641_513_098_000,
      data: {
        message: {
          id: '01FPW47QF69Y5JZH24605VAKQB',
          to: '16315551234',
          campaign: 'test_campaign_2022-03-12',
          callbackData: '{"orderId":"1"}',
          dialect: 'connectly',
        },
        number: { displayNumber: '+1 604-585-2331' },
      },
      meta: null,
    };
    const { body, headers } = post(event);
    assert.equal(
      body,
      '{"topic":"delivery_status","timestamp":"1641513098","sender":{"id":"+16045852331","channelType":"whatsapp"},' +
        '"recipient":{"id":"+16315551234","channelType":"whatsapp"},' +
        '"statusUpdate":{"id":"01FPW47QF69Y5JZH24605VAKQB","status":"delivered","error":null},' +
        '"metadata":{"campaign_name":"test_campaign_2022-03-12"},"callbackData":{"orderId":"1"}}',
    );
    assert.deepEqual(headers, {
      'content-type': 'text/plain; charset=utf-8',
      'x-connectly-hmac-sha256': createHmac('sha256', 'shh').update(body).digest('base64'),
    });
  });

  it('knows four statuses', () => {
    const status = (type: keyof typeof eventSamples) =>
      hasWords('connectly', eventSamples[type])
        ? (bodyOf(eventSamples[type]).statusUpdate as JsonObject).status
        : null;
    const types = [
      'accepted',
      'sent',
      'delivered',
      'read',
      'played',
      'failed',
      'expired',
      'canceled',
      'uncertain',
    ] as const;
    assert.deepEqual(
      types.map(name => status(`message.${name}`)),
      [...[null, 'sent', 'delivered', 'read', null, 'delivery_failed', 'delivery_failed', null, null]],
    );
  });

  it('tells a failure as the send door tells the same refusal of Meta', () => {
    const { error } = bodyOf(eventSamples['message.failed']).statusUpdate as { error: JsonObject };
    const { code, title, details } = (eventSamples['message.failed'].data.message as { error: JsonObject })
      .error as {
      code: number;
      title: string;
      details: string;
    };
    const atDoor = refuse({
      code: 'meta_rejected',
      messageId: null,
      error: { httpStatus: 400, code, subcode: null, title, details, body: {} },
    }).body as JsonObject;
    assert.deepEqual({ ...error, cntTraceId: '' }, { ...atDoor, cntTraceId: '' });
    assert.equal(error.code, 'ERROR_CODE_MESSAGE_OUTSIDE_OF_ELIGIBILITY_WINDOW');
    assert.match(error.cntTraceId as string, /^\d{1,20}$/);
  });

  it('tells an end of ours with its reason, and the same trace every time', () => {
    const expired = bodyOf(eventSamples['message.expired']);
    const { error } = expired.statusUpdate as { error: JsonObject };
    assert.equal(error.type, 'ERROR_TYPE_FAILED_PRECONDITION');
    assert.equal(error.message, 'The message expired');
    assert.deepEqual(bodyOf(eventSamples['message.expired']), expired);
    const failed = changed(
      { ...eventSamples['message.failed'], meta: null },
      { error: { code: null, reason: 'Why' } },
    );
    assert.equal((bodyOf(failed).statusUpdate as { error: JsonObject }).error.message, 'Why');
  });

  it('gives callbackData back as it came: JSON at its own door, text at the others', () => {
    const given = (callbackData: Json, dialect: string) =>
      bodyOf(changed(eventSamples['message.read'], { callbackData, dialect })).callbackData;
    assert.deepEqual(given('{"a":[1,null]}', 'connectly'), { a: [1, null] });
    assert.equal(given('{"a":[1,null]}', 'native'), '{"a":[1,null]}');
    assert.equal(given('42', 'cloud'), '42');
    assert.equal(
      'callbackData' in bodyOf(changed(eventSamples['message.read'], { callbackData: null })),
      false,
    );
  });

  it('names whoever hides the phone number by the user id', () => {
    const userId = 'US.13491208655302741918';
    const { recipient } = bodyOf(changed(eventSamples['message.read'], { to: userId }));
    assert.deepEqual(recipient, { id: userId, channelType: 'whatsapp', userId, phoneNumber: '' });
  });

  it('has metadata null without a campaign', () => {
    assert.equal(bodyOf(changed(eventSamples['message.read'], { campaign: null })).metadata, null);
  });
});

describe("Connectly's inbound event", () => {
  it("has the members of the vendor's example, and those that clients meet", () => {
    const event: StoredEvent = {
      ...eventSamples['message.received'],
      at: 1_639_083_206_000,
      data: {
        message: {
          id: 'wamid.X',
          from: '16315551234',
          names: ['16315551234'],
          name: 'Ann',
          content: { type: 'text', text: { body: 'Hi' } },
          inReplyTo: null,
        },
        number: { displayNumber: '16045852331' },
      },
    };
    assert.equal(
      post(event).body,
      '{"timestamp":"1639083206","sender":{"id":"+16315551234","channelType":"whatsapp","name":"Ann"},' +
        '"recipient":{"id":"+16045852331","channelType":"whatsapp","name":"+16045852331"},' +
        '"message":{"id":"wamid.X","text":"Hi","attachments":[],"location":null}}',
    );
  });

  it('names a person known by a user id too, as its page on them says', () => {
    const userId = 'US.13491208655302741918';
    const sender = (names: string[]) => bodyOf(written({ type: 'text' }, { from: names[0]!, names })).sender;
    const known = { channelType: 'whatsapp', name: 'Zoë Nelson', userId };
    assert.deepEqual(sender(['16505551234', userId]), {
      id: '+16505551234',
      phoneNumber: '+16505551234',
      ...known,
    });
    assert.deepEqual(sender([userId]), { id: userId, phoneNumber: '', ...known });
  });

  it('has one attachment per medium: the address that Meta told, and its id', () => {
    const media = (type: string, more: JsonObject = {}) =>
      messageOf({
        type,
        [type]: { id: '1003383421387256', mime_type: 'x/y', url: 'https://lookaside.fbsbx.com/x', ...more },
      });
    const at = { url: 'https://lookaside.fbsbx.com/x', id: '1003383421387256' };
    const image = media('image', { caption: 'Taj Mahal' });
    assert.equal(image.text, 'Taj Mahal');
    assert.deepEqual(image.attachments, [{ type: 'image', ...at }]);
    assert.deepEqual(media('document', { filename: 'a.pdf' }).attachments, [
      { type: 'document', ...at, filename: 'a.pdf' },
    ]);
    assert.deepEqual(media('sticker').attachments, [{ type: 'document', ...at }]);
    assert.deepEqual(media('audio', { url: null }).attachments, [{ type: 'audio', ...at, url: '' }]);
  });

  it('tells a pressed button in the words of both generations of clients', () => {
    const button = bodyOf(written({ type: 'button', button: { payload: 'P', text: 'Stop' } }));
    const interactive = (type: string, reply: JsonObject) =>
      bodyOf(written({ type: 'interactive', interactive: { type, [type]: reply } }));
    const replied = interactive('button_reply', { id: 'b', title: 'Yes' });
    const chosen = interactive('list_reply', { id: 'r', title: 'Row', description: 'D' });
    const told = [button, replied, chosen].map(({ message, buttonResponse }) => {
      const { text, isButtonResponse } = message as JsonObject;
      return [text, isButtonResponse, buttonResponse];
    });
    assert.deepEqual(told, [
      ['Stop', true, { id: 'P', text: 'Stop' }],
      ['Yes', true, { id: 'b', text: 'Yes' }],
      ['Row', true, { id: 'r', text: 'Row' }],
    ]);
  });

  it('gives the callbackData of the message that a reply is to', () => {
    assert.deepEqual(bodyOf(eventSamples['message.received']).callbackData, { order: 42 });
    assert.equal('callbackData' in bodyOf(written({ type: 'text' })), false);
  });

  it('has places, referrals, contacts, reactions and the answers of flows', () => {
    const place = {
      latitude: 37.44,
      longitude: -122.16,
      name: 'Philz',
      address: '101 Forest Ave',
      url: 'https://x',
    };
    const { url: _, ...told } = place;
    assert.deepEqual(messageOf({ type: 'location', location: place }).location, told);
    const ad = {
      source_url: 'https://fb.me/x',
      source_id: '1',
      source_type: 'ad',
      ctwa_clid: 'c',
      image_url: 'https://i',
      welcome_message: {},
    };
    assert.deepEqual(messageOf({ type: 'text', text: { body: 'Hi' }, referral: ad }).referral, {
      ...{
        ctwaClid: 'c',
        sourceUrl: 'https://fb.me/x',
        sourceId: '1',
        sourceType: 'ad',
        imageUrl: 'https://i',
      },
    });
    const contacts: JsonObject[] = [
      { name: { formatted_name: 'Lucía Gómez' }, phones: [{ phone: '+1 (983) 555-2319' }, {}] },
      { phones: [{ phone: '2' }] },
    ];
    assert.equal(messageOf({ type: 'contacts', contacts }).text, 'Lucía Gómez +1 (983) 555-2319\n2');
    assert.equal(messageOf({ type: 'reaction', reaction: { message_id: 'w', emoji: '👍' } }).text, '👍');
    const nfm_reply = { name: 'flow', response_json: '{"a":1}', body: 'Sent' };
    assert.equal(
      messageOf({ type: 'interactive', interactive: { type: 'nfm_reply', nfm_reply } }).text,
      '{"a":1}',
    );
  });

  it('is not told of what has no words there', () => {
    for (const type of [
      'system',
      'unsupported',
      'edit',
      'revoke',
      'request_welcome',
      'call_permission_reply',
      'new',
    ])
      assert.equal(hasWords('connectly', written({ type })), false, type);
  });
});

describe('a registration at Connectly', () => {
  const wants = (doorData: JsonObject, event: StoredEvent) =>
    wantsEvent(newEndpoint('connectly', { doorData }), event);
  const { 'message.received': received, 'message.read': read } = eventSamples;

  it('takes the events of its topic; without one, both', () => {
    const both = (doorData: JsonObject) => [received, read].map(event => wants(doorData, event));
    assert.deepEqual(both({ topic: 'messages' }), [true, false]);
    assert.deepEqual(both({ topic: 'delivery_status' }), [false, true]);
    assert.deepEqual(both({}), [true, true]);
  });

  it('takes echoes when it asks for them', () => {
    const sent = changed(eventSamples['message.accepted'], {
      content: { type: 'image', image: { link: 'https://i', caption: 'C' } },
    });
    assert.equal(wants({ topic: 'messages' }, sent), false);
    assert.equal(wants({ topic: 'messages', configuration: { echo: true } }, sent), true);
    assert.equal(wants({ topic: 'delivery_status', configuration: { echo: true } }, sent), false);
    const { sender, recipient, message, callbackData } = bodyOf(sent);
    assert.deepEqual(sender, { id: '+15550783881', channelType: 'whatsapp', name: '+15550783881' });
    assert.equal((recipient as JsonObject).id, '+16505551234');
    assert.deepEqual(message, {
      id: sent.messageId,
      text: 'C',
      attachments: [{ type: 'image', url: 'https://i' }],
      location: null,
      isEcho: true,
    });
    assert.deepEqual(callbackData, { order: 42 });
  });

  it('may leave the channel out', () => {
    const listed = (channelTypes: Json) =>
      wants({ topic: 'messages', configuration: { channelTypes } }, received);
    assert.deepEqual([['whatsapp'], ['sms', 'whatsapp'], [], null, ['sms']].map(listed), [
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  it('filters by campaign, of the message or of what it answers', () => {
    const filtered = (expression: string, event: StoredEvent) =>
      wants({ configuration: { filters: [{ field: 'campaign_name', expression }] } }, event);
    const cases: [string, boolean][] = [
      ...([
        ['prod-*', true],
        ['*november', true],
        ['prod-november', true],
        ['*-*', true],
        ['*', true],
      ] as [string, boolean][]),
      ...([
        ['prod-?ovember', true],
        ['prod', false],
        ['Prod-*', false],
        ['prod.november', false],
        ['', false],
      ] as [string, boolean][]),
    ];
    for (const [expression, isWanted] of cases) {
      assert.equal(filtered(expression, read), isWanted, expression);
      assert.equal(filtered(expression, received), isWanted, expression);
    }
    assert.equal(filtered('prod-*', changed(read, { campaign: null })), false);
    assert.equal(filtered('prod-*', written({ type: 'text' })), false);
  });

  it('takes what any of its filters takes', () => {
    const filters = ['dev-*', 'prod-*'].map(expression => ({ field: 'campaign_name', expression }));
    assert.equal(wants({ configuration: { filters } }, read), true);
  });

  it('answers an expression made to be slow at once', () => {
    const filters = [{ field: 'campaign_name', expression: `${'*a'.repeat(2_000)}b` }];
    const event = changed(read, { campaign: 'a'.repeat(5_000) });
    assert.equal(wants({ configuration: { filters } }, event), false);
  });
});

describe('the test event', () => {
  const test = eventSamples['endpoint.test'];

  it('is told under either topic, and says what it is', () => {
    const message = bodyOf(test, { topic: 'messages' });
    assert.equal((message.message as JsonObject).text, 'A test of this endpoint');
    const status = bodyOf(test, { topic: 'delivery_status' });
    assert.deepEqual(status.statusUpdate, { id: test.id, status: 'delivered', error: null });
    assert.deepEqual(status.metadata, { campaign_name: 'test' });
    for (const topic of ['messages', 'delivery_status'])
      assert.ok(wantsEvent({ ...endpoint, doorData: { topic } }, test));
  });
});
