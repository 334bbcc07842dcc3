/** The clients of event streams: how many, whether their keys still open, and their end when the gateway stops. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { isRefusal } from '../canonical/refusal.ts';
import type { Authenticator, Principal } from '../http/authenticate.ts';
import { mayNot } from '../tenants/key-powers.ts';
import { type EventStream, openEventStream } from './event-stream.ts';

const clientsMax = 200;
const beatMs = 15_000;

export interface StreamClients {
  /** No more can be taken, or nobody any more. */
  isFull(): boolean;
  /** mayStay is asked at every beat: a revoked key, or one that may not do this any more, sees nothing more. */
  open(raw: ServerResponse, mayStay: () => Promise<boolean>, onEnd: () => void): EventStream;
}

export function createStreamClients(listener: FastifyInstance): StreamClients {
  const clients = new Set<EventStream>();
  let closing = false;

  // Streams never end by themselves, and a listener waits for its requests.
  listener.addHook('preClose', done => {
    closing = true;
    for (const client of clients) client.end('closed', { reason: 'The gateway stops.' });
    done();
  });

  return {
    isFull: () => closing || clients.size >= clientsMax,
    open(raw, mayStay, onEnd) {
      const beats = setInterval(() => void beat(), beatMs);
      const client = openEventStream(raw, () => {
        clearInterval(beats);
        clients.delete(client);
        onEnd();
      });
      clients.add(client);

      async function beat(): Promise<void> {
        const stays = await mayStay().catch(() => true);
        if (stays) client.beat();
        else client.end('closed', { reason: 'The key was revoked, changed or expired.' });
      }
      return client;
    },
  };
}

/** Whether a tenant's key may still read what it began to. */
export function keyStays(
  authenticator: Authenticator,
  credential: string,
  ip: string,
  numberIds: Principal['numberIds'],
): () => Promise<boolean> {
  return async () => {
    const principal = await authenticator.tenantKey(credential);
    if (isRefusal(principal)) return principal.code === 'credential_unchecked';
    // Other numbers are another view, which begins with another request.
    const same = String(principal.numberIds) === String(numberIds);
    return same && mayNot(principal.powers, { what: 'read', ip }) === undefined;
  };
}
