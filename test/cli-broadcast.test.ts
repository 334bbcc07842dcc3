/** wagate broadcast, as a shell sees it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Broadcasting, startBroadcasting, type ToldBroadcast } from './harness/broadcasting.ts';
import { call } from './harness/programs.ts';
import { must, operatorKey, until } from './harness/tenant.ts';
import { onTerminal, withoutTerminal } from './harness/terminal.ts';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'wagate-broadcast-'));

let place: Broadcasting;

before(async () => {
  place = await startBroadcasting('sqlite');
});
after(async () => {
  await place?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const command = (args: string[]): [string, ...string[]] => [
  process.execPath,
  'wagate.js',
  'broadcast',
  ...args,
];
const env = () => ({ PATH: process.env.PATH, WAGATE_URL: place.gateway.url, WAGATE_KEY: place.tenant.key });

function start(...args: string[]) {
  const [program, ...rest] = command(args);
  const child = spawn(program, rest, { cwd: root, env: env(), stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', part => {
    said.out += String(part);
  });
  child.stderr.on('data', part => {
    said.err += String(part);
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, ...said }));
  return { child, ended, err: () => said.err };
}

const wagate = (...args: string[]) => start(...args).ended;

async function json<T = ToldBroadcast>(...args: string[]): Promise<T> {
  const { code, out, err } = await wagate(...args, '--json');
  assert.equal(code, 0, err);
  return JSON.parse(out) as T;
}

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const hello = ['--template', 'offer', '--param', '{{name|friend}}'];

test('run: people from a file, the forecast, and how it goes until it has ended', async () => {
  const csv = write('people.csv', 'phone,name\n0538 000 00 01,Ayşe\n+905380000002,\n12,x\n');
  const done = await wagate(
    ...[
      'run',
      ...hello,
      '--csv',
      csv,
      '--country',
      'TR',
      '--to',
      '+905380000003',
      '--name',
      'first',
      '--watch',
    ],
  );
  assert.equal(done.code, 0, done.err);
  assert.match(done.err, /^line 4: phone is no phone number of TR$/m);
  assert.match(done.err, /^3 rows: 2 added, 1 not taken\.$/m);
  assert.match(done.err, /^100% {2}completed 3 of 3/m);
  assert.match(done.out, /^messages +3$/m);
  assert.match(done.out, /^state +completed$/m);
  assert.match(done.out, /^taken +3$/m);
  assert.equal((done.err + done.out).includes('\u001b'), false, 'nothing steers a terminal that is none');
  const [one] = (await json<{ data: ToldBroadcast[] }>('list', '--name', 'first')).data;
  assert.equal(one!.state, 'completed');
  const file = join(folder, 'ledger.csv');
  await wagate('recipients', one!.id, '--output', file);
  assert.match(readFileSync(file, 'utf8'), /^905380000001,taken,,[a-z]+,.*Ayşe/m);
  const listed = await wagate('recipients', one!.id, '--state', 'taken');
  assert.match(listed.out, /^905380000003 +taken/m);
});

test('run without anybody makes nothing; what is wrong on the command line is told before anything is made', async () => {
  const nobody = await wagate('run', ...hello, '--name', 'nobody');
  assert.deepEqual([nobody.code, /Nobody would get it/.test(nobody.err)], [1, true], nobody.err);
  for (const [args, code, text] of [
    [['run', ...hello, '--csv', join(folder, 'none.csv')], 2, /cannot be read \(ENOENT\)/],
    [['run', '--to', '+905380000001'], 2, /Give one of: a text, --template/],
    [['run', ...hello, '--quiet', 'night'], 2, /--quiet takes two times of the day/],
    [['run', write('list.json', '[]')], 2, /must hold a JSON object/],
    [['run', ...hello, '--tag', '99'], 1, /names tag 99, which there is not/],
    [['run', ...hello, '--to', '12'], 1, /must be a phone number with its country code/],
  ] as const) {
    const { code: is, err } = await wagate(...args, '--name', 'nobody');
    assert.match(err, text);
    assert.equal(is, code, err);
  }
  assert.match((await wagate('show', 'nobody')).err, /\(object_not_found\)/);
  const { data } = await json<{ data: ToldBroadcast[] }>('list', '--name', 'nobody');
  assert.deepEqual(data, []);
});

test('step by step: create, add, forecast, launch for some, resume, retry, and what cannot be', async () => {
  const body = {
    name: 'steps',
    message: { type: 'template', template: { name: 'offer', language: { code: 'en_US' } } },
  };
  const components = [{ type: 'body', parameters: [{ type: 'text', text: '{{city}}' }] }];
  Object.assign(body.message.template, { components });
  const { id } = await json('create', write('steps.json', JSON.stringify(body)));
  const people = write(
    'people.ndjson',
    '{"phone":"+905380000011","city":"a"}\n{"phone":"+905380000012","city":"b"}\n',
  );
  const added = await wagate('recipients', id, '--add', people);
  assert.match(added.err, /^2 rows: 2 added\.$/m);
  assert.match((await wagate('forecast', id)).out, /^recipients +2$/m);
  await must(
    call(`${place.gateway.simulatorUrl}/control/faults`, {
      body: { match: { to: '905380000011' }, action: { kind: 'status_failed', code: 135000 } },
    }),
  );
  const some = await wagate('launch', id, '--limit', '1', '--watch');
  assert.equal(some.code, 0, some.err);
  assert.match(some.err, /It was launched for 1 messages.* Go on: wagate broadcast resume/);
  const rest = await wagate('resume', id, '--watch');
  assert.equal(rest.code, 0, rest.err);
  await until(async () => (await json('show', id)).progress.counts.failed === 1);
  const shown = await wagate('show', id);
  assert.match(shown.err, /^1 × 135000 Generic user error: Check the parameters of the request\.$/m);
  const failed = await wagate('recipients', id, '--status', 'failed');
  assert.match(failed.out, /^905380000011 +taken +failed +135000 +Generic user error/m);
  const again = await wagate('retry', id, '--watch');
  assert.equal(again.code, 0, again.err);
  assert.match(again.out, new RegExp(`^retry of +${id}$`, 'm'));
  assert.match(again.out, /^recipients +1$/m);
  const refused = await wagate('rm', id);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /Only a draft can be removed; cancel it instead/);
  const draft = await json('create', ...hello);
  assert.equal((await wagate('rm', draft.id)).code, 0);
});

test('Ctrl-C leaves it running; pause and cancel', async () => {
  const phones = Array.from({ length: 30 }, (_, i) => ['--to', `+9053800001${10 + i}`]).flat();
  const running = start('run', ...hello, ...phones, '--per-second', '1', '--name', 'slow', '--watch');
  await until(async () => /running/.test(running.err()));
  running.child.kill('SIGINT');
  const { code, err } = await running.ended;
  assert.equal(code, 0, err);
  const [, id] = /It runs on\. Look again: wagate broadcast show (\S+) --watch/.exec(err) ?? [];
  assert.equal((await json('show', id!)).state, 'running');
  assert.equal((await json('pause', id!)).state, 'paused');
  const watched = await wagate('show', id!, '--watch');
  assert.match(watched.err, /It is paused: somebody asked for it/);
  assert.equal((await json('cancel', id!)).state, 'canceled');
  const ended = await wagate('show', id!, '--watch');
  assert.deepEqual([ended.code, /It was canceled\./.test(ended.err)], [1, true], ended.err);
});

test('on a terminal it asks: only a yes launches', { skip: withoutTerminal }, async () => {
  const ran = async (phone: string, line: string) => {
    const flags = ['run', ...hello, '--to', phone, '--name', `asked ${phone}`];
    const terminal = onTerminal(command(flags), { cwd: root, env: env() });
    await terminal.answer('Send 1 message? (y/N) ', line);
    return terminal.ended;
  };
  for (const line of ['', 'n', 'yess']) {
    const { code, text } = await ran('+905380001001', line);
    assert.equal(code, 1, text);
    assert.match(text, /Not launched, and removed\./);
  }
  assert.equal((await ran('+905380001002', 'y')).code, 0);
  assert.equal((await ran('+905380001003', ' YES ')).code, 0);
  await until(async () => (await place.received()).get('905380001003') === 1);
  const { data } = await place.api<{ data: ToldBroadcast[] }>('/broadcasts');
  const asked = data.filter(({ name }) => name.startsWith('asked'));
  assert.deepEqual(asked.map(({ name }) => name).toSorted(), ['asked +905380001002', 'asked +905380001003']);
});

test('a balance that does not suffice is told before, and ends the watching with what to do', async () => {
  const url = `${place.gateway.url}/api/v1/tenants/${place.tenant.tenantId}`;
  const operate = (path: string, body: unknown, method = 'POST') =>
    must(call(url + path, { key: operatorKey, method, body }));
  await operate('', { billing: 'prepaid' }, 'PATCH');
  await operate('/top-ups', { amount: '0.0011' });
  const done = await wagate('run', ...hello, '--to', '+905380000021', '--to', '+905380000022', '--watch');
  assert.equal(done.code, 1, done.out);
  assert.match(done.err, /The balance covers 0 of 2 messages; then it pauses\. Top up\./);
  assert.match(
    done.err,
    /It is paused: The balance does not cover the next message\. Go on: wagate broadcast resume/,
  );
});
