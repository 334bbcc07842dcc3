import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isObject } from '../../canonical/json.ts';
import { invalid, type Refusal, type RefusalCode } from '../../canonical/refusal.ts';
import { asMetaRejection } from '../meta-rejection.ts';
import { refusalSamples } from '../refusal-samples.ts';
import { connectly } from './connectly.ts';

/** Status, type and code of every refusal. */
const expected: Record<RefusalCode, [status: number, type: string, code: string]> = {
  credential_missing: [401, 'AUTHENTICATION', 'UNSPECIFIED'],
  credential_malformed: [401, 'AUTHENTICATION', 'UNSPECIFIED'],
  credential_invalid: [401, 'AUTHENTICATION', 'UNSPECIFIED'],
  tenant_forbidden: [401, 'AUTHENTICATION', 'UNSPECIFIED'],
  tenant_not_found: [401, 'AUTHENTICATION', 'UNSPECIFIED'],
  number_not_found: [400, 'INVALID_REQUEST', 'BUSINESS_MISSES_MATCHING_CHANNEL'],
  number_forbidden: [400, 'INVALID_REQUEST', 'BUSINESS_MISSES_MATCHING_CHANNEL'],
  number_disconnected: [400, 'FAILED_PRECONDITION', 'UNSPECIFIED'],
  field_invalid: [400, 'INVALID_REQUEST', 'UNSPECIFIED'],
  body_unreadable: [400, 'INVALID_REQUEST', 'UNSPECIFIED'],
  body_too_large: [413, 'INVALID_REQUEST', 'UNSPECIFIED'],
  media_type_unsupported: [415, 'INVALID_REQUEST', 'UNSPECIFIED'],
  route_not_found: [404, 'INVALID_REQUEST', 'UNSPECIFIED'],
  object_not_found: [404, 'INVALID_REQUEST', 'UNSPECIFIED'],
  conflict: [409, 'INVALID_REQUEST', 'UNSPECIFIED'],
  recipient_missing: [400, 'INVALID_REQUEST', 'PHONE_NUMBER_BAD_FORMAT'],
  recipients_empty: [400, 'INVALID_REQUEST', 'PHONE_NUMBER_BAD_FORMAT'],
  template_not_found: [400, 'INVALID_REQUEST', 'MESSAGE_TEMPLATE_NOT_FOUND'],
  template_not_approved: [400, 'INVALID_REQUEST', 'MESSAGE_TEMPLATE_NOT_FOUND'],
  meta_rejected: [400, 'DEADLINE_EXCEEDED', 'MESSAGE_OUTSIDE_OF_ELIGIBILITY_WINDOW'],
  message_ended: [400, 'FAILED_PRECONDITION', 'UNSPECIFIED'],
  answer_pending: [504, 'UNSPECIFIED', 'UNSPECIFIED'],
  meta_unreachable: [502, 'UNSPECIFIED', 'UNSPECIFIED'],
  rate_limited: [429, 'UNSPECIFIED', 'UNSPECIFIED'],
  balance_insufficient: [402, 'FAILED_PRECONDITION', 'UNSPECIFIED'],
  window_closed: [400, 'DEADLINE_EXCEEDED', 'MESSAGE_OUTSIDE_OF_ELIGIBILITY_WINDOW'],
  recipient_opted_out: [400, 'INVALID_REQUEST', 'MESSAGE_CUSTOMER_OPTED_OUT'],
  idempotency_mismatch: [422, 'INVALID_REQUEST', 'UNSPECIFIED'],
  power_missing: [403, 'AUTHENTICATION', 'UNSPECIFIED'],
  callback_failed: [422, 'INVALID_REQUEST', 'UNSPECIFIED'],
  overloaded: [503, 'UNSPECIFIED', 'UNSPECIFIED'],
  credential_unchecked: [503, 'UNSPECIFIED', 'UNSPECIFIED'],
  credential_corrupt: [500, 'UNSPECIFIED', 'UNSPECIFIED'],
  fault: [500, 'UNSPECIFIED', 'UNSPECIFIED'],
};

function refuse(refusal: Refusal) {
  const { status, body, headers } = connectly.refuse(refusal);
  assert.ok(isObject(body));
  return { status, body, headers };
}

