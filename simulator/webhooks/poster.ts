import { createHmac } from 'node:crypto';
import { Agent } from 'undici';

export type PostResult = { status: number | null; error: string | null };
export type Poster = ReturnType<typeof createPoster>;

/** Writes to callbacks over kept connections: one agent for all accounts, a pool for each origin. */
export function createPoster() {
  const agent = new Agent({ connections: 64, pipelining: 1, keepAliveTimeout: 30_000 });

  return {
    async post(url: URL, body: string, signature: string, timeoutMs: number): Promise<PostResult> {
      try {
        const response = await agent.request({
          origin: url.origin,
          path: url.pathname + url.search,
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'user-agent': 'facebookexternalua',
            'x-hub-signature-256': signature,
          },
          body,
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
        });
        await response.body.dump();
        return { status: response.statusCode, error: null };
      } catch (error) {
        return { status: null, error: error instanceof Error ? error.message || error.name : String(error) };
      }
    },
    /** Meta verifies a callback before it writes to it (DOC/webhooks/create-webhook-endpoint). */
    async verify(callback: URL, verifyToken: string): Promise<string | undefined> {
      const challenge = String(Math.floor(Math.random() * 2 ** 31));
      const url = new URL(callback);
      url.searchParams.set('hub.mode', 'subscribe');
      url.searchParams.set('hub.challenge', challenge);
      url.searchParams.set('hub.verify_token', verifyToken);
      try {
        const response = await agent.request({
          origin: url.origin,
          path: url.pathname + url.search,
          method: 'GET',
          headersTimeout: 10_000,
          bodyTimeout: 10_000,
        });
        const text = await response.body.text();
        if (response.statusCode !== 200) return `HTTP Status Code = ${response.statusCode}`;
        return text.trim() === challenge ? undefined : 'the challenge was not returned';
      } catch (error) {
        return error instanceof Error ? error.message || error.name : String(error);
      }
    },
    close: () => agent.destroy(),
  };
}

export function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}
