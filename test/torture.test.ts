/** The short form of `npm run torture`, and that its oracle sees what it is there to see. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import type { Heard } from '../torture/customers.ts';
import { judgeLimits } from '../torture/limits.ts';
import type { Asked, Written } from '../torture/load.ts';
import { type AtPhone, judge, judgeIncoming, judgeMoney, judgePace, type Row } from '../torture/oracle.ts';
import { makePlan } from '../torture/plan.ts';
import { createRandom } from '../torture/random.ts';
import { judgeTold } from '../torture/told.ts';

const root = join(import.meta.dirname, '..');

describe('the short form', () => {
  for (const engine of ['sqlite', 'postgres']) {
    const missing = engine === 'postgres' && process.env.WAGATE_TEST_POSTGRES === undefined;
    test(engine, { skip: missing && 'no PostgreSQL server program found' }, async () => {
      const args = ['torture/run.ts', '--short', '--json', '--engine', engine];
      const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
      const [out, schedule, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'exit'),
      ]);
      assert.equal(code, 0, `${schedule}${out}`);
      const { done, requests, bitten, incoming, microsCharged, microsAstray, told } = JSON.parse(out) as {
        told: { taken: number };
        bitten: { limit: number; balance: number };
        microsCharged: number;
        microsAstray: number;
        done: { kills: number; silences: number };
        requests: { taken: number };
        incoming: number;
      };
      assert.ok(done.kills >= 3, out);
      assert.ok(done.silences >= 1, out);
      assert.ok(requests.taken >= 10, out);
      assert.ok(bitten.limit > 0 && bitten.balance > 0, out);
      assert.ok(incoming >= 10, out);
      assert.ok(told.taken >= 50, out);
      assert.ok(microsCharged > 0, out);
      assert.equal(microsAstray, 0, out);
    });
  }
});

test('a seed repeats a plan', () => {
  const shape = {
    engine: 'postgres',
    short: false,
    calm: false,
    kills: 50,
    processes: 2,
    tenants: 4,
  } as const;
  assert.deepEqual(makePlan(createRandom(7), shape), makePlan(createRandom(7), shape));
  assert.notDeepEqual(makePlan(createRandom(7), shape), makePlan(createRandom(8), shape));
});

describe('the oracle', () => {
  const phone = '905000000001';
  const asked: Asked = {
    n: 0,
    tenant: 0,
    door: 'native',
    phones: [phone],
    at: 0,
    answeredAt: 0,
    times: 1,
    told: { kind: 'taken', bite: null, status: 200, id: 'A', wamid: 'wamid.A', text: '' },
  };
  const row: Row = { tenant: 0, id: 'A', status: 'read', wamid: 'wamid.A', to: `+${phone}`, error: null };
  const there: AtPhone = {
    wamid: 'wamid.A',
    phoneNumberId: 'first',
    to: phone,
    bizOpaqueCallbackData: 'A',
    statuses: [{ status: 'read', at: 0, deliveredWebhookAt: 0 }],
  };
  const told = (kind: Asked['told']['kind']): Asked => ({
    ...asked,
    told: { ...asked.told, kind, id: null, wamid: null },
  });
  const kindsOf = (asks: Asked[], rows: Row[], phones: AtPhone[]) => [
    ...new Set(judge(asks, rows, phones, ['first', 'second']).offences.map(({ kind }) => kind)),
  ];

  const cases: [string, Asked[], Row[], AtPhone[], string[]][] = [
    ['all is well', [asked], [row], [there], []],
    ['taken, and there is no row', [asked], [], [], ['lost']],
    ['taken, and still queued', [asked], [{ ...row, status: 'queued', wamid: 'wamid.A' }], [], ['lost']],
    ['taken, and visibly failed', [told('taken')], [{ ...row, status: 'failed', wamid: null }], [], []],
    ['unknown, and nothing came of it', [told('unknown')], [], [], []],
    ['unknown, and stuck', [told('unknown')], [{ ...row, status: 'sending' }], [], ['lost']],
    ['sent twice', [asked], [row], [there, { ...there, wamid: 'wamid.B' }], ['doubled', 'disagreement']],
    [
      'one request, two messages',
      [asked],
      [row, { ...row, id: 'B', wamid: 'wamid.B' }],
      [there],
      ['doubled'],
    ],
    ['at a phone, unknown to us', [told('unknown')], [], [there], ['astray']],
    ['at another phone', [asked], [row], [{ ...there, to: '905000000002' }], ['astray', 'lost']],
    [
      'from the number of another tenant',
      [asked],
      [row],
      [{ ...there, phoneNumberId: 'second' }],
      ['astray'],
    ],
    ['refused, and sent', [told('no')], [row], [there], ['astray']],
    [
      'refused for its balance, and kept',
      [{ ...told('no'), told: { ...told('no').told, bite: 'balance' } }],
      [{ ...row, status: 'failed' }],
      [],
      ['astray'],
    ],
    ['read, and not known as read', [asked], [{ ...row, status: 'delivered' }], [there], ['disagreement']],
    [
      'uncertain, and settled by nobody',
      [asked],
      [{ ...row, status: 'uncertain' }],
      [there],
      ['disagreement'],
    ],
    [
      'told another id',
      [asked],
      [{ ...row, id: 'B' }],
      [{ ...there, bizOpaqueCallbackData: 'B' }],
      ['disagreement'],
    ],
  ];
  for (const [name, asks, rows, phones, expected] of cases) {
    test(name, () => assert.deepEqual(kindsOf(asks, rows, phones).sort(), expected.sort()));
  }

  const written: Written = { tenant: 0, phone: '906', wamid: 'wamid.I' };
  for (const [name, found, expected] of [
    ['in the conversation', [written], []],
    ['not in the conversation', [], ['lost']],
    ['there twice', [written, written], ['doubled']],
    ["in another tenant's", [{ ...written, tenant: 1 }], ['lost', 'astray']],
  ] as const) {
    test(`written by a phone, and ${name}`, () =>
      assert.deepEqual(
        judgeIncoming([written], [...found]).map(({ kind }) => kind),
        expected,
      ));
  }

  test('a number at twice its rate', () => {
    const offences = judgePace({ first: 84, second: 160 }, 80);
    assert.deepEqual(
      offences.map(({ kind, what }) => [kind, what]),
      [['overrun', 'number second sent 160 in a second and may send 80']],
    );
  });

  const failed: AtPhone = {
    ...there,
    wamid: 'wamid.F',
    bizOpaqueCallbackData: 'F',
    statuses: [{ status: 'failed', at: 0, deliveredWebhookAt: 0 }],
  };
  const unsettled: Row = { ...row, id: 'U', status: 'uncertain', wamid: null };
  for (const [name, charged, held, astray] of [
    [
      'the fee of both, the price of what was delivered, the hold of what is in doubt',
      2_000 + 5_000,
      6_000,
      0,
    ],
    ['a price twice', 2_000 + 10_000, 6_000, 5_000],
    ['a price of what failed, and nothing held', 2_000 + 10_000, 0, 11_000],
    ['nothing', 0, 0, 13_000],
  ] as const) {
    test(`paid: ${name}`, () => {
      const money = [{ tenant: 0, given: 100_000, toppedUp: 100_000, charged, held }];
      const rates = { fee: 1_000, price: 5_000 };
      const verdict = judgeMoney(money, [row, unsettled], [there, failed], ['first'], rates);
      assert.equal(verdict.microsAstray, astray);
      assert.equal(verdict.offences.length > 0, astray > 0);
    });
  }

  test('paid: more than was given, and a top-up that went astray', () => {
    const money = [{ tenant: 0, given: 6_000, toppedUp: 5_999, charged: 6_000, held: 0 }];
    const { offences, microsAstray } = judgeMoney(money, [row], [there], ['first'], {
      fee: 1_000,
      price: 5_000,
    });
    assert.deepEqual([offences.length, microsAstray], [2, 1]);
  });

  const limits = { perSecond: 2, perMinute: 4 };
  const use = (at: number, bite: Asked['told']['bite'] = null, ms = 10): Asked => ({
    ...{ ...asked, at, answeredAt: at + ms },
    told: { ...asked.told, kind: bite === null ? 'taken' : 'no', bite },
  });
  for (const [name, asks, steps, expected] of [
    ['within its limits', [use(0), use(10), use(1_000), use(1_010), use(60_000)], [], 0],
    ['one too many in a second', [use(0), use(10), use(900)], [], 1],
    ['perhaps one too many in a second', [use(0), use(10), use(900, null, 200)], [], 0],
    ['one too many in a second, and the clock was set', [use(0), use(10), use(900)], [500], 0],
    ['one too many in a minute', [use(0), use(1_000), use(2_000), use(3_000), use(4_000)], [], 1],
    ['refused with reason', [use(0), use(10), use(900, 'limit')], [], 0],
    ['refused without', [use(0), use(900, 'limit')], [], 1],
    [
      'refused, and one that nobody knows of may have come before',
      [use(0), { ...told('unknown'), at: -9_000, answeredAt: -1_000 }, use(900, 'limit')],
      [],
      0,
    ],
    ['refused after the clock was set', [use(0), use(900, 'limit')], [500], 0],
  ] as const) {
    test(`a key ${name}`, () => assert.equal(judgeLimits([...asks], limits, [...steps]).length, expected));
  }

  test('uncertain, and at no phone: no offence, and told with its reason', () => {
    const uncertain = { ...row, status: 'uncertain', wamid: null, error: { reason: 'reset' } };
    const verdict = judge([told('taken')], [uncertain], [], ['first']);
    assert.deepEqual(verdict, { offences: [], uncertain: [{ id: 'A', tenant: 0, reason: 'reset' }] });
  });
});

describe('the oracle of endpoints', () => {
  const row: Row = { tenant: 0, id: 'A', status: 'delivered', wamid: 'wamid.A', to: '905', error: null };
  const phone: AtPhone = {
    ...{ wamid: 'wamid.A', phoneNumberId: 'first', to: '905', bizOpaqueCallbackData: 'A' },
    statuses: ['sent', 'delivered'].map(status => ({ status, at: 1, deliveredWebhookAt: 2 })),
  };
  const written: Written = { tenant: 1, phone: '906', wamid: 'wamid.IN' };
  const fact = (what: string, more: Partial<Heard> = {}): Heard => ({
    ...{ tenant: 0, format: 'standard', what, subject: 'A', conversation: '7 905', taken: true },
    eventId: what,
    ...more,
  });
  const meta = (what: string, more: Partial<Heard> = {}) =>
    fact(what, { format: 'meta', subject: 'wamid.A', eventId: null, conversation: null, ...more });
  const incoming = (['standard', 'meta'] as const).map(format =>
    fact('message', { ...{ format, tenant: 1, subject: 'wamid.IN', conversation: '8 906' } }),
  );
  const all = [
    fact('delivered'),
    fact('sent', { eventId: 'z' }),
    meta('sent'),
    meta('delivered'),
    ...incoming,
  ];
  const kinds = (heard: Heard[], ordered = true) =>
    judgeTold(heard, [row], [phone], [written], 2, ordered).map(({ kind }) => kind);

  test('sees nothing where everything was told, also twice', () => {
    assert.deepEqual(kinds([...all, fact('delivered')]), []);
  });
  test('sees what was never taken', () => {
    assert.deepEqual(kinds([...all.slice(1), fact('delivered', { taken: false })]), ['lost']);
    assert.deepEqual(kinds(all.slice(0, -1)), ['lost']);
  });
  test('sees what another tenant was told', () => {
    assert.deepEqual(kinds([...all, fact('sent', { tenant: 1 })]), ['astray']);
    assert.deepEqual(kinds([...all, meta('sent', { subject: 'wamid.unknown' })]), ['astray']);
  });
  test('sees a fact that became two events', () => {
    assert.deepEqual(kinds([...all, fact('sent', { eventId: 'zz' })]), ['doubled']);
  });
  test('sees the wrong order, unless clocks were set', () => {
    const turned = [fact('sent', { eventId: 'z' }), fact('delivered'), ...all.slice(2)];
    assert.deepEqual(kinds(turned), ['disagreement']);
    assert.deepEqual(kinds(turned, false), []);
  });
});
