/** When a broadcast reaches whom: in the hours of each recipient's day, at a time on each one's wall, not after its time to live. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createMachineClock, type MachineClock } from '../torture/clock.ts';
import { offer } from './harness/broadcast-flow.ts';
import { type Broadcasting, startBroadcasting } from './harness/broadcasting.ts';
import { onEachEngine } from './harness/engines.ts';
import { call } from './harness/programs.ts';
import { must, setMeta, until } from './harness/tenant.ts';

const hourMs = 3_600_000;
const timeOfDay = (ms: number) => new Date(ms).toISOString().slice(11, 16);

/** A zone that is so many hours ahead, or behind, of UTC. */
const zone = (hours: number) => `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`;

onEachEngine(engine => {
  let folder: string;
  let clock: MachineClock;
  let place: Broadcasting;
  /** What the gateway's clock was set by. */
  let aheadMs = 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wagate-times-'));
    clock = createMachineClock(join(folder, 'clock'));
    place = await startBroadcasting(engine, clock.env);
  });
  after(async () => {
    await place?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const gatewayNow = () => Date.now() + aheadMs;
  function pass(ms: number): void {
    clock.step(ms);
    aheadMs += ms;
  }

  const contact = (phone: string, timeZone: string) => place.api('/contacts', { phone, timeZone });
  const launched = (more: object) =>
    place.api('/broadcasts', { name: 'times', message: offer('x'), launch: true, ...more });

  test('quiet hours are those of the recipient: who is awake gets it, who is not waits for the morning', async () => {
    const [asleep, awake, unknown] = ['905410000001', '905410000002', '905410000003'];
    await contact(asleep, 'UTC');
    await contact(awake, zone(11));
    const now = gatewayNow();
    const quietHours = { from: timeOfDay(now - hourMs), to: timeOfDay(now + 2 * hourMs) };
    const { id } = await launched({
      audience: { phones: [asleep, awake, unknown] },
      schedule: { quietHours, timeZone: zone(-8) },
    });
    await until(async () => (await place.ledger(id, 'status=read')).length === 2);
    const ledger = await place.ledger(id);
    assert.deepEqual(
      ledger.map(({ phone, state }) => [phone, state]).toSorted(),
      [
        [asleep, 'waiting'],
        [awake, 'taken'],
        [unknown, 'taken'],
      ],
      'of whom nothing is known, the time zone of the schedule counts',
    );
    const morning = Math.floor((now + 2 * hourMs) / 60_000) * 60_000;
    assert.equal(ledger.find(({ phone }) => phone === asleep)!.dueAt, new Date(morning).toISOString());
    assert.equal((await place.received()).has(asleep), false);
    pass(2 * hourMs);
    await place.untilState(id, 'completed');
    assert.equal((await place.received()).get(asleep), 1);
  });

  test('its time to live ends it while all that are left sleep', async () => {
    const now = gatewayNow();
    const quietHours = { from: timeOfDay(now - hourMs), to: timeOfDay(now + 2 * hourMs) };
    const { id } = await launched({
      audience: { phones: ['905410000011', '905410000012'] },
      schedule: { quietHours },
      ttlSeconds: 60,
    });
    await until(async () => (await place.ledger(id)).every(({ dueAt }) => dueAt !== null));
    assert.equal((await place.api(`/broadcasts/${id}`)).state, 'running');
    pass(60_000);
    const ended = await place.untilState(id, 'completed');
    assert.equal(ended.reason, 'expired');
    assert.deepEqual(ended.progress.counts, {});
  });

  test('at a time on the wall of each', async () => {
    const [here, later] = ['905410000021', '905410000022'];
    await contact(here, zone(3));
    await contact(later, zone(2));
    const at = new Date(Math.ceil(gatewayNow() / 1000) * 1000 + 3 * hourMs + 2_000);
    const { id } = await launched({
      audience: { phones: [here, later] },
      schedule: { at: at.toISOString().slice(0, 19), perRecipient: true },
    });
    await until(async () => (await place.ledger(id, 'status=read')).length === 1);
    const ledger = await place.ledger(id);
    assert.deepEqual(
      ledger.map(({ phone, state, dueAt }) => [phone, state, Date.parse(dueAt ?? '')]).toSorted(),
      [
        [here, 'taken', Number.NaN],
        [later, 'waiting', at.getTime() - 2 * hourMs],
      ],
    );
    pass(hourMs);
    await place.untilState(id, 'completed');
    assert.equal((await place.received()).get(later), 1);
  });

  test("a retry of whom Meta's cap on marketing kept from it comes a day later", async () => {
    const phone = '905410000031';
    const fault = { match: { to: phone }, action: { kind: 'status_failed', code: 131049 } };
    await must(call(`${place.gateway.simulatorUrl}/control/faults`, { body: fault }));
    const first = await launched({ audience: { phones: [phone] } });
    await until(async () => (await place.ledger(first.id, 'status=failed')).length === 1);
    await place.untilState(first.id, 'completed');
    const second = await place.api(`/broadcasts/${first.id}/retry`, {});
    await until(async () => (await place.ledger(second.id, 'state=waiting')).length === 1);
    pass(23 * hourMs);
    await place.api(`/broadcasts/${second.id}/pause`, {});
    await place.api(`/broadcasts/${second.id}/resume`, {});
    await until(async () => (await place.api(`/broadcasts/${second.id}`)).state === 'running');
    assert.equal((await place.ledger(second.id, 'state=waiting')).length, 1);
    pass(hourMs);
    await place.untilState(second.id, 'completed');
    await until(async () => (await place.ledger(second.id, 'status=read')).length === 1);
    assert.equal((await place.received()).get(phone), 2);
  });

  for (const spamAs of ['error', 'failed'] as const) {
    test(`Meta's spam limit, told as ${spamAs}: it pauses, replies go on, and it ends once the limit is over`, async () => {
      const { tenant, gateway } = place;
      const number = (spam: boolean) =>
        must(
          call(`${gateway.simulatorUrl}/control/numbers/${tenant.phoneNumberId}`, {
            method: 'PUT',
            body: { spam },
          }),
        );
      await setMeta(gateway.simulatorUrl, tenant.wabaId, { spamAs });
      await number(true);
      const phones = Array.from({ length: 400 }, (_, i) => String(905_420_000_000 + i));
      const { id } = await launched({ audience: { phones }, perSecond: 100 });
      const paused = await place.untilState(id, 'paused');
      assert.equal(paused.reason, 'spam', paused.detail ?? '');
      assert.ok(paused.progress.waiting > 0);
      const writer = `90543000000${spamAs.length}`;
      const hello = { phone_number_id: tenant.phoneNumberId, text: 'Hello?' };
      await must(call(`${gateway.simulatorUrl}/control/phones/${writer}/messages`, { body: hello }));
      const reply = { to: writer, type: 'text', text: { body: 'Yes?' } };
      await until(
        async () =>
          (await call(`${gateway.url}/api/v1/messages`, { key: tenant.key, body: reply })).status === 200,
      );
      assert.equal((await place.received()).get(writer), 1);
      // Meta says no word of its end: it is tried again an hour or so later.
      await number(false);
      pass(2 * hourMs);
      await place.api(`/broadcasts/${id}/resume`, {});
      await place.untilState(id, 'completed');
      const ledger = await place.ledger(id);
      const refused = ledger.filter(({ code }) => code === 131048);
      // What was refused in the answer is sent again; Meta had taken the others.
      if (spamAs === 'error') assert.equal(refused.length, 0);
      else assert.ok(refused.length > 0 && refused.length < 400, `${refused.length} were refused`);
      await until(async () => (await place.ledger(id, 'status=read')).length === 400 - refused.length);
    });
  }
});
