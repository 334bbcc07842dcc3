/** Meta's handshake, which a callback URL has to pass before anything is posted to it (cloud-api.md §7.1). */
import { randomInt } from 'node:crypto';
import { type Dispatcher, request } from 'undici';
import type { Refusal } from '../canonical/refusal.ts';

const timeoutMs = 10_000;
const answerMaxBytes = 1_024;

/** undefined when the URL gave the challenge back; else why not, in Meta's own form where it has one. */
export async function shakeHands(
  outbound: Dispatcher,
  url: string,
  verifyToken: string,
): Promise<Refusal | undefined> {
  const challenge = String(randomInt(1e8, 1e9));
  const target = new URL(url);
  target.searchParams.set('hub.mode', 'subscribe');
  target.searchParams.set('hub.challenge', challenge);
  target.searchParams.set('hub.verify_token', verifyToken);
  const failed = (reason: string): Refusal => ({ code: 'callback_failed', url, reason });
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const { statusCode, statusText, body } = await request(target, { dispatcher: outbound, signal });
    let text = '';
    for await (const part of body as AsyncIterable<Buffer>) {
      text += part.toString('latin1');
      if (text.length > answerMaxBytes) break;
    }
    if (statusCode !== 200) return failed(`HTTP Status Code = ${statusCode}; HTTP Message = ${statusText}`);
    return text.trim() === challenge ? undefined : failed('the answer is not the value of hub.challenge');
  } catch (error) {
    const { name, code, message } = error as Error & { code?: string };
    if (name === 'TimeoutError') return failed('Operation timed out');
    return failed(code ?? message);
  }
}