for (const [code, [status, type, errorCode]] of Object.entries(expected)) {
  test(`${code} has the documented envelope`, () => {
    const answer = refuse(refusalSamples[code as RefusalCode]);
    const { message, cntTraceId, details } = answer.body;
    assert.deepEqual(Object.keys(answer.body), [
      'message',
      'type',
      'code',
      'userTitle',
      'userMessage',
      'cntTraceId',
      'details',
    ]);
    assert.equal(answer.status, status);
    assert.equal(answer.body.type, `ERROR_TYPE_${type}`);
    assert.equal(answer.body.code, `ERROR_CODE_${errorCode}`);
    assert.equal(answer.body.userTitle, message);
    assert.ok(typeof message === 'string' && message.length > 0 && !message.includes('undefined'));
    assert.ok(typeof cntTraceId === 'string' && BigInt(cntTraceId) < 2n ** 64n);
    assert.ok(isObject(details));
  });
}

test('what is not there is named', () => {
  const { body } = refuse({ code: 'object_not_found', kind: 'campaign', id: 'spring' });
  assert.equal(body.message, 'No such object: campaign spring');
});

test('a wrong field is named, with every other', () => {
  const refusal: Refusal = {
    code: 'field_invalid',
    issues: [
      { path: 'parameters.body_1', rule: 'required', message: 'is required' },
      { path: 'parameters.x', rule: 'enum', message: 'is no parameter' },
    ],
  };
  const { body } = refuse(refusal);
  assert.equal(body.message, 'parameters.body_1 is required; parameters.x is no parameter');
  assert.deepEqual(body.details, {
    field: 'parameters.body_1',
    rule: 'required',
    issues: refusal.issues.map(({ path, rule, message }) => ({ field: path, rule, message })),
  });
});

test('a path of ours beside a documented one keeps its own code', () => {
  const codeOf = (path: string, rule: 'length' | 'required') => refuse(invalid(path, rule, 'x')).body.code;
  assert.equal(codeOf('message.text', 'required'), 'ERROR_CODE_MESSAGE_TEXT_EMPTY');
  assert.equal(codeOf('message.text', 'length'), 'ERROR_CODE_UNSPECIFIED');
  assert.equal(codeOf('message.attachments[0].caption', 'length'), 'ERROR_CODE_UNSPECIFIED');
  assert.equal(codeOf('message.*.header.attachment.url', 'length'), 'ERROR_CODE_MESSAGE_ATTACHMENT_INVALID');
});

test('a template that is being deleted has a code of its own', () => {
  const status = 'PENDING_DELETION';
  const { body } = refuse({ code: 'template_not_approved', template: 'promo', status });
  assert.equal(body.code, 'ERROR_CODE_MESSAGE_TEMPLATE_DELETED');
});

test('overloaded says when to come again', () => {
  assert.deepEqual(refuse(refusalSamples.overloaded).headers, { 'retry-after': '2' });
});

test('a limit says which it was and when to come again', () => {
  const { body, headers } = refuse(refusalSamples.rate_limited);
  assert.equal(body.message, 'This API key may make 80 requests a second; try again in 1 s.');
  assert.deepEqual(body.details, { window: 'sec', limit: 80, retryAfterMs: 250 });
  assert.deepEqual(headers, { 'retry-after': '1' });
});

test('who never wrote has a code of its own', () => {
  const { body } = refuse({ code: 'window_closed', recipient: '905321234567', closedAt: null });
  assert.equal(body.code, 'ERROR_CODE_MESSAGE_CUSTOMER_NO_CONVERSATION_INITIATION');
  assert.equal(body.type, 'ERROR_TYPE_FAILED_PRECONDITION');
  assert.equal(body.message, '905321234567 has not written to this number; send an approved template.');
});

test('the window and the opt-out read alike, whether Meta says no or we', () => {
  for (const early of [refusalSamples.window_closed, refusalSamples.recipient_opted_out]) {
    const { cntTraceId: ours, ...body } = refuse(early).body;
    const { cntTraceId: metas, ...later } = refuse(asMetaRejection(early)).body;
    assert.deepEqual(body, later);
  }
});

test('money is told in whole units for people and in micros for programs', () => {
  const { body } = refuse(refusalSamples.balance_insufficient);
  assert.match(String(body.message), /: 0\.0078 is needed, 0\.001 is available\./);
  assert.deepEqual(body.details, { neededMicros: 7_800, availableMicros: 1_000 });
});

test('the key is X-API-Key, and only that', () => {
  const credential = (headers: Record<string, string>) => connectly.credential({ headers, query: {} });
  assert.equal(credential({ 'x-api-key': ' k ' }), 'k');
  assert.deepEqual(credential({ authorization: 'Bearer k' }), { code: 'credential_missing' });
  assert.deepEqual(credential({ 'x-api-key': '' }), { code: 'credential_missing' });
});
