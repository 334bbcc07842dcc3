/** A broadcast is followed while it moves, until it has ended. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { offer } from './harness/broadcast-flow.ts';
import { type Broadcasting, startBroadcasting, type ToldBroadcast } from './harness/broadcasting.ts';
import { onEachEngine } from './harness/engines.ts';
import { call } from './harness/programs.ts';
import { listen } from './harness/sse.ts';

onEachEngine(engine => {
  describe('the progress of broadcasts', () => {
    let place: Broadcasting;

    before(async () => {
      place = await startBroadcasting(engine);
    });
    after(() => place?.stop());

    const follow = (id: string) =>
      listen(`${place.gateway.url}/api/v1/broadcasts/${id}/progress`, place.tenant.key);
    const phones = (count: number) => Array.from({ length: count }, (_, i) => `+9053600000${10 + i}`);

    test('it is told as it changes, paused and resumed, and for the last time when it has ended', async () => {
      const { id } = await place.api('/broadcasts', {
        ...{ name: 'followed', message: offer('x'), audience: { phones: phones(30) } },
        ...{ perSecond: 8, launch: true },
      });
      const stream = await follow(id);
      const isTold = (state: string) =>
        stream.heard(({ event, data }) => event === 'broadcast' && data.state === state);
      await isTold('running');
      await stream.heard(
        ({ data }) => ((data as unknown as ToldBroadcast).progress?.counts.accepted ?? 1) > 0,
      );
      await place.api(`/broadcasts/${id}/pause`, {});
      await isTold('paused');
      await place.api(`/broadcasts/${id}/resume`, {});
      const { data } = await stream.heard(({ event }) => event === 'ended');
      const { state, recipients, progress } = data as unknown as ToldBroadcast;
      assert.deepEqual([state, recipients, progress.taken, progress.waiting], ['completed', 30, 30, 0]);
      assert.deepEqual(
        Object.keys(progress.counts).filter(status => ['queued', 'held', 'sending'].includes(status)),
        [],
      );
      assert.equal(stream.events.at(-1)!.event, 'ended');
      const told = stream.events.map(one => JSON.stringify(one));
      assert.equal(new Set(told).size, told.length, 'nothing is told twice');
      await stream.stop();
      const again = await follow(id);
      await again.heard(({ event }) => event === 'ended');
      assert.equal(again.events.length, 1);
      await again.stop();
    });

    test('a draft that is removed; one that is not there', async () => {
      const { id } = await place.api('/broadcasts', { name: 'draft', message: offer('x') });
      const stream = await follow(id);
      await stream.heard(({ event, data }) => event === 'broadcast' && data.state === 'draft');
      await place.api(`/broadcasts/${id}`, undefined, 'DELETE');
      assert.deepEqual((await stream.heard(({ event }) => event === 'removed')).data, { id });
      await stream.stop();
      const { status } = await call(`${place.gateway.url}/api/v1/broadcasts/${id}/progress`, {
        key: place.tenant.key,
      });
      assert.equal(status, 404);
    });
  });
});
