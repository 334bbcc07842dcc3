/** What a forecast says of a draft is what comes of it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { offer } from './harness/broadcast-flow.ts';
import { type Broadcasting, startBroadcasting } from './harness/broadcasting.ts';
import { onEachEngine } from './harness/engines.ts';
import { call } from './harness/programs.ts';
import { must, operatorKey, until } from './harness/tenant.ts';

interface Forecast {
  recipients: number;
  invalid: number;
  optedOut: number;
  windowClosed: number;
  inWindow: number;
  outOfWindow: number;
  messages: number;
  cost: { feeMicros: number; priceMicros: number; availableMicros: number; covered: number } | null;
  perSecond: number;
  finishesAt: string;
  messagingLimit: { tier: string; most: number; left: number; exceeding: number } | null;
}

const demoKey = 'pk_demodemodemodemodemodemodemodemo';
const turkish = (n: number) => `9053200000${String(n).padStart(2, '0')}`;

onEachEngine(engine => {
  describe('forecasts', () => {
    let place: Broadcasting;

    before(async () => {
      place = await startBroadcasting(engine);
    });
    after(() => place?.stop());

    const operate = (path: string, body: unknown, method = 'POST') =>
      must(call(`${place.gateway.url}/api/v1${path}`, { key: operatorKey, method, body }));
    const forecast = (id: string, query = '') => place.api<Forecast>(`/broadcasts/${id}/forecast?${query}`);
    const tag = async (name: string) => (await place.api<{ id: number }>('/tags', { name })).id;

    test('tags that overlap, exclusions, opt-outs, what is not known of one, people named who are contacts', async () => {
      const { tenant, gateway } = place;
      const today = new Date().toISOString().slice(0, 10);
      const rates = ['90', '55'].map((market, i) => `${market},marketing,${today},0.0${i + 1}`);
      await operate('/prices', { csv: ['market,category,valid_from,price', ...rates].join('\n') });
      await operate(`/tenants/${tenant.tenantId}`, { billing: 'prepaid' }, 'PATCH');
      await operate(`/tenants/${tenant.tenantId}/top-ups`, { amount: '0.025' });
      const [a, b, left] = [await tag('a'), await tag('b'), await tag('left out')];
      const attributes = { city: 'Ankara' };
      for (const [phone, tags, own] of [
        [turkish(1), [a], attributes],
        [turkish(2), [a, b], attributes],
        [turkish(3), [b], attributes],
        [turkish(4), [b], {}],
        [turkish(5), [a], attributes],
        [turkish(6), [a], attributes],
        [turkish(7), [a, left], attributes],
        ['5511987654321', [a], attributes],
        ['551187654321', [b], attributes],
      ] as const)
        await place.api('/contacts', { phone: `+${phone}`, tags, attributes: own });
      await place.api(`/opt-outs/${turkish(5)}`, undefined, 'PUT');
      await must(
        call(`${gateway.simulatorUrl}/control/phones/${turkish(2)}/messages`, {
          body: { phone_number_id: tenant.phoneNumberId, text: 'hi' },
        }),
      );
      await until(async () => {
        const { windows } = await place.api<{ windows: unknown[] }>(`/conversations/${turkish(2)}`);
        return windows.length > 0;
      });
      const { id } = await place.api('/broadcasts', {
        name: 'forecast',
        message: offer('from {{city}}'),
        audience: {
          phones: [
            { phone: turkish(1), variables: { city: 'İzmir' } },
            { phone: turkish(11), variables: { city: 'Bursa' } },
            turkish(12),
          ],
          tags: [a, b],
          exclude: { phones: [turkish(6)], tags: [left] },
        },
      });
      const { finishesAt, perSecond, ...told } = await forecast(id);
      assert.deepEqual(told, {
        id,
        ...{ recipients: 8, invalid: 2, optedOut: 1, windowClosed: 0, inWindow: 1, outOfWindow: 5 },
        messages: 5,
        cost: { feeMicros: 5_000, priceMicros: 60_000, availableMicros: 25_000, covered: 2 },
        messagingLimit: null,
      });
      assert.equal(perSecond, 960);
      assert.ok(Date.parse(finishesAt) <= Date.now() + 1_000);
      const limited = await forecast(id, 'limit=2');
      assert.deepEqual([limited.recipients, limited.messages], [8, 2]);
      assert.deepEqual(limited.cost, {
        ...{ feeMicros: 2_000, priceMicros: 20_000, availableMicros: 25_000, covered: 2 },
      });

      await operate(`/tenants/${tenant.tenantId}/top-ups`, { amount: '1' });
      await place.api(`/broadcasts/${id}/launch`, {});
      const ended = await place.untilState(id, 'completed');
      assert.deepEqual(
        [ended.recipients, ended.skipped, ended.progress.taken],
        [told.recipients, told.invalid + told.optedOut, told.messages],
      );
      const late = await call<{ detail: string }>(`${gateway.url}/api/v1/broadcasts/${id}/forecast`, {
        key: tenant.key,
      });
      assert.equal(late.status, 409);
      assert.match(late.body.detail, /It is completed; a forecast is of a draft\./);
    });

    test('the time it takes: at its own rate, from its start, to the last time zone', async () => {
      const phones = Array.from({ length: 20 }, (_, i) => turkish(20 + i));
      const make = async (more: object) =>
        (
          await place.api('/broadcasts', {
            name: 'time',
            message: offer('x'),
            audience: { phones },
            ...more,
          })
        ).id;
      const later = await forecast(await make({ perSecond: 0.5, schedule: { at: '2126-12-01T10:00:00Z' } }));
      assert.deepEqual([later.perSecond, later.finishesAt], [0.5, '2126-12-01T10:00:40.000Z']);
      await place.api('/contacts', { phone: '+12125550123', timeZone: 'America/New_York' });
      const id = await make({
        schedule: { at: '2126-12-01T10:00', timeZone: 'Europe/Istanbul', perRecipient: true },
        audience: { phones: [...phones, '+12125550123'] },
      });
      assert.equal((await forecast(id)).finishesAt, '2126-12-01T15:00:00.000Z');
    });

    test("Meta's limit of people who are written to unasked", async () => {
      const { tenant, gateway } = place;
      const [number] = (await place.api<{ data: { displayNumber: string }[] }>('/numbers')).data;
      await must(
        call(`${gateway.simulatorUrl}/control/accounts/${tenant.wabaId}/changes`, {
          body: {
            field: 'phone_number_quality_update',
            value: {
              ...{ display_phone_number: number!.displayNumber, event: 'DOWNGRADE' },
              max_daily_conversations_per_business: 'TIER_50',
            },
          },
        }),
      );
      const phones = Array.from({ length: 60 }, (_, i) => `9053300000${String(i).padStart(2, '0')}`);
      const { id } = await place.api('/broadcasts', {
        ...{ name: 'limit', message: offer('x'), audience: { phones } },
      });
      await until(async () => (await forecast(id)).messagingLimit !== null);
      // Five have been written to by the first of these tests.
      const { messagingLimit } = await forecast(id);
      assert.deepEqual(messagingLimit, { tier: 'TIER_50', most: 50, left: 45, exceeding: 15 });
    });

    test('content that needs an open window, and a tenant that pays nothing here', async () => {
      const ask = <T>(path: string, body?: unknown) =>
        must<T>(
          call(`${place.gateway.url}/api/v1${path}`, {
            key: demoKey,
            ...(body === undefined ? {} : { body }),
          }),
        );
      const { id } = await ask<{ id: string }>('/broadcasts', {
        name: 'text',
        message: { type: 'text', text: { body: 'Hello {{name|you}}' } },
        audience: { phones: ['+905321234567', '+905329999901', '+905329999902'] },
      });
      const told = await ask<Forecast>(`/broadcasts/${id}/forecast`);
      assert.deepEqual(
        [told.recipients, told.inWindow, told.outOfWindow, told.windowClosed, told.messages, told.cost],
        [3, 1, 2, 2, 1, null],
      );
    });
  });
});
