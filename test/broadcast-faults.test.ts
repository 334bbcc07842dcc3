/** Broadcasts amid kills, of one process and of two: everyone once, nobody forgotten, nobody twice. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { broadcasting, doubled, offer, offerTemplate } from './harness/broadcast-flow.ts';
import { onEachEngine } from './harness/engines.ts';
import { freePort } from './harness/postgres.ts';
import { newPlace, type Place, type Program, startGateway, startSimulator } from './harness/programs.ts';
import { liveEnv, newTenant, type TestTenant, until } from './harness/tenant.ts';

const people = 900;
const kills = 4;

onEachEngine(engine => {
  describe('killed with -9', () => {
    let simulator: Program;
    let place: Place;
    const gateways: Program[] = [];
    let tenant: TestTenant;
    const count = engine === 'postgres' ? 2 : 1;
    let ports: string[];

    const start = async (n: number) => {
      gateways[n] = await startGateway(place, { env: { ...liveEnv(simulator.url), PORT: ports[n]! } });
    };

    before(async () => {
      simulator = await startSimulator();
      place = await newPlace(engine);
      ports = await Promise.all(Array.from({ length: count }, async () => String(await freePort())));
      for (let n = 0; n < count; n++) await start(n);
      tenant = await newTenant(gateways[0]!, simulator.url, {
        ...{ templates: [offerTemplate], throughput: 'STANDARD' },
      });
    });
    after(async () => {
      for (const gateway of gateways) await gateway?.stop();
      await simulator?.stop();
      await place?.remove();
    });

    test('while it is frozen and while it is sent: everyone once', { timeout: 120_000 }, async () => {
      const { api, received, tagged } = broadcasting(
        () => ({ url: gateways.at(-1)!.url, simulatorUrl: simulator.url }),
        tenant,
      );
      const tags = [await tagged('a', 905_500_000_000, 500), await tagged('b', 905_500_000_400, 500)];
      const { id } = await api('/broadcasts', {
        ...{ name: 'killed', message: offer('{{name}}'), audience: { tags }, launch: true },
      });
      for (let kill = 0; kill < kills; kill++) {
        const before = (await received()).length;
        // A start takes so long on a busy machine that the other process may have sent all of it meanwhile.
        if (kill > 0)
          await until(async () => (await received()).length > Math.min(before + 60, people - kills - 1));
        const victim = kill % count;
        await gateways[victim]!.kill();
        await start(victim);
      }
      // What was written and never answered for is settled by Meta's statuses; a kill between the journal and the first byte may leave
      // one that Meta never read, told as such and never repeated.
      await until(async () => {
        const { progress, state } = await api(`/broadcasts/${id}`);
        const { uncertain = 0 } = progress.counts;
        return (
          state === 'completed' && uncertain <= kills && (progress.counts.read ?? 0) + uncertain === people
        );
      }, 60_000);
      const { recipients, progress } = await api(`/broadcasts/${id}`);
      assert.equal(recipients, people);
      const got = await received();
      assert.deepEqual(doubled(got), []);
      assert.equal(got.length, people - (progress.counts.uncertain ?? 0));
      assert.equal(progress.taken, people);
    });
  });
});
