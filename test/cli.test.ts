/** The commands as a shell sees them: what is printed where, and the exit codes. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from './harness/postgres.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must } from './harness/tenant.ts';

const root = join(import.meta.dirname, '..');

let place: Place;
let gateway: Program;

before(async () => {
  place = await newPlace('sqlite');
  gateway = await startGateway(place, { env: { WAGATE_LOG_LEVEL: 'warn' } });
  await must(
    call(`${gateway.simulatorUrl}/control/settings`, {
      method: 'PUT',
      body: { delays: { sent: 1, delivered: 2, read: 3 } },
    }),
  );
});
after(async () => {
  await gateway.stop();
  await place.remove();
});

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const environment = (more: Record<string, string> = {}) => ({
  PATH: process.env.PATH,
  WAGATE_URL: gateway.url,
  ...place.env,
  ...more,
});

function wagate(args: string[], more: Record<string, string> = {}): Promise<Ended> {
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      ['wagate.js', ...args],
      { cwd: root, env: environment(more) },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    child.stdin?.end();
  });
}

async function json<T>(args: string[], more?: Record<string, string>): Promise<T> {
  const { code, stdout, stderr } = await wagate([...args, '--json'], more);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as T;
}

test('a message is sent and followed until it is read', async () => {
  const { code, stdout, stderr } = await wagate([
    'send',
    '+90 532 123 45 67',
    'Hello',
    '--watch',
    '--campaign',
    'c1',
  ]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /wamid +wamid\..*\n.*queued\n[\s\S]*accepted\n.*sent\n.*delivered\n.*read\n$/);
  const { data } = await json<{ data: { id: string }[] }>([
    'messages',
    'list',
    '--campaign',
    'c1',
    '--since',
    '5m',
  ]);
  assert.equal(data.length, 1);
  const shown = await wagate(['messages', 'show', data[0]!.id]);
  assert.match(shown.stdout, /status +read/);
  assert.match(shown.stdout, /"body": "Hello"/);
});

test('a refusal: one clear text on stderr, exit code 1, the problem as JSON for scripts', async () => {
  const refused = await wagate(['send', '905321234567', '--template', 'no_such', '--json']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^Meta refused.*\(meta_rejected\)\.\n\(#132001\) .*\n$/);
  assert.equal((JSON.parse(refused.stdout) as { code: string }).code, 'meta_rejected');
  const watched = await wagate(['send', '905321234567', '--template', 'no_such', '--async', '--watch']);
  assert.equal(watched.code, 1);
  assert.match(watched.stderr, /is failed\./);
});

for (const [args, sentence] of [
  [['send'], /missing required argument 'to'/],
  [['send', '1', 'text', '--template', 'x'], /Give one of: a text, --template <name>, --body <json>\./],
  [['send', '1', '--body', '{'], /--body must be a JSON object/],
  [['nope'], /unknown command 'nope'/],
  [['key', 'create'], /Give --tenant <id> or set WAGATE_TENANT_ID/],
  [
    ['number', 'add', '--tenant', 't', '--phone-number-id', '1', '--waba-id', '2'],
    /access token is missing[\s\S]*app secret is missing/,
  ],
  [['tail', '--url', 'nowhere'], /must begin with http/],
  [
    ['messages', 'list', '--url', 'http://gateway.example'],
    /No key for http:\/\/gateway\.example: give --key or WAGATE_KEY\./,
  ],
] as const) {
  test(`usage: wagate ${args.join(' ')}`, async () => {
    const { code, stdout, stderr } = await wagate([...args]);
    assert.equal(code, 2);
    assert.match(stderr, sentence);
    assert.equal(stdout, '');
  });
}

test('no gateway: exit code 3 and what to do', async () => {
  const { code, stderr } = await wagate([
    'messages',
    'list',
    '--url',
    `http://127.0.0.1:${await freePort()}`,
  ]);
  assert.equal(code, 3);
  assert.match(stderr, /^No gateway answers at http:\/\/127\.0\.0\.1:\d+; start one with `npm start`\.\n$/);
});

test('the way of an operator: key, tenant, number, API key', async () => {
  const operator = await wagate(['operator', 'create']);
  assert.match(operator.stdout, /^op_\w{32}\n$/);
  const asOperator = { WAGATE_OPERATOR_KEY: operator.stdout.trim() };
  const tenant = await json<{ id: string }>(['tenant', 'create', 'Acme'], asOperator);
  assert.match((await wagate(['tenant', 'list'], asOperator)).stdout, new RegExp(`${tenant.id} +Acme`));
  const of = { ...asOperator, WAGATE_TENANT_ID: tenant.id };

  const account = {
    wabaId: '2099',
    app: { id: '4099', secret: 'secret-of-the-app' },
    accessToken: 'EAAG-of-the-cli',
    webhookUrl: `${gateway.url}/webhooks/meta`,
    phoneNumbers: [{ id: '3099', displayPhoneNumber: '+1 555 3099', verifiedName: 'Acme' }],
  };
  await must(call(`${gateway.simulatorUrl}/control/accounts`, { body: account }));
  const secrets = { META_ACCESS_TOKEN: account.accessToken, META_APP_SECRET: account.app.secret };
  const added = await wagate(['number', 'add', '--phone-number-id', '3099', '--waba-id', '2099'], {
    ...of,
    ...secrets,
  });
  assert.equal(added.code, 0, added.stderr);
  assert.match(added.stdout, /verifyToken +\w{32}/);
  assert.doesNotMatch(added.stdout + added.stderr, /EAAG|secret-of-the-app/);
  const { data } = await json<{ data: { id: number }[] }>(['number', 'list', '--tenant', tenant.id], of);
  const id = String(data[0]!.id);
  assert.match((await wagate(['number', 'connect', id, '--per-second', '20'], of)).stdout, /perSecond +20/);
  assert.match((await wagate(['number', 'pull-templates', id], of)).stdout, /templates +0/);

  const key = await wagate(['key', 'create', '--name', 'shop'], of);
  assert.match(key.stdout, /^pk_\w{32}\n$/);
  const asTenant = { WAGATE_KEY: key.stdout.trim() };
  await must(
    call(`${gateway.simulatorUrl}/control/phones/905321234567/messages`, {
      body: { phone_number_id: '3099', text: 'Hi' },
    }),
  );
  assert.equal((await wagate(['send', '905321234567', 'Hi', '--watch'], asTenant)).code, 0);
  const keys = await json<{ data: { id: string }[] }>(['key', 'list'], of);
  assert.equal((await wagate(['key', 'revoke', keys.data[0]!.id], of)).code, 0);
  assert.equal((await wagate(['messages', 'list'], asTenant)).code, 1);
});

test('a key with limits and powers, changed and rotated; operator keys listed and revoked', async () => {
  const operator = await json<{ key: string }>(['operator', 'create', '--name', 'ada']);
  const asOperator = { WAGATE_OPERATOR_KEY: operator.key };
  const tenant = await json<{ id: string }>(['tenant', 'create', 'Powers', '--prepaid'], asOperator);
  const of = { ...asOperator, WAGATE_TENANT_ID: tenant.id };
  const flags = [
    '--send-only',
    '--template',
    'receipt, promo',
    '--daily-count',
    '5000',
    '--daily-spend',
    '5.07',
  ];
  const made = await wagate(
    ['key', 'create', '--name', 'till', ...flags, '--ip', '10.0.0.0/8', '--per-second', '20'],
    of,
  );
  assert.match(made.stdout, /^pk_\w{32}\n$/, made.stderr);
  const { data } = await json<{ data: { id: string; powers: object; perSecond: number }[] }>(
    ['key', 'list'],
    of,
  );
  const { id, powers, perSecond } = data[0]!;
  assert.deepEqual(powers, {
    access: 'send',
    templates: ['receipt', 'promo'],
    messagesPerDay: 5_000,
    microsPerDay: 5_070_000,
    addresses: ['10.0.0.0/8'],
  });
  assert.equal(perSecond, 20);
  const line =
    /20\/s +send only; templates receipt, promo; 5000 messages a day; 5\.07 a day; from 10\.0\.0\.0\/8/;
  assert.match((await wagate(['key', 'list'], of)).stdout, line);
  const shown = (await wagate(['key', 'show', id], of)).stdout;
  assert.match(shown, /limits +20\/s\npowers +send only;.*\ntoday +0 messages, 0\.00 spent\n/);
  assert.match(
    (await wagate(['key', 'change', id, '--read-only'], of)).stdout,
    /limits +20\/s\npowers +read only\n/,
  );
  const every = await wagate(['key', 'change', id, '--every-power', '--inherit-limits'], of);
  assert.match(every.stdout, /limits +inherited\npowers +every\n/);
  const rotated = await wagate(['key', 'rotate', id, '--overlap', '60'], of);
  assert.match(rotated.stdout, /^pk_\w{32}\n$/);
  assert.match(rotated.stderr, new RegExp(`The one before, …${made.stdout.trim().slice(-4)}, works until`));
  for (const key of [made, rotated])
    assert.equal((await wagate(['messages', 'list'], { WAGATE_KEY: key.stdout.trim() })).code, 0);

  for (const [args, sentence] of [
    [['key', 'create', '--read-only', '--send-only'], /give one of them/],
    [['key', 'create', '--daily-spend', '5.0000001'], /at most six decimals/],
    [['key', 'create', '--template', ','], /must name at least one/],
  ] as const) {
    const { code, stderr } = await wagate([...args], of);
    assert.equal(code, 2);
    assert.match(stderr, sentence);
  }
  const wrong = await wagate(['key', 'create', '--ip', '10.0.0.0/33'], of);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /powers\.addresses\[0\] must be an address or a network/);

  const listed = await wagate(['operator', 'list'], of);
  const ada = new RegExp(`^(\\w{16}) +ada +…${operator.key.slice(-4)} `, 'm').exec(listed.stdout)?.[1];
  assert.ok(ada, listed.stdout);
  assert.equal((await wagate(['operator', 'revoke', ada], of)).code, 0);
  assert.equal((await wagate(['operator', 'list'], of)).code, 1);
});

test('tail prints a line for each change until the gateway ends it', async () => {
  const child = spawn(process.execPath, ['wagate.js', 'tail', '--json'], { cwd: root, env: environment() });
  const lines: string[] = [];
  let heard = () => {};
  child.stdout.on('data', (chunk: Buffer) => {
    lines.push(...chunk.toString().trim().split('\n'));
    heard();
  });
  // It says nothing when it is connected: messages are sent until one is heard of.
  while (lines.length === 0)
    await must(
      call(`${gateway.url}/api/v1/messages`, { key: 'pk_demodemodemodemodemodemodemodemo', body: message }),
    );
  while (!lines.some(line => line.includes('"read"'))) await new Promise<void>(resolve => (heard = resolve));
  const change = JSON.parse(lines[0]!) as Record<string, unknown>;
  assert.equal(change.to, '905321234567');
  child.kill('SIGTERM');
  await once(child, 'exit');
});

const message = { to: '905321234567', type: 'text', text: { body: 'Hi' } };

test('help goes to stdout, with an example', async () => {
  const { code, stdout, stderr } = await wagate(['key', 'create', '--help']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Usage: wagate key create [\s\S]*\nExamples?:\n {2}\$ .*wagate key create/);
});

test('the database of the settings without a server', async () => {
  const versions = await json<{ name: string }[]>(['migrate']);
  assert.equal(versions[0]?.name, 'tenants');
  const wrong = await wagate(['migrate'], { DATABASE_URL: 'mysql://x', WAGATE_TYPO: '1' });
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /DATABASE_URL must begin with postgres.*\n.*WAGATE_TYPO is not a setting/);
});
