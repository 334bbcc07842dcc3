/** The machine's clock is set by an hour while messages are under way: Meta gets each once, at the number's pace. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createMachineClock, type MachineClock } from '../torture/clock.ts';
import { onEachEngine } from './harness/engines.ts';
import {
  call,
  newPlace,
  type Place,
  type Program,
  startGateway,
  startSimulator,
} from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, waitForStatus } from './harness/tenant.ts';

const hourMs = 3_600_000;

onEachEngine(engine => {
  let folder: string;
  let simulator: Program;
  let place: Place;
  let gateway: Program;
  let tenant: TestTenant;
  let clock: MachineClock;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wagate-clock-'));
    clock = createMachineClock(join(folder, 'clock'));
    simulator = await startSimulator();
    place = await newPlace(engine);
    const env = {
      ...clock.env,
      WAGATE_MODE: 'live',
      META_GRAPH_URL: simulator.url,
      META_TIMEOUT_MS: '5000',
      WAGATE_ANSWER_TIMEOUT_MS: '8000',
      WAGATE_OPERATOR_KEY: operatorKey,
      WAGATE_LOG_LEVEL: 'warn',
    };
    gateway = await startGateway(place, { env });
    tenant = await newTenant(gateway, simulator.url, { throughput: 'STANDARD' });
  });
  afterEach(async () => {
    await gateway.kill();
    await simulator.stop();
    await place.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const send = (n: number, headers: Record<string, string> = {}) =>
    call<{ id: string }>(`${gateway.url}/api/v1/messages`, {
      key: tenant.key,
      headers,
      body: { to: String(905_000_000_000 + n), type: 'text', text: { body: 'hello' } },
    });
  const queue = (from: number, count: number) =>
    Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const answer = await send(from + i, { prefer: 'respond-async' });
        assert.equal(answer.status, 202, answer.text);
        return answer.body.id;
      }),
    );
  const slow = (times: number) =>
    must(
      call(`${simulator.url}/control/faults`, {
        body: {
          match: { phone_number_id: tenant.phoneNumberId },
          times,
          action: { kind: 'delay', ms: 300 },
        },
      }),
    );
  const summary = () =>
    must<{
      accepted: number;
      doubled: number;
      phoneNumbers: Record<string, { peakPerSecond: number }>;
    }>(call(`${simulator.url}/control/summary?waba_id=${tenant.wabaId}`));

  test('forward amid sends: each arrives once and none too fast, and no living process is buried', async () => {
    await slow(40);
    const ids = await queue(0, 200);
    clock.step(hourMs);
    ids.push(...(await queue(200, 100)));
    assert.equal((await send(300)).status, 200);
    for (const id of ids) await waitForStatus(gateway.url, tenant.key, id, 'read');
    const { accepted, doubled, phoneNumbers } = await summary();
    assert.deepEqual({ accepted, doubled }, { accepted: 301, doubled: 0 });
    // As much as a machine that others use as well makes arrive together; a pace that forgot itself would be at twice the rate.
    assert.ok(phoneNumbers[tenant.phoneNumberId]!.peakPerSecond <= 120, JSON.stringify(phoneNumbers));
    assert.doesNotMatch(gateway.output(), /took over from a dead process/);
  });

  test('backward amid sends: what waits by the clock goes out when it is due, once', async () => {
    await slow(40);
    const ids = await queue(0, 200);
    clock.step(-hourMs);
    clock.catchUp();
    for (const id of ids) await waitForStatus(gateway.url, tenant.key, id, 'read');
    const { accepted, doubled } = await summary();
    assert.deepEqual({ accepted, doubled }, { accepted: 200, doubled: 0 });
  });

  test('backward: a caller does not wait for the clock to come back', async () => {
    assert.equal((await send(0)).status, 200);
    clock.step(-hourMs);
    assert.equal((await send(1)).status, 200);
  });
});
