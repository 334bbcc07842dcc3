import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Account, PhoneNumber } from '../accounts.ts';
import type { StoredTemplate } from '../templates.ts';
import type { Access } from './access.ts';
import { queryOf } from './body.ts';
import { page, withFields } from './listing.ts';

const phoneDefaults = ['verified_name', 'display_phone_number', 'quality_rating', 'id'];
const accountDefaults = ['id', 'name', 'timezone_id', 'message_template_namespace'];
const templateDefaults = ['name', 'parameter_format', 'components', 'language', 'status', 'category', 'id'];
/** Fields a template may be asked for though ours has none; Graph leaves such a field out. */
const templateFields = Object.fromEntries(
  [
    'sub_category',
    'previous_category',
    'correct_category',
    'quality_score',
    'rejected_reason',
    'source',
    'last_updated_time',
    'library_template_name',
    'message_send_ttl_seconds',
    'cta_url_link_tracking_opted_out',
    'display_format',
    'is_primary_device_delivery_only',
    'health_status',
  ].map(name => [name, undefined]),
);

function phoneObject(phone: PhoneNumber, account: Account): Record<string, unknown> {
  return {
    id: phone.id,
    display_phone_number: phone.displayPhoneNumber,
    verified_name: phone.verifiedName,
    quality_rating: 'GREEN',
    code_verification_status: 'VERIFIED',
    name_status: 'APPROVED',
    status: 'CONNECTED',
    platform_type: 'CLOUD_API',
    host_platform: 'CLOUD_API',
    account_mode: 'LIVE',
    is_official_business_account: false,
    country_dial_code: phone.countryCode,
    throughput: { level: phone.throughput },
    whatsapp_business_manager_messaging_limit: account.messagingLimit,
    messaging_limit_tier: account.messagingLimit,
    health_status: { can_send_message: 'AVAILABLE' },
    webhook_configuration: {
      ...(account.webhookUrl ? { application: account.webhookUrl } : {}),
      ...(account.overrideUrl ? { whatsapp_business_account: account.overrideUrl } : {}),
    },
    username: undefined,
    search_visibility: undefined,
  };
}

function accountObject(account: Account): Record<string, unknown> {
  return {
    id: account.wabaId,
    name: account.name,
    timezone_id: '1',
    message_template_namespace: `namespace_${account.wabaId}`,
    account_review_status: 'APPROVED',
    business_verification_status: 'verified',
    country: 'US',
    currency: 'USD',
    ownership_type: 'SELF',
    status: 'ACTIVE',
    health_status: { can_send_message: 'AVAILABLE' },
    marketing_messages_lite_api_status: 'ONBOARDED',
  };
}

export function registerObjects(app: FastifyInstance, access: Access): void {
  app.get('/:object', request => {
    const { fields } = queryOf(request);
    if (access.isPhone(request)) {
      const { account, phone } = access.phone(request);
      return withFields(phoneObject(phone, account), fields, phoneDefaults, 'WhatsAppBusinessPhoneNumber');
    }
    return withFields(
      accountObject(access.account(request)),
      fields,
      accountDefaults,
      'WhatsAppBusinessAccount',
    );
  });

  app.get('/:object/phone_numbers', request => {
    const account = access.account(request);
    const { fields } = queryOf(request);
    return page(request, account.phoneNumbers, phone =>
      withFields(phoneObject(phone, account), fields, phoneDefaults, 'WhatsAppBusinessPhoneNumber'),
    );
  });

  app.get('/:object/message_templates', request => {
    const account = access.account(request);
    const { fields } = queryOf(request);
    return page(request, account.templates.all().filter(templateFilter(request)), template =>
      withFields(
        { ...templateFields, ...template.object },
        fields,
        templateDefaults,
        'WhatsAppMessageTemplate',
      ),
    );
  });
}

/** name matches by part, as name_or_content does; the others exactly. Several values: commas or a JSON list. */
function templateFilter(request: FastifyRequest): (template: StoredTemplate) => boolean {
  const { name, name_or_content: text, status, language, category } = queryOf(request);
  const within = (asked: string | undefined, value: string) =>
    asked === undefined ||
    asked
      .replace(/[[\]"\s]/g, '')
      .split(',')
      .includes(value);
  return template =>
    (name === undefined || template.name.includes(name)) &&
    (text === undefined || JSON.stringify(template.object).includes(text)) &&
    within(status, template.status) &&
    within(language, template.language) &&
    within(category, template.category);
}
