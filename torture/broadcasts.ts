/** A tenant's marketing department: launches broadcasts, pauses, resumes and cancels some of them, and writes down what it was told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../test/harness/programs.ts';
import type { TestTenant } from '../test/harness/tenant.ts';
import type { Asked } from './load.ts';
import type { Offence, Row } from './oracle.ts';
import type { Random } from './random.ts';

export interface Launched {
  tenant: number;
  /** Nobody else's. */
  name: string;
  phones: string[];
  at: number;
  told: 'taken' | 'no' | 'unknown';
}

/** As the gateway tells it at the end. */
export interface BroadcastRow {
  tenant: number;
  id: string;
  name: string;
  state: string;
  recipients: number;
  skipped: number;
  progress: { taken: number };
}

export interface Broadcasts {
  launched: Launched[];
  /** Pauses, resumes and cancellations that were answered with a yes. */
  moves: number;
  stop(): Promise<void>;
}

const peopleMost = 40;

export function startBroadcasts(
  url: string,
  tenants: TestTenant[],
  random: Random,
  pauseMaxMs: number,
): Broadcasts {
  const launched: Launched[] = [];
  let stopping = false;
  let moves = 0;
  let phone = 0;

  /** undefined: nobody answered. */
  const ask = (tenant: number, path: string, body?: unknown) =>
    call<{ id?: string }>(`${url}/api/v1/broadcasts${path}`, {
      ...{ key: tenants[tenant]!.key, method: 'POST' },
      ...(body === undefined ? {} : { body }),
    }).catch(() => undefined);

  async function department(): Promise<void> {
    for (let n = 0; !stopping; n++) {
      await sleep(random.whole(0, pauseMaxMs));
      const tenant = random.whole(0, tenants.length - 1);
      const phones = Array.from({ length: random.whole(2, peopleMost) }, () =>
        String(907_000_000_000 + phone++),
      );
      const one: Launched = { tenant, name: `torture ${n}`, phones, at: Date.now(), told: 'unknown' };
      launched.push(one);
      const answer = await ask(tenant, '', {
        ...{ name: one.name, message: { type: 'text', text: { body: 'hello' } }, launch: true },
        audience: { phones: phones.map(digits => `+${digits}`) },
      });
      if (answer === undefined || answer.status >= 500) continue;
      one.told = answer.status < 300 ? 'taken' : 'no';
      const { id } = answer.body;
      if (id === undefined || !random.chance(0.6)) continue;
      const last = random.chance(0.5) ? 'resume' : 'cancel';
      for (const verb of ['pause', last]) {
        await sleep(random.whole(0, 1_000));
        const moved = await ask(tenant, `/${id}/${verb}`, verb === 'resume' ? {} : undefined);
        if (moved !== undefined && moved.status < 300) moves++;
      }
    }
  }

  const running = department();
  running.catch(() => undefined);
  return {
    launched,
    get moves() {
      return moves;
    },
    async stop() {
      stopping = true;
      await running;
    },
  };
}

/** All there are, once none of them moves any more. What pauses is resumed, and canceled where it pauses again: there is no more money. */
export async function endBroadcasts(
  url: string,
  tenants: TestTenant[],
  timeoutMs: number,
): Promise<BroadcastRow[]> {
  const deadline = Date.now() + timeoutMs;
  const resumed = new Set<string>();
  for (;;) {
    const rows: BroadcastRow[] = [];
    for (const [tenant, { key }] of tenants.entries()) {
      const api = <T>(path: string, method = 'GET', body?: unknown) =>
        call<T>(`${url}/api/v1/broadcasts${path}`, { key, method, ...(body === undefined ? {} : { body }) });
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: { body: { data: { id: string }[]; next: string | null } } = await api(
          `?limit=200${cursor && `&cursor=${cursor}`}`,
        );
        for (const { id } of page.body.data) {
          const { body } = await api<Omit<BroadcastRow, 'tenant'>>(`/${id}`);
          rows.push({ tenant, ...body });
          if (body.state !== 'paused') continue;
          if (resumed.has(id)) await api(`/${id}/cancel`, 'POST');
          else await api(`/${id}/resume`, 'POST', {});
          resumed.add(id);
        }
        cursor = page.body.next;
      }
    }
    if (rows.every(({ state }) => state === 'completed' || state === 'canceled')) return rows;
    if (Date.now() > deadline) return rows;
    await sleep(300);
  }
}

/** To the oracle each recipient is a request of its own, which may have come to a message or not; what must be is judged below. */
export const askedOf = (launched: Launched[]): Asked[] =>
  launched.flatMap(({ tenant, phones, at, told }, n) =>
    phones.map(
      (phone): Asked => ({
        ...{ n, tenant, door: 'broadcast', phones: [phone], at, answeredAt: at, times: 1 },
        told: {
          ...{ kind: told === 'no' ? 'no' : 'unknown', bite: null, status: null, id: null, wamid: null },
          text: told,
        },
      }),
    ),
  );

/** What was launched is there, everybody is in its ledger once, and has a message unless it was canceled first. */
export function judgeBroadcasts(launched: Launched[], found: BroadcastRow[], rows: Row[]): Offence[] {
  const offences: Offence[] = [];
  const blame = (kind: Offence['kind'], what: string, tenant: number, id: string | null) =>
    offences.push({ kind, what, tenant, id, asked: null, row: null, atPhone: [] });
  const byName = Map.groupBy(found, ({ tenant, name }) => `${tenant} ${name}`);
  const byPhone = Map.groupBy(rows, ({ to }) => to.replace(/\D/g, ''));
  for (const { tenant, name, phones, told } of launched) {
    const own = byName.get(`${tenant} ${name}`) ?? [];
    const [one] = own;
    if (own.length > 1)
      blame('doubled', `${name}: launched once, and there are ${own.length}`, tenant, own[1]!.id);
    if (told === 'taken' && one === undefined) blame('lost', `${name}: taken, and not there`, tenant, null);
    if (told === 'no' && one !== undefined) blame('astray', `${name}: refused, and there`, tenant, one.id);
    if (one === undefined) continue;
    const messages = phones.filter(phone => byPhone.has(phone)).length;
    if (one.recipients !== phones.length)
      blame('lost', `${name}: ${one.recipients} of ${phones.length} are in the ledger`, tenant, one.id);
    if (messages !== one.progress.taken)
      blame(
        'disagreement',
        `${name}: ${messages} messages, ${one.progress.taken} by the ledger`,
        tenant,
        one.id,
      );
    if (one.state === 'completed' && messages + one.skipped !== phones.length)
      blame('lost', `${name}: completed with ${messages} messages for ${phones.length}`, tenant, one.id);
    if (one.state !== 'completed' && one.state !== 'canceled')
      blame('lost', `${name}: ${one.state} at the end`, tenant, one.id);
  }
  return offences;
}
