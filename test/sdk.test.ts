/**
 * A Cloud API SDK from npm, unmodified: whatever it can send reaches the phone as it was meant, and its errors are Meta's. It writes
 * `contacts` as JSON text and pins a version of its own. docs/dialects/cloud.md tells of the others that were tried.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WhatsAppAPI } from 'whatsapp-api-js';
import {
  ActionButtons,
  ActionCallPermission,
  ActionCatalog,
  ActionContactRequest,
  ActionCTA,
  ActionList,
  ActionLocation,
  ActionNavigateFlow,
  ActionProductList,
  Audio,
  Birthday,
  Body,
  BodyComponent,
  BodyParameter,
  Button,
  Contacts,
  Document,
  Email,
  Footer,
  Header,
  HeaderComponent,
  HeaderParameter,
  Image,
  Interactive,
  ListSection,
  Location,
  Name,
  Organization,
  PayloadComponent,
  Phone,
  Product,
  ProductSection,
  Reaction,
  Row,
  Sticker,
  Template,
  Text,
  URLComponent,
  Video,
} from 'whatsapp-api-js/messages';
import type { ClientMessage, ServerMessageResponse } from 'whatsapp-api-js/types';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant } from './harness/tenant.ts';

const phone = '905321234567';
const userId = 'US.13491208655302741918';
const photo = 'https://example.com/photo.jpg';

describe('whatsapp-api-js', () => {
  let place: Place;
  let gateway: Program;
  let tenant: TestTenant;
  /** A message the phone sent us. */
  let incoming: string;

  before(async () => {
    place = await newPlace('sqlite');
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'warn' },
    });
    tenant = await newTenant(gateway, gateway.simulatorUrl, { templates });
    const written = call<{ wamid: string }>(`${gateway.simulatorUrl}/control/phones/${phone}/messages`, {
      body: { phone_number_id: tenant.phoneNumberId, type: 'text', text: { body: 'Hi' } },
    });
    incoming = (await must<{ wamid: string }>(written)).wamid;
    await must(call(`${gateway.simulatorUrl}/control/idle?timeout_ms=10000`));
  });

  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  /** The SDK has no base URL of its own, but takes a `fetch`: this one only changes the host. */
  const client = (token = tenant.key) =>
    new WhatsAppAPI({
      token,
      v: 'v24.0',
      secure: false,
      ponyfill: {
        fetch: (url, init) => fetch(String(url).replace('https://graph.facebook.com', gateway.url), init),
      },
    });

  function wamidOf(answer: ServerMessageResponse): string {
    assert.ok('messages' in answer, JSON.stringify(answer));
    return answer.messages[0].id;
  }

  /** What Meta received for a phone, without our own id. */
  async function received(wamid: string): Promise<Record<string, unknown>> {
    const message = await must<{ body: Record<string, unknown> }>(
      call(`${gateway.simulatorUrl}/control/received/${encodeURIComponent(wamid)}`),
    );
    const { biz_opaque_callback_data, ...body } = message.body;
    assert.match(String(biz_opaque_callback_data), /^[0-9A-HJKMNP-TV-Z]{26}$/);
    return body;
  }

  const body = new Body('Choose');
  const interactive = (type: string, action: object, more: object = {}) => ({
    interactive: { type, action, body: { text: 'Choose' }, ...more },
  });
  const template = (name: string, components?: object[]) => ({
    template: {
      name,
      language: { code: 'en_US', policy: 'deterministic' },
      ...(components === undefined ? {} : { components }),
    },
  });

  const sends: [about: string, message: () => ClientMessage, arrives: () => Record<string, unknown>][] = [
    ['text', () => new Text('Hi', true), () => ({ text: { body: 'Hi', preview_url: true } })],
    ['image by link', () => new Image(photo, false, 'c'), () => ({ image: { link: photo, caption: 'c' } })],
    ['image by id', () => new Image('1234567890', true), () => ({ image: { id: '1234567890' } })],
    [
      'document',
      () => new Document('1234567890', true, 'c', 'a.pdf'),
      () => ({ document: { id: '1234567890', caption: 'c', filename: 'a.pdf' } }),
    ],
    [
      'audio',
      () => new Audio('1234567890', true, true),
      () => ({ audio: { id: '1234567890', voice: true } }),
    ],
    [
      'video',
      () => new Video('1234567890', true, 'c'),
      () => ({ video: { id: '1234567890', caption: 'c' } }),
    ],
    ['sticker', () => new Sticker('1234567890', true), () => ({ sticker: { id: '1234567890' } })],
    [
      'location',
      () => new Location(28.9784, 41.0082, 'Istanbul', 'Fatih'),
      () => ({ location: { longitude: 28.9784, latitude: 41.0082, name: 'Istanbul', address: 'Fatih' } }),
    ],
    [
      'contacts',
      () =>
        new Contacts([
          new Name('Jo Doe', 'Jo'),
          new Phone('+905321112233', 'CELL', '905321112233'),
          new Email('jo@example.com', 'WORK'),
          new Birthday('1990', '01', '02'),
          new Organization('Shop'),
        ]),
      () => ({
        contacts: [
          {
            name: { formatted_name: 'Jo Doe', first_name: 'Jo' },
            phones: [{ phone: '+905321112233', type: 'CELL', wa_id: '905321112233' }],
            emails: [{ email: 'jo@example.com', type: 'WORK' }],
            birthday: '1990-01-02',
            org: { company: 'Shop' },
          },
        ],
      }),
    ],
    [
      'reaction',
      () => new Reaction(incoming, '👍'),
      () => ({ reaction: { message_id: incoming, emoji: '👍' } }),
    ],
    [
      'reaction taken back',
      () => new Reaction(incoming),
      () => ({ reaction: { message_id: incoming, emoji: '' } }),
    ],
    [
      'buttons',
      () =>
        new Interactive(
          new ActionButtons(new Button('y', 'Yes'), new Button('n', 'No')),
          body,
          new Header(new Image(photo)),
          new Footer('Shop'),
        ),
      () =>
        interactive(
          'button',
          {
            buttons: [
              { type: 'reply', reply: { id: 'y', title: 'Yes' } },
              { type: 'reply', reply: { id: 'n', title: 'No' } },
            ],
          },
          { header: { type: 'image', image: { link: photo } }, footer: { text: 'Shop' } },
        ),
    ],
    [
      'list',
      () =>
        new Interactive(
          new ActionList(
            'Open',
            new ListSection('Sizes', new Row('s', 'Small', 'Fits'), new Row('l', 'Large')),
          ),
          body,
          new Header('Shop'),
        ),
      () =>
        interactive(
          'list',
          {
            button: 'Open',
            sections: [
              {
                title: 'Sizes',
                rows: [
                  { id: 's', title: 'Small', description: 'Fits' },
                  { id: 'l', title: 'Large' },
                ],
              },
            ],
          },
          { header: { type: 'text', text: 'Shop' } },
        ),
    ],
    [
      'button that opens a page',
      () => new Interactive(new ActionCTA('Open', 'https://example.com'), body),
      () =>
        interactive('cta_url', {
          name: 'cta_url',
          parameters: { display_text: 'Open', url: 'https://example.com' },
        }),
    ],
    [
      'flow',
      () => new Interactive(new ActionNavigateFlow('token', '1234567890', 'Book', 'START', { day: 1 }), body),
      () =>
        interactive('flow', {
          name: 'flow',
          parameters: {
            mode: 'published',
            flow_message_version: '3',
            flow_token: 'token',
            flow_id: '1234567890',
            flow_cta: 'Book',
            flow_action: 'navigate',
            flow_action_payload: { screen: 'START', data: { day: 1 } },
          },
        }),
    ],
    [
      'catalog',
      () => new Interactive(new ActionCatalog(new Product('sku-1')), body),
      () =>
        interactive('catalog_message', {
          name: 'catalog_message',
          parameters: { thumbnail_product_retailer_id: 'sku-1' },
        }),
    ],
    [
      'products',
      () =>
        new Interactive(
          new ActionProductList('1234567890', new ProductSection('New', new Product('sku-1'))),
          body,
          new Header('Shop'),
        ),
      () =>
        interactive(
          'product_list',
          {
            catalog_id: '1234567890',
            sections: [{ title: 'New', product_items: [{ product_retailer_id: 'sku-1' }] }],
          },
          { header: { type: 'text', text: 'Shop' } },
        ),
    ],
    [
      'location request',
      () => new Interactive(new ActionLocation(), body),
      () => interactive('location_request_message', { name: 'send_location' }),
    ],
    [
      'call permission request',
      () => new Interactive(new ActionCallPermission(), body),
      () => interactive('call_permission_request', { name: 'call_permission_request' }),
    ],
    [
      'contact request',
      () => new Interactive(new ActionContactRequest(), body),
      () => interactive('request_contact_info', { name: 'request_contact_info' }),
    ],
    ['template', () => new Template('hello', 'en_US'), () => template('hello')],
    [
      'template with parameters',
      () =>
        new Template(
          'offer',
          'en_US',
          new HeaderComponent(new HeaderParameter(new Image(photo))),
          new BodyComponent(new BodyParameter('Jo')),
          new URLComponent('summer'),
          new PayloadComponent('stop'),
        ),
      () =>
        template('offer', [
          { type: 'header', parameters: [{ type: 'image', image: { link: photo } }] },
          { type: 'body', parameters: [{ type: 'text', text: 'Jo' }] },
          { type: 'button', sub_type: 'url', index: 0, parameters: [{ type: 'text', text: 'summer' }] },
          {
            type: 'button',
            sub_type: 'quick_reply',
            index: 1,
            parameters: [{ type: 'payload', payload: 'stop' }],
          },
        ]),
    ],
  ];
  for (const [about, message, arrives] of sends) {
    it(`sends: ${about}`, async () => {
      const sent = message();
      const wamid = wamidOf(await client().sendMessage(tenant.phoneNumberId, phone, sent));
      assert.deepEqual(await received(wamid), {
        messaging_product: 'whatsapp',
        recipient_type: 'individual',
        to: phone,
        type: sent._type,
        ...arrives(),
      });
    });
  }

  it('a reply, with a value of its own', async () => {
    const answer = await client().sendMessage(tenant.phoneNumberId, phone, new Text('Re'), incoming, 'mine');
    assert.deepEqual((await received(wamidOf(answer))).context, { message_id: incoming });
  });

  it('to a user id, to a phone with one, to a group', async () => {
    const text = new Text('Hi');
    const toUser = await client().sendMessage(tenant.phoneNumberId, { bsuid: userId }, text);
    assert.equal((await received(wamidOf(toUser))).recipient, userId);
    const toBoth = await client().sendMessage(tenant.phoneNumberId, { phone, bsuid: userId }, text);
    assert.equal((await received(wamidOf(toBoth))).to, phone);
    const toGroup = await client().sendMessage(tenant.phoneNumberId, { group: 'Y2FwaV9ncm91cA' }, text);
    const { to, recipient_type } = await received(wamidOf(toGroup));
    assert.deepEqual({ to, recipient_type }, { to: 'Y2FwaV9ncm91cA', recipient_type: 'group' });
  });

  it('a broadcast', async () => {
    const phones = ['905320000001', '905320000002', '905320000003'];
    const answers = await Promise.all(
      client().broadcastMessage(tenant.phoneNumberId, phones, new Text('All'), 50, 0),
    );
    const bodies = await Promise.all(answers.map(answer => received(wamidOf(answer))));
    assert.deepEqual(
      bodies.map(({ to }) => to),
      phones,
    );
  });

  it('a body in chunks, as the SDK Meta once published writes it', async () => {
    const json = JSON.stringify({
      messaging_product: 'whatsapp',
      to: Number(phone),
      type: 'text',
      text: { body: 'Hi' },
    });
    const response = await fetch(`${gateway.url}/v16.0/${tenant.phoneNumberId}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tenant.key}`, 'content-type': 'application/json' },
      body: new Blob([json]).stream(),
      duplex: 'half',
    });
    assert.equal((await received(wamidOf((await response.json()) as ServerMessageResponse))).to, phone);
  });

  it('marks as read, and types', async () => {
    assert.deepEqual(await client().markAsRead(tenant.phoneNumberId, incoming), { success: true });
    assert.deepEqual(await client().markAsRead(tenant.phoneNumberId, incoming, 'text'), { success: true });
    const written = await must<Record<string, unknown>>(
      call(`${gateway.simulatorUrl}/control/written/${encodeURIComponent(incoming)}`),
    );
    assert.ok(written.readAt && written.typingAt, JSON.stringify(written));
  });

  describe("tells Meta's errors", () => {
    const text = new Text('Hi');
    /** Longer than the SDK itself would let through. */
    const long = Object.assign(new Text('Hi'), { body: 'x'.repeat(4097) });
    for (const [about, send, code, message] of [
      [
        'a key nobody has',
        () => client('EAAG').sendMessage(tenant.phoneNumberId, phone, text),
        190,
        'Invalid OAuth access token - Cannot parse access token',
      ],
      [
        'a number nobody has',
        () => client().sendMessage('999', phone, text),
        100,
        /^Unsupported post request\. Object with ID '999' does not exist/,
      ],
      [
        'no phone number',
        () => client().sendMessage(tenant.phoneNumberId, 'Jo', text),
        131009,
        '(#131009) Parameter value is not valid',
      ],
      [
        'too long a text',
        () => client().sendMessage(tenant.phoneNumberId, phone, long),
        100,
        "(#100) Param text['body'] must be at most 4096 characters long.",
      ],
      [
        'a template that is not there',
        () => client().sendMessage(tenant.phoneNumberId, phone, new Template('nope', 'en_US')),
        132001,
        '(#132001) Template name does not exist in the translation',
      ],
      [
        'a message that never came in',
        () => client().markAsRead(tenant.phoneNumberId, 'wamid.nope'),
        131009,
        '(#131009) Parameter value is not valid',
      ],
    ] as const) {
      it(about, async () => {
        const answer = await send();
        assert.ok('error' in answer && answer.error !== undefined, JSON.stringify(answer));
        assert.equal(answer.error.code, code);
        if (typeof message === 'string') assert.equal(answer.error.message, message);
        else assert.match(answer.error.message, message);
        assert.match(answer.error.fbtrace_id, /^A[\w-]{10,}$/);
      });
    }
  });
});

const templates = [
  { name: 'hello', category: 'UTILITY', components: [{ type: 'BODY', text: 'Hello.' }] },
  {
    name: 'offer',
    category: 'MARKETING',
    components: [
      { type: 'HEADER', format: 'IMAGE' },
      { type: 'BODY', text: 'Hi {{1}}, our sale is on!' },
      {
        type: 'BUTTONS',
        buttons: [
          { type: 'URL', text: 'Open', url: 'https://example.com/{{1}}' },
          { type: 'QUICK_REPLY', text: 'Stop' },
        ],
      },
    ],
  },
].map(template => ({ ...template, language: 'en_US', status: 'APPROVED' }));
