/** `wagate serve --workers N`: several processes behind one port, started, replaced and ended together. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import {
  call,
  newPlace,
  type Place,
  type Program,
  type StartedProgram,
  startGateway,
  startSimulator,
} from './harness/programs.ts';
import {
  must,
  type NativeMessage,
  newTenant,
  operatorKey,
  type TestTenant,
  until,
} from './harness/tenant.ts';

const root = join(import.meta.dirname, '..');
const skip = process.env.WAGATE_TEST_POSTGRES === undefined && 'no PostgreSQL server program found';

describe('on PostgreSQL', { skip }, () => {
  let simulator: Program;
  let place: Place;
  let gateway: StartedProgram;
  let tenant: TestTenant;
  let sql: pg.Client;

  before(async () => {
    simulator = await startSimulator();
  });
  after(() => simulator.stop());

  beforeEach(async () => {
    place = await newPlace('postgres');
    const env = {
      WAGATE_WORKERS: '2',
      WAGATE_MODE: 'live',
      META_GRAPH_URL: simulator.url,
      META_TIMEOUT_MS: '2000',
      WAGATE_OPERATOR_KEY: operatorKey,
    };
    gateway = await startGateway(place, { env });
    tenant = await newTenant(gateway, simulator.url);
    sql = new pg.Client({ connectionString: place.env.DATABASE_URL });
    await sql.connect();
  });
  afterEach(async () => {
    await sql.end();
    await gateway.stop();
    await place.remove();
  });

  const workers = async () =>
    (await sql.query<{ pid: string }>('select pid from processes order by pid')).rows.map(({ pid }) =>
      Number(pid),
    );

  /** The id of a message that was taken; undefined when the connection broke or the answer was a no. */
  async function send(n: number): Promise<string | undefined> {
    const answer = await call<{ id: string }>(`${gateway.url}/api/v1/messages`, {
      key: tenant.key,
      headers: { prefer: 'respond-async' },
      body: { to: String(905_000_000_000 + n), type: 'text', text: { body: 'hello' } },
    }).catch(() => undefined);
    return answer?.status === 202 ? answer.body.id : undefined;
  }

  const statusOf = async (id: string) =>
    (await must<NativeMessage>(call(`${gateway.url}/api/v1/messages/${id}`, { key: tenant.key }))).status;

  /** How often each message came to a phone. */
  async function received(): Promise<Map<string, number>> {
    await must(call(`${simulator.url}/control/idle?timeout_ms=60000&waba_id=${tenant.wabaId}`));
    const { data } = await must<{ data: { bizOpaqueCallbackData: string }[] }>(
      call(`${simulator.url}/control/received?phone_number_id=${tenant.phoneNumberId}&limit=1000`),
    );
    const times = new Map<string, number>();
    for (const { bizOpaqueCallbackData: id } of data) times.set(id, (times.get(id) ?? 0) + 1);
    return times;
  }

  test('what is sent through two workers arrives once, and the log is whole', async () => {
    assert.equal((await workers()).length, 2);
    const ids = await Promise.all(Array.from({ length: 400 }, (_, n) => send(n)));
    assert.ok(ids.every(id => id !== undefined));
    for (const id of ids) await until(async () => (await statusOf(id!)) === 'read');
    const times = await received();
    assert.deepEqual([...times.keys()].sort(), ids.toSorted());
    assert.ok([...times.values()].every(count => count === 1));

    assert.equal(await gateway.stop(), 0);
    assert.deepEqual(await workers(), []);
    // The harness keeps the last part of the output: its first line may be cut.
    const lines = gateway.output().split('\n').slice(1, -1);
    const messages = lines.map(line => (JSON.parse(line) as { msg: string }).msg);
    assert.ok(messages.filter(msg => msg === 'send').length > 100);
    assert.equal(messages.filter(msg => msg === 'ready').length <= 1, true);
  });

  test('a worker killed with -9 amid sends is replaced; the other serves on; nothing is doubled or forgotten', async () => {
    const [first, second] = await workers();
    const sending = Array.from({ length: 300 }, async (_, n) => {
      const id = await send(n);
      if (n === 150) process.kill(first!, 'SIGKILL');
      return id;
    });
    const ids = (await Promise.all(sending)).filter(id => id !== undefined);
    assert.ok(ids.length > 0);
    await until(async () => (await send(900)) !== undefined);
    await until(async () => {
      const pids = await workers();
      return pids.length === 2 && pids.includes(second!) && !pids.includes(first!);
    });
    for (const id of ids) await until(async () => ['read', 'uncertain'].includes(await statusOf(id)));
    const times = await received();
    assert.deepEqual(
      [...times].filter(([, count]) => count > 1),
      [],
    );
    // A kill between journal and first byte leaves one send uncertain (docs/decisions/0008-journal.md).
    const lost = ids.filter(id => !times.has(id));
    assert.ok(lost.length <= 1, `${lost.length} acknowledged messages reached no phone`);
    for (const id of lost) assert.equal(await statusOf(id), 'uncertain');
    for (const id of ids) if (times.has(id)) await until(async () => (await statusOf(id)) === 'read');
  });

  test('a connection handed to a worker that is killed before it takes it is broken off, not forgotten', async () => {
    const [first] = await workers();
    process.kill(first!, 'SIGSTOP');
    let answered = 0;
    const asked = Array.from(
      { length: 20 },
      () =>
        new Promise<string>(resolve => {
          get(`${gateway.url}/live`, { agent: false }, response => {
            answered++;
            response.resume();
            resolve('answered');
          }).on('error', () => resolve('broken off'));
        }),
    );
    // The stopped one is handed one connection, and no other before it has taken that.
    await until(async () => answered === 19);
    process.kill(first!, 'SIGKILL');
    const ends = await Promise.all(asked);
    assert.equal(ends.filter(end => end === 'broken off').length, 1);
  });

  test('a worker told to end by itself finishes and is replaced', async () => {
    const [first] = await workers();
    process.kill(first!, 'SIGTERM');
    await until(async () => {
      const pids = await workers();
      return pids.length === 2 && !pids.includes(first!);
    });
    assert.notEqual(await send(1), undefined);
  });

  test('when no worker is left and none can start, it is given up and told', async () => {
    await sql.query(`insert into schema_versions values (9999, 'later', 1)`);
    for (const pid of await workers()) process.kill(pid, 'SIGKILL');
    assert.equal(await gateway.ended, 2);
    assert.match(gateway.output(), /start a newer Wagate\.\n/);
  });

  test('when the supervisor is killed the workers end in order', async () => {
    const pids = await workers();
    const ids = await Promise.all(Array.from({ length: 50 }, (_, n) => send(n)));
    await gateway.kill();
    // They gave back what they held and took their leave.
    await until(async () => (await workers()).length === 0);
    for (const pid of pids) await until(async () => !isRunning(pid));
    const { rows } = await sql.query(`select id from messages where status in ('sending', 'uncertain')`);
    assert.deepEqual(rows, []);
    assert.equal(ids.length, 50);
  });
});

