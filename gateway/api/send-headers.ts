/** What goes beside the body of every send, at any door, as the OpenAPI document tells it: repeats, previews, limits. */
import type { LimitState } from '../canonical/key-limit.ts';
import type { Dialect } from '../dialects/dialect.ts';

const idempotencyKey = {
  ...{ name: 'Idempotency-Key', in: 'header', required: false },
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  description:
    'Printable ASCII. For 24 hours, within the tenant, a repeat sends nothing and is answered as the first was, with what has become of ' +
    'the message since and `Idempotency-Replayed: true`. Any other request under the same key is refused (idempotency_mismatch).',
};

const preview = {
  ...{ name: 'preview', in: 'query', required: false, schema: { type: 'boolean', default: false } },
  description: 'Only tell what the send would come to, in the form of previewMessage.',
};

const prefer = {
  ...{ name: 'Prefer', in: 'header', required: false, schema: { type: 'string' } },
  description: '`respond-async`: answer 202 as soon as the message is committed.',
};

/** Parameters beside those of the path. */
export const sendParameters = ({ name }: Dialect, previews: boolean): object[] => [
  idempotencyKey,
  ...(previews ? [] : [preview]),
  ...(name === 'native' ? [prefer] : []),
];

const text = (description: string) => ({ schema: { type: 'string' }, description });

const nothing: LimitState = { perSecond: 0, perMinute: 0, remainingSecond: 0, remainingMinute: 0 };

/** Headers of a send's answers: those of the limit stand on every answer to a known key. */
export function sendAnswerHeaders({ limitHeaders }: Dialect): object {
  const limits = Object.keys(limitHeaders(nothing)).map(name => [
    name,
    text("How the key's limits stand, per second and per minute."),
  ]);
  return {
    ...Object.fromEntries(limits),
    'Idempotency-Replayed': text('`true` on the answer to a repeat under an Idempotency-Key.'),
    'Retry-After': text('Whole seconds until there is room again, where the limit or our capacity refuses.'),
  };
}
