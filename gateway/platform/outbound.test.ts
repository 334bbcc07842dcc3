/** Nothing private is reached through a customer's URL, whatever it is written as and whatever its name points to. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Blocked, checkTarget, createOutbound, isPublic, type Resolve, targetRules } from './outbound.ts';

const strict = targetRules([], false);
const names: Record<string, string[]> = {
  'public.example': ['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'],
  'inside.example': ['10.1.2.3'],
  'mixed.example': ['93.184.216.34', '127.0.0.1'],
  'empty.example': [],
};
const resolve: Resolve = async hostname => {
  const found = names[hostname];
  if (found === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
  return found;
};

const inside = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.0.1'],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.88.99.1', '192.168.1.1'],
  ...['198.18.0.1', '198.19.255.255', '224.0.0.1', '239.1.1.1', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::1'],
  ...['2002:7f00:1::', '2001::1', '2001:db8::1', 'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fec0::1', 'ff02::1'],
];
const outside = [
  ...['8.8.8.8', '100.63.255.255', '100.128.0.0', '172.15.0.1', '172.32.0.1', '192.0.1.1', '198.17.0.1'],
  ...['198.20.0.1', '223.255.255.255', '2606:4700:4700::1111', '2a00:1450:4001:800::200e'],
];

test('addresses', () => {
  assert.deepEqual(inside.filter(isPublic), []);
  assert.deepEqual(
    outside.filter(address => !isPublic(address)),
    [],
  );
  assert.equal(isPublic('fe80::1%eth0'), false);
  assert.equal(isPublic('example.com'), false);
});

describe('a URL that is saved', () => {
  const refused: [url: string, says: RegExp][] = [
    ['no url', /must begin with https/],
    ['ftp://public.example/', /must begin with https/],
    ['http://public.example/', /must begin with https/],
    ['https://user:secret@public.example/', /user name or password/],
    ['https://public.example/#part', /fragment/],
    ['https://inside.example/', /10\.1\.2\.3 is not a public address/],
    ['https://mixed.example/', /127\.0\.0\.1 is not a public address/],
    ['https://empty.example/', /has no address/],
    ['https://nowhere.example/', /cannot be resolved \(ENOTFOUND\)/],
    ['https://127.0.0.1/', /not a public address/],
    // All of them are ways to write 127.0.0.1.
    ['https://2130706433/', /127\.0\.0\.1 is not/],
    ['https://0x7f.1/', /127\.0\.0\.1 is not/],
    ['https://0177.0.0.1/', /127\.0\.0\.1 is not/],
    ['https://①②⑦.0.0.1/', /127\.0\.0\.1 is not/],
    ['https://[::ffff:127.0.0.1]/', /not a public address/],
    ['https://[::1]:8443/', /::1 is not/],
    ['https://[fe80::1]/', /not a public address/],
  ];
  for (const [url, says] of refused)
    test(`refused: ${url}`, async () => assert.match((await checkTarget(url, strict, resolve)) ?? '', says));

  test('allowed: https to what is public, with a port and a query', async () => {
    assert.equal(await checkTarget('https://public.example:8443/hook?a=b', strict, resolve), undefined);
  });
  test('allowed: private networks the operator names, these also by http', async () => {
    const rules = targetRules(['10.0.0.0/8'], false);
    assert.equal(await checkTarget('http://inside.example/', rules, resolve), undefined);
    assert.match((await checkTarget('http://public.example/', rules, resolve)) ?? '', /https/);
    assert.match((await checkTarget('https://127.0.0.1/', rules, resolve)) ?? '', /not a public/);
  });
  test('allowed: http where the setting says so', async () => {
    assert.equal(await checkTarget('http://public.example/', targetRules([], true), resolve), undefined);
  });
  test('localhost is known without a name server', async () => {
    assert.match((await checkTarget('https://localhost/', strict)) ?? '', /127\.0\.0\.1 is not/);
    assert.match((await checkTarget('https://a.localhost/', strict)) ?? '', /127\.0\.0\.1 is not/);
  });
});

describe('a connection', () => {
  let server: Server;
  let port: number;
  let reached = 0;
  before(async () => {
    server = createServer((_, response) => {
      reached++;
      response.end('ok');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  after(() => server.close());

  async function get(url: string, networks: string[], resolving: Resolve): Promise<number> {
    const agent = createOutbound({
      rules: targetRules(networks, true),
      connectTimeoutMs: 5_000,
      resolve: resolving,
    });
    try {
      const { statusCode, body } = await agent.request({
        origin: new URL(url).origin,
        path: '/',
        method: 'GET',
      });
      await body.dump();
      return statusCode;
    } finally {
      await agent.destroy();
    }
  }

  test('to a literal address is checked though nothing is looked up', async () => {
    await assert.rejects(get(`http://127.0.0.1:${port}`, [], resolve), Blocked);
    await assert.rejects(get(`http://[::ffff:127.0.0.1]:${port}`, [], resolve), Blocked);
    assert.equal(reached, 0);
  });

  test('to a name that pointed elsewhere when it was saved', async () => {
    const answers = [['93.184.216.34'], ['127.0.0.1']];
    const rebinding: Resolve = async () => answers.shift() ?? [];
    assert.equal(await checkTarget('https://rebinding.example/', strict, rebinding), undefined);
    await assert.rejects(get(`http://rebinding.example:${port}`, [], rebinding), Blocked);
    assert.equal(reached, 0);
  });

  test('to a name with one address inside', async () => {
    await assert.rejects(get(`http://mixed.example:${port}`, [], resolve), Blocked);
  });

  test('where the operator allows it', async () => {
    assert.equal(await get(`http://127.0.0.1:${port}`, ['127.0.0.0/8'], resolve), 200);
    assert.equal(await get(`http://local.example:${port}`, ['127.0.0.1'], async () => ['127.0.0.1']), 200);
    assert.equal(reached, 2);
  });

  test('many origins leave nothing behind', async () => {
    const agent = createOutbound({
      rules: targetRules(['127.0.0.0/8'], true),
      connectTimeoutMs: 5_000,
      resolve: async () => ['127.0.0.1'],
    });
    for (let n = 0; n < 50; n++) {
      const { body } = await agent.request({
        origin: `http://n${n}.example:${port}`,
        path: '/',
        method: 'GET',
        headers: { connection: 'close' },
        reset: true,
      });
      await body.dump();
    }
    // Each is forgotten when its connection has closed, of which the agent tells.
    while (Object.keys(agent.stats).length > 0) await once(agent, 'disconnect');
    assert.deepEqual(agent.stats, {});
    await agent.close();
  });
});