describe('demo mode', { skip }, () => {
  test('one banner, one simulator, each live line once, a code of 0', async () => {
    const place = await newPlace('postgres');
    const gateway = await startGateway(place, { env: { WAGATE_WORKERS: '3' } });
    const key = 'pk_demodemodemodemodemodemodemodemo';
    const send = () =>
      must<{ id: string }>(
        call(`${gateway.url}/api/v1/messages`, {
          key,
          body: { to: '905321234567', type: 'text', text: { body: 'hello' } },
        }),
      );
    const sent = await Promise.all(Array.from({ length: 12 }, send));
    const printed = (id: string, status: string) =>
      gateway
        .output()
        .split('\n')
        .filter(line => line.includes(id) && line.includes(`  ${status} `)).length;
    for (const { id } of sent) await until(async () => printed(id, 'read') > 0);
    assert.equal(await gateway.stop(), 0);
    for (const { id } of sent)
      for (const status of ['queued', 'accepted', 'sent', 'delivered', 'read'])
        assert.equal(printed(id, status), 1, `${id} ${status}`);
    assert.equal(gateway.output().match(/runs in demo mode/g)?.length, 1);
    assert.equal(gateway.output().match(/Stopping/g)?.length, 1);
    await place.remove();
  });
});

test('the embedded database is for one process, and --workers goes before WAGATE_WORKERS', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wagate-workers-'));
  const env = { PATH: process.env.PATH, WAGATE_DATA: folder, PORT: '0', WAGATE_WORKERS: '1' };
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>(resolve => {
    execFile(
      process.execPath,
      ['wagate.js', 'serve', '--workers', '3'],
      { cwd: root, env },
      (error, _, text) => resolve({ code: error?.code, stderr: text }),
    );
  });
  rmSync(folder, { recursive: true, force: true });
  assert.equal(code, 2);
  assert.match(
    stderr,
    /^3 workers are wanted, and the embedded database is for one process: set DATABASE_URL .*\n$/,
  );
});

test('a worker that cannot start is told once, in words', { skip }, async () => {
  const place = await newPlace('postgres', { migrated: false });
  const database = new pg.Client({ connectionString: place.env.DATABASE_URL });
  await database.connect();
  await database.query(
    'create table schema_versions (version bigint primary key, name text not null, applied_at bigint not null)',
  );
  await database.query(`insert into schema_versions values (9999, 'later', 1)`);
  await database.end();
  await assert.rejects(
    startGateway(place, { env: { WAGATE_WORKERS: '2' } }),
    (error: Error) =>
      /ended with code 2/.test(error.message) && error.message.match(/start a newer Wagate/g)?.length === 1,
  );
  await place.remove();
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
