import type { AccountSpec } from './accounts.ts';
import type { Json } from './rules/check.ts';

// Meta gives an OTP button back as a URL button of this form.
const otpUrl = 'https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp';

/** The same on every machine, so that a README can name it. None of these values is a secret of anybody. */
export const seedAccount: AccountSpec = {
  wabaId: '102290129340398',
  name: 'Wagate Demo',
  app: { id: '236484624622562', secret: 'demo-app-secret-not-for-production' },
  accessToken: 'EAAG-demo-token-not-for-production',
  phoneNumbers: [
    {
      id: '106540352242922',
      displayPhoneNumber: '+1 555-078-3881',
      verifiedName: 'Wagate Demo',
      throughput: 'HIGH',
    },
  ],
  templates: seedTemplates(),
};

function header(format: 'IMAGE' | 'DOCUMENT'): Json {
  return { type: 'HEADER', format, example: { header_handle: ['https://example.com/header'] } };
}

function body(text: string, ...examples: string[]): Json {
  return { type: 'BODY', text, ...(examples.length ? { example: { body_text: [examples] } } : {}) };
}

function buttons(...given: Json[]): Json {
  return { type: 'BUTTONS', buttons: given };
}

function urlButton(text: string, url: string, example: string): Json {
  return { type: 'URL', text, url, example: [example] };
}

function quickReply(text: string): Json {
  return { type: 'QUICK_REPLY', text };
}

function namedBody(text: string, examples: Record<string, string>): Json {
  const named = Object.entries(examples).map(([param_name, example]) => ({ param_name, example }));
  return { type: 'BODY', text, example: { body_text_named_params: named } };
}

function seedTemplates(): Json[] {
  const list: [name: string, category: string, components: Json[], more?: Json][] = [
    [
      'promo_template',
      'MARKETING',
      [
        header('IMAGE'),
        body('Hi {{1}}, our {{2}} is on now!', 'Jo', 'summer sale'),
        buttons(urlButton('Shop now', 'https://example.com/promo/{{1}}', 'https://example.com/promo/summer')),
      ],
    ],
    ['order_confirmation', 'UTILITY', [body('Your order has been confirmed.')]],
    [
      'shipping_update',
      'UTILITY',
      [body('Hi {{1}}, your order {{2}} arrives on {{3}}.', 'Jo', 'A-1042', 'Friday')],
    ],
    [
      'promo_announcement',
      'MARKETING',
      [
        header('IMAGE'),
        body('Hello {{1}}, enjoy {{2}} off today.', 'Jo', '20%'),
        buttons(
          urlButton('See the offer', 'https://example.com/offers/{{1}}', 'https://example.com/offers/20'),
        ),
      ],
    ],
    [
      'otp_verification',
      'AUTHENTICATION',
      [
        {
          type: 'BODY',
          text: '*{{1}}* is your verification code.',
          add_security_recommendation: false,
          example: { body_text: [['123456']] },
        },
        buttons(urlButton('Copy code', `${otpUrl}{{1}}`, `${otpUrl}123456`)),
      ],
    ],
    ['weekly_newsletter', 'MARKETING', [body('This week: {{1}}. Reply STOP to leave.', 'five new recipes')]],
    [
      'welcome_message_v2',
      'MARKETING',
      [header('IMAGE'), body('Welcome! We are glad you are here.')],
      { language: 'en' },
    ],
    [
      'hello_world',
      'UTILITY',
      [
        { type: 'HEADER', format: 'TEXT', text: 'Hello World' },
        body('Welcome and congratulations!! This message shows that your setup works.'),
        { type: 'FOOTER', text: 'WhatsApp Business Platform sample message' },
      ],
    ],
    [
      'sample_issue_resolution',
      'UTILITY',
      [
        body('Hi {{1}}, were we able to solve the issue that you were facing?', 'Mr. Jones'),
        buttons(quickReply('Yes'), quickReply('No')),
      ],
    ],
    [
      'sample_shipping_confirmation',
      'UTILITY',
      [body('Your package has been shipped. It will be delivered in {{1}} business days.', '3')],
    ],
    [
      'appointment_reminder',
      'UTILITY',
      [namedBody('Hi {{first_name}}, we expect you on {{day}}.', { first_name: 'Jo', day: 'Monday' })],
      { parameter_format: 'NAMED' },
    ],
    ['document_notice', 'UTILITY', [header('DOCUMENT'), body('Your document {{1}} is attached.', 'A-1042')]],
    [
      'store_location',
      'MARKETING',
      [{ type: 'HEADER', format: 'LOCATION' }, body('Visit our new store in {{1}} today.', 'Izmir')],
    ],
    ['paused_offer', 'MARKETING', [body('An offer nobody wanted.')], { status: 'PAUSED' }],
    ['pending_notice', 'UTILITY', [body('A notice that waits for review.')], { status: 'PENDING' }],
    [
      'rejected_notice',
      'UTILITY',
      [body('A notice that was refused.')],
      { status: 'REJECTED', rejected_reason: 'INVALID_FORMAT' },
    ],
  ];
  return list.map(([name, category, components, more], index) => ({
    id: `10000000000000${String(index + 1).padStart(2, '0')}`,
    name,
    category,
    language: 'en_US',
    status: 'APPROVED',
    parameter_format: 'POSITIONAL',
    components,
    ...more,
  }));
}
