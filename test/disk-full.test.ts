/** A disk that is full: callers and Meta are told to come back, nothing taken is lost, and with room again all goes on by itself. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readPhones, readRows, settle } from '../torture/aftermath.ts';
import { doors } from '../torture/load.ts';
import { createMortalPostgres } from '../torture/postgres.ts';
import { cannotMount, mountSmallDisk } from '../torture/small-disk.ts';
import { onEachEngine } from './harness/engines.ts';
import { call, startGateway, startSimulator } from './harness/programs.ts';
import { must, newTenant, operatorKey, until } from './harness/tenant.ts';

/** Long, and not to be compressed: a page of the database holds one or two. */
const longText = () => randomBytes(1_500).toString('base64');

describe('disk full', { skip: cannotMount() }, () => {
  onEachEngine(engine => {
    test('callers get 503 in their own words, Meta no 200; then it goes on', {
      timeout: 120_000,
    }, async () => {
      const disk = mountSmallDisk(mkdtempSync(join(tmpdir(), 'wagate-disk-')), 200);
      chmodSync(disk.folder, 0o711);
      const postgres =
        engine === 'postgres' ? await createMortalPostgres(join(disk.folder, 'postgres')) : undefined;
      const simulator = await startSimulator();
      const env: Record<string, string> = {
        WAGATE_DATA: join(disk.folder, 'wagate'),
        WAGATE_MODE: 'live',
        META_GRAPH_URL: simulator.url,
        WAGATE_OPERATOR_KEY: operatorKey,
        WAGATE_LOG_LEVEL: 'error',
        ...(postgres && { DATABASE_URL: postgres.url }),
      };
      const gateway = await startGateway({ env });
      try {
        const settings = { retryBaseMs: 50, retryMaxMs: 500 };
        await must(call(`${simulator.url}/control/settings`, { method: 'PUT', body: settings }));
        const tenant = await newTenant(gateway, simulator.url);
        let phones = 905_000_000_000;
        const taken: string[] = [];
        const ask = async ([, door]: (typeof doors)[number]) => {
          const phone = String(phones++);
          const { path, headers = {}, body } = door(tenant, [phone], longText());
          const answer = await call(gateway.url + path, { key: tenant.key, headers, body });
          if (answer.status < 300 || answer.status === 504) taken.push(phone);
          return answer;
        };
        const write = () =>
          must<{ wamid: string }>(
            call(`${simulator.url}/control/phones/905321234567/messages`, {
              body: { phone_number_id: tenant.phoneNumberId, text: longText() },
            }),
          );
        for (const door of doors) assert.ok((await ask(door)).status < 300, door[0]);

        disk.fill();
        for (const door of doors) {
          // What was there before has room for a few.
          let answer = await ask(door);
          for (let tries = 0; answer.status < 300 && tries < 3_000; tries++) answer = await ask(door);
          assert.equal(answer.status, 503, `${door[0]}: ${answer.text}`);
          assert.ok(Number(answer.headers.get('retry-after')) >= 1, `${door[0]}: no Retry-After`);
          assert.doesNotMatch(answer.text, /SQLITE|disk|53100|extend/i);
        }
        const wamids: string[] = [];
        await until(async () => {
          wamids.push((await write()).wamid);
          const { data } = await must<{ data: { status: number | null }[] }>(
            call(`${simulator.url}/control/webhooks?limit=50&waba_id=${tenant.wabaId}`),
          );
          return data.some(({ status }) => status === 503);
        });

        disk.free();
        // Without room for its log PostgreSQL ends; its service manager starts it again. The gateway is left alone.
        await postgres?.start();
        await until(async () => (await ask(doors[0]!)).status === 200);
        const place = { gatewayUrl: gateway.url, simulatorUrl: simulator.url, tenants: [tenant] };
        assert.ok((await settle(place, 60_000)).settled);
        const ended = new Map((await readRows(place)).map(({ to, status }) => [to.replace('+', ''), status]));
        assert.deepEqual(
          taken.filter(phone => ended.get(phone) !== 'read'),
          [],
        );
        assert.deepEqual((await readPhones(place)).map(({ to }) => to).sort(), taken.sort());
        const { incoming } = await must<{ incoming: { wamid: string }[] }>(
          call(`${gateway.url}/api/v1/conversations/905321234567`, { key: tenant.key }),
        );
        const known = new Set(incoming.map(({ wamid }) => wamid));
        assert.deepEqual(
          wamids.slice(-100).filter(wamid => !known.has(wamid)),
          [],
        );
        assert.equal(await gateway.stop(), 0);
      } finally {
        await gateway.kill();
        await simulator.stop();
        await postgres?.stop('SIGQUIT');
        disk.remove();
      }
    });
  });
});
