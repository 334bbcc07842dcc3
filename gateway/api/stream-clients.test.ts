import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { mock, test } from 'node:test';
import Fastify from 'fastify';
import type { Refusal } from '../canonical/refusal.ts';
import type { Authenticator, Principal } from '../http/authenticate.ts';
import { createStreamClients, keyStays } from './stream-clients.ts';

const principal = { tenantId: 'a', numberIds: [7], powers: {} } as unknown as Principal;

/** What the key is found to be, one look after the other. */
const lookups = (...found: (Principal | Refusal | Error)[]): Authenticator =>
  ({
    tenantKey: async () => {
      const next = found.shift();
      if (next instanceof Error) throw next;
      return next;
    },
  }) as unknown as Authenticator;

async function heard(t: { after(work: () => unknown): void }, authenticator: Authenticator, beats: number) {
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const listener = Fastify();
  t.after(() => listener.close());
  const clients = createStreamClients(listener);
  const opened = Promise.withResolvers<void>();
  let left = 0;
  listener.get('/', (_, reply) => {
    reply.hijack();
    clients.open(reply.raw, keyStays(authenticator, 'pk', '127.0.0.1', [7]), () => left++);
    opened.resolve();
  });
  const url = await listener.listen({ port: 0, host: '127.0.0.1' });
  const answer = await fetch(url);
  await opened.promise;
  for (let beat = 0; beat < beats; beat++) {
    mock.timers.tick(15_000);
    await new Promise(setImmediate);
  }
  assert.equal(left, 1);
  return text(answer.body!);
}

test('whose key was revoked hears no more, and is told', async t => {
  const told = await heard(t, lookups(principal, { code: 'credential_invalid' }), 2);
  assert.match(
    told,
    /: beat\n\nevent: closed\ndata: \{"reason":"The key was revoked, changed or expired\."\}/,
  );
});

test('a key that is for other numbers now has another view', async t => {
  const told = await heard(t, lookups({ ...principal, numberIds: [8] }), 1);
  assert.match(told, /event: closed/);
});

test('while keys cannot be looked up the stream stays', async t => {
  const away = { code: 'credential_unchecked' } as Refusal;
  const told = await heard(t, lookups(away, new Error('away'), { code: 'credential_invalid' }), 3);
  assert.equal(told.match(/: beat/g)?.length, 2);
});
