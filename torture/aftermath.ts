/** After the chaos: wait until nothing moves any more, then read everything there is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../test/harness/programs.ts';
import { must, type TestTenant } from '../test/harness/tenant.ts';
import { control } from './chaos.ts';
import type { Customers } from './customers.ts';
import type { Written } from './load.ts';
import type { AtPhone, Money, Row } from './oracle.ts';

/** What a message is on its way through; `uncertain` may stay, the oracle looks at those. */
const onTheWay = ['scheduled', 'queued', 'sending', 'accepted', 'sent', 'delivered'];

interface Place {
  gatewayUrl: string;
  simulatorUrl: string;
  tenants: TestTenant[];
}

/** True when all messages came to an end, all webhooks arrived and customers know all within the time; the milliseconds it took. */
export async function settle(
  place: Place,
  timeoutMs: number,
  customers?: Pick<Customers, 'pending'>,
): Promise<{ settled: boolean; ms: number }> {
  const startedAt = Date.now();
  await control(place.simulatorUrl, '/control/faults', 'DELETE');
  await control(place.simulatorUrl, '/control/settings', 'PUT', { paused: false, shuffle: false });
  for (;;) {
    const settled = (await isQuiet(place)) && (await isIdle(place)) && (await knowAll(place, customers));
    const ms = Date.now() - startedAt;
    if (settled || ms > timeoutMs) return { settled, ms };
    await sleep(100);
  }
}

const knowAll = async ({ gatewayUrl }: Place, customers: Pick<Customers, 'pending'> | undefined) =>
  customers === undefined || (await customers.pending(gatewayUrl)) === 0;

/** The simulator answers when every status is made and delivered: the signal that is waited on. */
async function isIdle({ simulatorUrl }: Place): Promise<boolean> {
  return (await call(`${simulatorUrl}/control/idle?timeout_ms=1000`)).status === 200;
}

async function isQuiet(place: Place): Promise<boolean> {
  if (!(await isIdle(place))) return false;
  for (const { key } of place.tenants) {
    for (const status of onTheWay) {
      const url = `${place.gatewayUrl}/api/v1/messages?status=${status}&limit=1`;
      const answer = await call<{ data?: unknown[] }>(url, { key });
      if (answer.status !== 200 || answer.body.data?.length !== 0) return false;
    }
  }
  return true;
}

export async function readRows({ gatewayUrl, tenants }: Place): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [tenant, { key }] of tenants.entries()) {
    for (let cursor: string | null = ''; cursor !== null; ) {
      const url: string = `${gatewayUrl}/api/v1/messages?limit=200${cursor && `&cursor=${cursor}`}`;
      const page: { data: Omit<Row, 'tenant'>[]; next: string | null } = await must(call(url, { key }));
      for (const { id, status, wamid, to, error } of page.data)
        rows.push({ tenant, id, status, wamid, to, error });
      cursor = page.next;
    }
  }
  return rows;
}

export async function readPhones({ simulatorUrl }: Place): Promise<AtPhone[]> {
  const messages: AtPhone[] = [];
  for (let after = '0'; ; ) {
    const url = `${simulatorUrl}/control/received?limit=10000&after=${after}`;
    const page = await must<{ data: AtPhone[]; cursor: string }>(call(url));
    if (page.data.length === 0) return messages;
    messages.push(...page.data);
    after = page.cursor;
  }
}

/** What the gateway has of what these phones wrote. */
export async function readIncoming(place: Place, written: Written[]): Promise<Written[]> {
  const found: Written[] = [];
  for (const [tenant, { key }] of place.tenants.entries()) {
    for (const phone of new Set(written.map(one => one.phone))) {
      const url = `${place.gatewayUrl}/api/v1/conversations/${phone}`;
      const { incoming } = await must<{ incoming: { wamid: string }[] }>(call(url, { key }));
      for (const { wamid } of incoming) found.push({ tenant, phone, wamid });
    }
  }
  return found;
}

/** The most that reached each number in any one second. */
export async function readPeaks({ simulatorUrl }: Place): Promise<Record<string, number>> {
  const { phoneNumbers } = await must<{ phoneNumbers: Record<string, { peakPerSecond: number }> }>(
    call(`${simulatorUrl}/control/summary`),
  );
  return Object.fromEntries(
    Object.entries(phoneNumbers).map(([id, { peakPerSecond }]) => [id, peakPerSecond]),
  );
}

/** What each tenant's balance says; `given`: what it was topped up with, as the operator was told. */
export async function readMoney({ gatewayUrl, tenants }: Place, given: number[]): Promise<Money[]> {
  const money: Money[] = [];
  for (const [tenant, { key }] of tenants.entries()) {
    const { toppedUp, charged, held } = await must<
      Record<'toppedUp' | 'charged' | 'held', { micros: number }>
    >(call(`${gatewayUrl}/api/v1/balance`, { key }));
    money.push({
      ...{ tenant, given: given[tenant]!, toppedUp: toppedUp.micros },
      ...{ charged: charged.micros, held: held.micros },
    });
  }
  return money;
}

export async function readTimeline(place: Place, tenant: number, id: string): Promise<unknown> {
  const { key } = place.tenants[tenant]!;
  const { body } = await call(`${place.gatewayUrl}/api/v1/messages/${id}`, { key });
  return body.timeline ?? body;
}
