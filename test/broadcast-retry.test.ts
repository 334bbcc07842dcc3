/** A retry goes to those whom a broadcast failed: nobody who got it, nobody of whom nobody knows, nobody twice. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { offer } from './harness/broadcast-flow.ts';
import { type Broadcasting, startBroadcasting, type ToldBroadcast } from './harness/broadcasting.ts';
import { onEachEngine } from './harness/engines.ts';
import { call } from './harness/programs.ts';
import { must, until } from './harness/tenant.ts';

const phone = (n: number) => `90537000${String(n).padStart(4, '0')}`;
const dayMs = 24 * 3_600_000;

onEachEngine(engine => {
  describe('retries of broadcasts', () => {
    let place: Broadcasting;

    before(async () => {
      place = await startBroadcasting(engine);
    });
    after(() => place?.stop());

    const fault = (to: string, action: object) =>
      must(call(`${place.gateway.simulatorUrl}/control/faults`, { body: { match: { to }, action } }));
    const retry = (id: string, body: object = {}) =>
      call<ToldBroadcast & { detail: string }>(`${place.gateway.url}/api/v1/broadcasts/${id}/retry`, {
        ...{ key: place.tenant.key, body },
      });
    const draft = async (more: object = {}) =>
      (await place.api('/broadcasts', { name: 'first', message: offer('in {{city}}'), ...more })).id;
    const phonesOf = async (id: string, query = '') =>
      (await place.ledger(id, query)).map(one => one.phone).sort();

    test('whom it goes to, with what was frozen of them; once, whatever is asked again', async () => {
      const rows = Array.from({ length: 20 }, (_, i) => `${phone(i)},${i === 9 ? '' : `city ${i}`}`);
      const id = await draft();
      await must(place.upload(id, `phone,city\n${rows.join('\n')}\n`));
      await fault(phone(1), { kind: 'status_failed', code: 135000 });
      await fault(phone(2), { kind: 'error', code: 131051 });
      await fault(phone(3), { kind: 'status_failed', code: 131026 });
      await fault(phone(4), { kind: 'status_failed', code: 131050 });
      await fault(phone(5), { kind: 'status_failed', code: 131049 });
      // Meta has it or not: nobody knows.
      await fault(phone(6), { kind: 'reset_before' });
      await place.api(`/opt-outs/${phone(7)}`, undefined, 'PUT');
      assert.match((await retry(id)).body.detail, /It is draft; what has ended can be retried\./);
      await place.api(`/broadcasts/${id}/launch`, {});
      await place.untilState(id, 'completed');
      await until(async () => {
        const { counts } = (await place.api(`/broadcasts/${id}`)).progress;
        return counts.failed === 5 && counts.uncertain === 1 && counts.read === 12;
      });
      const got = await place.received();

      const asked = await Promise.all([retry(id), retry(id), retry(id)]);
      assert.deepEqual(asked.map(({ status }) => status).sort(), [201, 409, 409]);
      const { id: second, retryOf, name } = asked.find(({ status }) => status === 201)!.body;
      assert.deepEqual([retryOf, name], [id, 'first (retry)']);
      assert.match((await retry(id)).body.detail, new RegExp(`It was retried as ${second}: retry that one`));
      assert.match((await retry(second)).body.detail, /It is running/);

      await until(async () => (await place.api(`/broadcasts/${second}`)).progress.taken === 2);
      await until(async () => (await place.ledger(second, 'status=read')).length === 2);
      const ledger = await place.ledger(second);
      assert.deepEqual(
        ledger.map(one => [one.phone, one.state, one.variables.city, one.reason]),
        [
          [phone(1), 'taken', 'city 1', null],
          [phone(2), 'taken', 'city 2', null],
          [phone(5), 'waiting', 'city 5', null],
          [phone(7), 'skipped', 'city 7', 'The recipient asked for no more marketing'],
        ],
      );
      // Meta asks for a day between the two.
      const waits = Date.parse(ledger[2]!.dueAt!) - Date.now();
      assert.ok(waits > dayMs - 600_000 && waits <= dayMs, `${waits} ms`);
      const after = await place.received();
      const more = [...after].filter(([to, count]) => count !== (got.get(to) ?? 0));
      assert.deepEqual(
        more.map(([to, count]) => [to, count]).sort(),
        [
          [phone(1), 2],
          [phone(2), 1],
        ],
        'Meta took the first of the one, and refused that of the other',
      );

      await place.api(`/broadcasts/${second}/cancel`, {});
      const third = (await must(retry(second))) as ToldBroadcast;
      await place.untilState(third.id, 'completed');
      // Only who had opted out: what waited was canceled, which somebody wanted.
      assert.deepEqual(await phonesOf(third.id), [phone(7)]);
      assert.deepEqual(await phonesOf(third.id, 'state=taken'), []);
    });

    test('one that was canceled: the rest, when it is asked for', async () => {
      const phones = Array.from({ length: 40 }, (_, i) => `+${phone(1_000 + i)}`);
      const id = await draft({ message: offer('x'), audience: { phones }, perSecond: 5 });
      await place.api(`/broadcasts/${id}/launch`, {});
      await until(async () => (await place.ledger(id, 'status=read')).length > 0);
      await place.api(`/broadcasts/${id}/cancel`, {});
      await until(async () => (await place.ledger(id, 'status=sending')).length === 0);
      const done = new Set((await place.received()).keys());
      const rest = phones.map(one => one.slice(1)).filter(one => !done.has(one));
      assert.ok(rest.length > 0 && rest.length < phones.length, `${rest.length} are left`);
      const { id: second } = (await must(retry(id, { canceled: true, name: 'the rest' }))) as ToldBroadcast;
      await place.api(`/broadcasts/${second}/pause`, {});
      await until(async () => (await place.api(`/broadcasts/${second}`)).recipients === rest.length);
      assert.deepEqual(await phonesOf(second), rest);
      await place.api(`/broadcasts/${second}/resume`, {});
      await place.untilState(second, 'completed');
      const counts = await place.received();
      assert.deepEqual(
        phones.map(one => counts.get(one.slice(1))),
        phones.map(() => 1),
      );
    });
  });
});
