/** The database goes away between the commit and Meta's answer: what the waiting caller hears must not make it ask again. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMortalPostgres } from '../torture/postgres.ts';
import { findPostgres } from './harness/postgres.ts';
import { call, startGateway, startSimulator } from './harness/programs.ts';
import { must, newTenant, operatorKey, until, waitForStatus } from './harness/tenant.ts';

const skip = findPostgres() === undefined && 'no PostgreSQL server program found';

test('a committed message is told as kept, not as refused', {
  skip,
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wagate-away-'));
  await chmod(folder, 0o711);
  const postgres = await createMortalPostgres(join(folder, 'postgres'));
  const simulator = await startSimulator();
  const env = {
    WAGATE_DATA: join(folder, 'wagate'),
    WAGATE_MODE: 'live',
    WAGATE_OPERATOR_KEY: operatorKey,
    WAGATE_LOG_LEVEL: 'silent',
    WAGATE_ANSWER_TIMEOUT_MS: '2000',
    META_GRAPH_URL: simulator.url,
    DATABASE_URL: postgres.url,
  };
  const gateway = await startGateway({ env });
  try {
    const tenant = await newTenant(gateway, simulator.url);
    // Meta has it, and its answer comes after the caller's patience.
    const match = { phone_number_id: tenant.phoneNumberId };
    await must(
      call(`${simulator.url}/control/faults`, { body: { match, action: { kind: 'delay', ms: 4_000 } } }),
    );
    const asked = call<{ code: string; messageId: string }>(`${gateway.url}/api/v1/messages`, {
      key: tenant.key,
      body: { to: '905321234567', type: 'text', text: { body: 'hello' } },
    });
    const received = () =>
      must<{ data: unknown[] }>(
        call(`${simulator.url}/control/received?phone_number_id=${tenant.phoneNumberId}`),
      );
    await until(async () => (await received()).data.length === 1);
    await postgres.stop('SIGQUIT');
    const answer = await asked;
    await postgres.start();
    assert.equal(answer.status, 504, answer.text);
    assert.equal(answer.body.code, 'answer_pending');
    await waitForStatus(gateway.url, tenant.key, answer.body.messageId, 'read');
    assert.equal((await received()).data.length, 1);
  } finally {
    await gateway.kill();
    await simulator.stop();
    await postgres.stop('SIGQUIT');
    rmSync(folder, { recursive: true, force: true });
  }
});
