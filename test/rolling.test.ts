/**
 * From one version to the next without a pause: this version goes on serving while the next one migrates the same database and
 * starts; afterwards this one is refused. The next one is a copy of this tree with more migrations, of the two kinds that the rules
 * allow (migrations/README.md).
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readMigrations } from '../gateway/platform/migrate.ts';
import { call, newPlace, type Program, startGateway, startSimulator } from './harness/programs.ts';
import { must, newTenant, operatorKey, waitForStatus } from './harness/tenant.ts';

const root = join(import.meta.dirname, '..');
const newest = readMigrations().at(-1)!;
const missing = process.env.WAGATE_TEST_POSTGRES === undefined && 'no PostgreSQL server program found';

/** This tree with other migrations, in a folder of its own. */
function makeTree(change: (migrations: string) => void): string {
  const tree = mkdtempSync(join(tmpdir(), 'wagate-version-'));
  for (const name of ['gateway', 'simulator', 'migrations', 'wagate.js', 'package.json'])
    cpSync(join(root, name), join(tree, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  change(join(tree, 'migrations'));
  return tree;
}

/** The widest additive migration: whoever reads `*` or relies on the number of columns stumbles over it. */
function columnForEveryTable(): string {
  const created = readMigrations().flatMap(({ statements }) =>
    statements.flatMap(statement => /^create table (\w+)/.exec(statement)?.[1] ?? []),
  );
  return [...new Set(created)].map(table => `alter table ${table} add column of_next text;`).join('\n');
}

/** As 0006 did: the same table under the same name, with its rows, while everyone is at work on it. */
const replacedTable = `alter table lanes rename to lanes_before;
create table lanes (like lanes_before including all);
insert into lanes select * from lanes_before;
drop table lanes_before;`;

test('old and new work on one database while it is migrated', {
  skip: missing,
  timeout: 120_000,
}, async () => {
  const next = makeTree(migrations => {
    writeFileSync(join(migrations, '9998-next.sql'), columnForEveryTable());
    writeFileSync(join(migrations, '9999-next.sql'), replacedTable);
  });
  const simulator = await startSimulator();
  const place = await newPlace('postgres');
  const env = {
    WAGATE_MODE: 'live',
    META_GRAPH_URL: simulator.url,
    WAGATE_OPERATOR_KEY: operatorKey,
    WAGATE_LOG_LEVEL: 'warn',
  };
  const gateways: Program[] = [];
  const start = async (tree: string) => {
    const gateway = await startGateway(place, { tree, env });
    gateways.push(gateway);
    return gateway;
  };
  try {
    const old = await start(root);
    const tenant = await newTenant(old, simulator.url);
    const { key } = tenant;
    const sent: string[] = [];
    let done = false;
    const send = async () => {
      for (let n = 0; !done; n++) {
        const { url } = gateways[n % gateways.length]!;
        const body = { to: String(905_000_000_000 + n), type: 'text', text: { body: 'hello' } };
        const message = await must<{ id: string }>(call(`${url}/api/v1/messages`, { key, body }));
        sent.push(message.id);
        await must(call(`${url}/api/v1/messages/${message.id}`, { key }));
        await must(call(`${url}/api/v1/tenants/${tenant.tenantId}/numbers`, { key: operatorKey }));
      }
    };
    const traffic = Promise.all([send(), send(), send()]);
    const served = async (more: number) => {
      const from = sent.length;
      while (sent.length < from + more)
        await Promise.race([traffic, new Promise(resolve => setImmediate(resolve))]);
    };
    await served(30);
    await start(next);
    await served(60);
    done = true;
    await traffic;

    for (const id of sent) await waitForStatus(old.url, key, id, 'read');
    const received = await must<{ data: unknown[] }>(
      call(`${simulator.url}/control/received?phone_number_id=${tenant.phoneNumberId}&limit=100000`),
    );
    assert.equal(received.data.length, sent.length);
    for (const gateway of gateways) assert.doesNotMatch(gateway.output(), /"level":(50|60|"error"|"fatal")/);

    await assert.rejects(
      startGateway(place, { env }),
      new RegExp(`schema version 9999, this program knows up to ${newest.version}: start a newer Wagate`),
    );
    // Who runs already is not turned out: it ends when it is told to.
    assert.equal(await old.stop(), 0);
  } catch (error) {
    // Their last lines are written when they stop.
    for (const gateway of gateways) await gateway.stop();
    throw new Error(`${error}\n${gateways.map(({ output }) => output()).join('\n---\n')}`);
  } finally {
    for (const gateway of gateways) await gateway.stop();
    await simulator.stop();
    await place.remove();
    rmSync(next, { recursive: true, force: true });
  }
});
