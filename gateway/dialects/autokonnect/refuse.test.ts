import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../canonical/json.ts';
import { invalid, type RefusalCode, required } from '../../canonical/refusal.ts';
import { refusalSamples } from '../refusal-samples.ts';
import { autokonnect } from './autokonnect.ts';

/** Status and code of every refusal; null where the page's table has no code. */
const expected: Record<RefusalCode, [status: number, code: string | null]> = {
  credential_missing: [401, 'invalid_auth_header'],
  credential_malformed: [401, 'invalid_auth_header'],
  credential_invalid: [401, 'invalid_api_key'],
  credential_corrupt: [500, null],
  credential_unchecked: [503, 'credential_unchecked'],
  number_not_found: [404, null],
  number_forbidden: [403, 'credential_resource_mismatch'],
  number_disconnected: [400, 'reconnect_waba'],
  tenant_forbidden: [403, 'credential_resource_mismatch'],
  tenant_not_found: [404, 'tenant_not_found'],
  field_invalid: [400, 'invalid_a'],
  body_unreadable: [400, 'invalid_body'],
  body_too_large: [413, 'body_too_large'],
  media_type_unsupported: [415, 'unsupported_media_type'],
  route_not_found: [404, 'route_not_found'],
  recipient_missing: [400, 'missing_recipient'],
  recipients_empty: [400, 'no_valid_recipients'],
  template_not_found: [404, 'template_not_found'],
  template_not_approved: [400, 'template_not_approved'],
  object_not_found: [404, 'object_not_found'],
  conflict: [409, 'conflict'],
  // Of Meta's 131047, which the sample is: the code of our own no for that reason.
  meta_rejected: [422, 'window_closed'],
  answer_pending: [504, 'answer_pending'],
  message_ended: [422, 'message_expired'],
  meta_unreachable: [502, 'meta_unreachable'],
  rate_limited: [429, 'rate_limited'],
  balance_insufficient: [402, 'balance_insufficient'],
  window_closed: [422, 'window_closed'],
  recipient_opted_out: [422, 'recipient_opted_out'],
  idempotency_mismatch: [422, 'idempotency_mismatch'],
  power_missing: [403, 'power_missing'],
  callback_failed: [422, 'callback_failed'],
  overloaded: [503, 'overloaded'],
  fault: [500, null],
};

for (const [name, [status, code]] of Object.entries(expected)) {
  test(`${name} is told as ${status} ${code}`, () => {
    const answer = autokonnect.refuse(refusalSamples[name as RefusalCode]);
    const { message, ...rest } = answer.body as Record<string, Json>;
    assert.equal(answer.status, status);
    assert.deepEqual(rest, code === null ? {} : { code });
    assert.ok(typeof message === 'string' && message.length > 0 && !message.includes('undefined'));
  });
}

test('the sentences of the page stand where it has one, ours name the field', () => {
  const body = (refusal: Parameters<typeof autokonnect.refuse>[0]) => autokonnect.refuse(refusal).body;
  assert.deepEqual(body(required('type')), { code: 'missing_type', message: 'type field is required' });
  assert.deepEqual(body(required('interactive')), {
    code: 'missing_interactive',
    message: 'interactive is required',
  });
  assert.deepEqual(body(invalid('template_id', 'format', 'x')), {
    code: 'invalid_template_id_format',
    message: 'template_id must be a number',
  });
  assert.deepEqual(body(required('components[0].parameters[0].link')), {
    code: 'invalid_components',
    message: 'components[0].parameters[0].link is required',
  });
  assert.deepEqual(body(invalid('Idempotency-Key', 'format', 'must be short')), {
    code: 'invalid_idempotency_key',
    message: 'Idempotency-Key must be short',
  });
  assert.deepEqual(body(invalid('phone_number[1]', 'format', 'must be a phone number')), {
    code: 'invalid_phone_number',
    message: 'phone_number[1] must be a phone number',
  });
});

test('a limit says how long to wait, in the sentence and in Retry-After', () => {
  const { body, headers } = autokonnect.refuse({
    code: 'rate_limited',
    window: 'min',
    limit: 4800,
    retryAfterMs: 36_001,
  });
  assert.deepEqual(headers, { 'retry-after': '37' });
  assert.deepEqual(body, {
    code: 'rate_limited',
    message: 'This API key may make 4800 requests a minute; try again in 37 s.',
  });
});

test("Meta's other refusals keep the general code", () => {
  const { error } = refusalSamples.meta_rejected;
  const { body } = autokonnect.refuse({
    ...refusalSamples.meta_rejected,
    error: { ...error, code: 132000, title: 'Template parameter count mismatch' },
  });
  assert.deepEqual(body, { code: 'meta_rejected', message: '(#132000) Template parameter count mismatch' });
});
