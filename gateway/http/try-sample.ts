/** A sample posted to an endpoint while its caller waits: exactly as events are posted, but kept nowhere and tried once. */
import type { Agent } from 'undici';
import { newId } from '../canonical/ids.ts';
import type { Tried } from '../dialects/endpoint-door.ts';
import type { Endpoint } from '../tenants/endpoints.ts';
import { render } from '../webhooks/formats/render.ts';
import { problems } from '../webhooks/outcome.ts';
import { post, sentHeaders } from '../webhooks/post.ts';
import { liveSecrets } from '../webhooks/secrets.ts';

/** Shorter than that of events: somebody waits. */
const timeoutMs = 10_000;
const answerMax = 1_000;

export async function trySample(
  { outbound, now }: { outbound: Agent; now(): number },
  endpoint: Endpoint,
): Promise<Tried> {
  const { tenantId, numberId, format, id, secrets } = endpoint;
  const url = endpoint.url ?? '';
  const at = now();
  const event = {
    ...{ tenantId, id: newId(), type: 'endpoint.test' as const, at, numberId },
    ...{ person: null, messageId: null, meta: null, data: { endpoint: { id }, text: 'This is a test.' } },
  };
  const signing = {
    ...{
      secrets: liveSecrets(secrets, at).map(({ secret }) => secret),
      nowMs: at,
      appSecret: null,
      attempt: 1,
    },
  };
  const posting = render(format, [event], endpoint, signing);
  if (posting === undefined) throw new Error(`the format ${format} has no words for a test`);
  const sent = post(outbound, url, sentHeaders(posting), posting.body, { timeoutMs, now });
  const posted = await sent.done;
  const outcome = posted?.outcome;
  return {
    url,
    status: posted?.answer?.status ?? null,
    problem: outcome?.kind === 'failed' ? problems[outcome.problem] : null,
    answer: (posted?.answer?.body ?? '').slice(0, answerMax),
    tookMs: posted?.tookMs ?? 0,
  };
}
