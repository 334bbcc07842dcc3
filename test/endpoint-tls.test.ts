/** An endpoint whose certificate is bad is told nothing, and why is said; once it has a good one, what was kept arrives. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import {
  type Authority,
  type Certificate,
  hasOpenssl,
  newAuthority,
  newSelfSigned,
} from './harness/certificates.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, until } from './harness/tenant.ts';

interface Post {
  headers: Record<string, string>;
  body: string;
}

interface Attempt {
  state: string;
  problem: string | null;
  problemText: string | null;
}

describe('certificates', { skip: !hasOpenssl() && 'no openssl found' }, () => {
  let trusted: Authority;
  let stranger: Authority;
  let place: Place;
  let gateway: Program;
  let tenant: TestTenant;

  before(async () => {
    trusted = newAuthority();
    stranger = newAuthority();
    place = await newPlace('sqlite');
    gateway = await startGateway(place, {
      env: {
        WAGATE_OPERATOR_KEY: operatorKey,
        WAGATE_LOG_LEVEL: 'error',
        WAGATE_WEBHOOK_RETRY_SECONDS: '1,1,1,1',
        NODE_EXTRA_CA_CERTS: trusted.file,
      },
    });
    tenant = await newTenant(gateway, gateway.simulatorUrl);
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
    trusted?.remove();
    stranger?.remove();
  });

  const api = <T>(path: string, body?: unknown) =>
    must<T>(
      call(`${gateway.url}/api/v1${path}`, { key: tenant.key, ...(body === undefined ? {} : { body }) }),
    );

  const cases: [what: string, certificate: () => Certificate, problem: string, sentence: RegExp][] = [
    ['signed by itself', () => newSelfSigned('localhost'), 'tls-unknown', /signed by nobody/],
    ['signed by a stranger', () => stranger.issue('localhost', 1), 'tls-unknown', /signed by nobody/],
    ['of another host', () => trusted.issue('shop.example', 1), 'tls-name', /another host/],
    ['that is over', () => trusted.issue('localhost', -1), 'tls-time', /expired/],
  ];
  for (const [what, certificate, problem, sentence] of cases) {
    test(`a certificate ${what}: nothing is posted, the attempt says so, and a good one gets it all`, async () => {
      const posts: Post[] = [];
      const server = await startServer(certificate(), posts);
      const url = `https://localhost:${(server.address() as AddressInfo).port}/hook`;
      const { id, secret } = await api<{ id: string; secret: string }>('/endpoints', {
        url,
        format: 'standard',
      });
      const { eventId } = await api<{ eventId: string }>(`/endpoints/${id}/test`, { text: 'Grüße' });
      /** The oldest first. */
      const attempts = async () =>
        (await api<{ data: Attempt[] }>(`/endpoints/${id}/attempts?event=${eventId}`)).data.reverse();
      await until(async () => (await attempts())[0]?.state === 'failed');
      const [failed] = await attempts();
      assert.equal(failed!.problem, problem);
      assert.match(failed!.problemText!, sentence);
      assert.equal(posts.length, 0);

      server.setSecureContext(trusted.issue('localhost', 1));
      await until(async () => (await attempts()).at(-1)?.state === 'delivered');
      const before = (await attempts()).slice(0, -1);
      assert.ok(before.every(one => one.state === 'failed' && one.problem === problem));
      assert.equal(posts.length, 1);
      new Webhook(secret).verify(posts[0]!.body, posts[0]!.headers);
      server.closeAllConnections();
      server.close();
    });
  }
});

async function startServer(certificate: Certificate, posts: Post[]): Promise<Server> {
  const server = createServer(certificate, (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.once('end', () => {
      posts.push({ headers: request.headers as Record<string, string>, body });
      response.writeHead(200).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
