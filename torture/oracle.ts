/** Compares what callers were told with what phones got and with what the gateway says. Pure: it is tested on invented runs. */
import type { Asked, Written } from './load.ts';

/** A message as `GET /api/v1/messages` tells it. */
export interface Row {
  tenant: number;
  id: string;
  status: string;
  wamid: string | null;
  to: string;
  error: { reason: string } | null;
}

/** A message at a phone, as the simulator tells it. */
export interface AtPhone {
  wamid: string;
  phoneNumberId: string;
  to: string;
  bizOpaqueCallbackData: string;
  statuses: { status: string; at: number; deliveredWebhookAt: number | null }[];
}

export interface Offence {
  kind: 'lost' | 'doubled' | 'astray' | 'disagreement' | 'overrun' | 'limit' | 'money';
  what: string;
  tenant: number;
  id: string | null;
  asked: Asked | null;
  row: Row | null;
  atPhone: AtPhone[];
}

export interface Verdict {
  offences: Offence[];
  /** Never settled and never at a phone, by reason: Meta did not read them, or nobody can know. */
  uncertain: { id: string; tenant: number; reason: string }[];
}

/** What a caller or an operator sees as an end without delivery. */
const ended = new Set(['failed', 'expired', 'canceled', 'uncertain']);

export function judge(asked: Asked[], rows: Row[], atPhones: AtPhone[], phoneNumberIds: string[]): Verdict {
  const offences: Offence[] = [];
  const uncertain: Verdict['uncertain'] = [];
  const rowById = new Map(rows.map(row => [row.id, row]));
  const rowsByPhone = Map.groupBy(rows, ({ to }) => digits(to));
  const phonesById = Map.groupBy(atPhones, message => message.bizOpaqueCallbackData);
  const phonesByTo = Map.groupBy(atPhones, ({ to }) => to);
  const askedByPhone = new Map(asked.flatMap(one => one.phones.map(phone => [phone, one] as const)));

  const blame = (kind: Offence['kind'], what: string, phone: string, row: Row | null) => {
    const one = askedByPhone.get(phone) ?? null;
    const atPhone = phonesByTo.get(phone) ?? [];
    offences.push({
      kind,
      what,
      tenant: one?.tenant ?? row?.tenant ?? -1,
      id: row?.id ?? null,
      asked: one,
      row,
      atPhone,
    });
  };

  for (const one of asked) for (const phone of one.phones) judgePhone(one, phone);
  for (const message of atPhones) judgeMessage(message);
  for (const row of rows) {
    const one = askedByPhone.get(digits(row.to));
    if (one === undefined || one.tenant !== row.tenant)
      blame('astray', 'a message that no caller of this tenant asked for', digits(row.to), row);
  }
  return { offences, uncertain };

  function judgePhone({ told, phones }: Asked, phone: string): void {
    const mine = rowsByPhone.get(phone) ?? [];
    const got = phonesByTo.get(phone) ?? [];
    const [row = null] = mine;
    if (mine.length > 1) blame('doubled', `one request, ${mine.length} messages`, phone, row);
    if (got.length > 1) blame('doubled', `the phone got ${got.length} messages for one request`, phone, row);
    if (told.kind === 'taken' && row === null)
      blame('lost', 'taken, and there is no such message', phone, null);
    if (told.kind === 'taken' && row !== null && phones.length === 1) {
      if (told.id !== null && told.id !== row.id) blame('disagreement', `told id ${told.id}`, phone, row);
      if (told.wamid !== null && told.wamid !== row.wamid)
        blame('disagreement', `told ${told.wamid}`, phone, row);
    }
    if (told.kind === 'no' && got.some(({ statuses }) => statuses.every(({ status }) => status !== 'failed')))
      blame('astray', `refused (${told.status ?? told.text}), and sent`, phone, row);
    if (told.bite !== null && row !== null)
      blame('astray', `refused for its ${told.bite}, and kept`, phone, row);
    if (row === null || got.length > 0) return;
    if (!ended.has(row.status)) blame('lost', `${row.status} at the end, and not at the phone`, phone, row);
    if (row.status === 'uncertain')
      uncertain.push({
        id: row.id,
        tenant: row.tenant,
        reason: row.error?.reason ?? 'no reason told',
      });
  }

  function judgeMessage(message: AtPhone): void {
    const { bizOpaqueCallbackData: id, to } = message;
    const row = rowById.get(id);
    if (row === undefined) {
      blame('astray', `at the phone, unknown to the gateway (${id})`, to, null);
      return;
    }
    if (phonesById.get(id)!.length > 1 && phonesById.get(id)![0] === message)
      blame('doubled', `one message, ${phonesById.get(id)!.length} times at phones`, to, row);
    if (digits(row.to) !== to) blame('astray', `meant for ${row.to}, at ${to}`, to, row);
    if (phoneNumberIds[row.tenant] !== message.phoneNumberId)
      blame('astray', `sent from ${message.phoneNumberId}, a number of another tenant`, to, row);
    if (row.wamid !== message.wamid) blame('disagreement', `the phone has ${message.wamid}`, to, row);
    const last = message.statuses.map(({ status }) => status).at(-1);
    if (last !== undefined && last !== row.status)
      blame('disagreement', `${last} at the phone, ${row.status} in the gateway`, to, row);
  }
}

/** What phones wrote against what the tenants' conversations tell. */
export function judgeIncoming(written: Written[], found: Written[]): Offence[] {
  const offence = (kind: Offence['kind'], what: string, { tenant, wamid }: Written): Offence => ({
    ...{ kind, what: `${what}: ${wamid}`, tenant, id: null },
    ...{ asked: null, row: null, atPhone: [] },
  });
  const name = ({ tenant, phone, wamid }: Written) => `${tenant} ${phone} ${wamid}`;
  const wrote = new Set(written.map(name));
  const times = Map.groupBy(found, name);
  return [
    ...written
      .filter(one => !times.has(name(one)))
      .map(one => offence('lost', 'written by a phone, and not in the conversation', one)),
    ...[...times.values()]
      .filter(those => those.length > 1)
      .map(([one]) => offence('doubled', 'written once by a phone', one!)),
    ...found
      .filter(one => !wrote.has(name(one)))
      .map(one => offence('astray', 'in a conversation, and not written to this tenant', one)),
  ];
}

/**
 * Numbers that sent faster than they may. The margin is for the machine: whoever starves a process and lets go makes what waited
 * arrive together. A pace that is broken shows as twice the rate and more.
 */
export function judgePace(peaks: Record<string, number>, perSecond: number): Offence[] {
  return Object.entries(peaks)
    .filter(([, peak]) => peak > perSecond * 1.5)
    .map(([number, peak]) => ({
      ...{ kind: 'overrun', tenant: -1, id: null, asked: null, row: null, atPhone: [] },
      what: `number ${number} sent ${peak} in a second and may send ${perSecond}`,
    }));
}

/** What a tenant's balance says at the end, in micros, and what it must have been given. */
export interface Money {
  tenant: number;
  given: number;
  toppedUp: number;
  charged: number;
  held: number;
}

export interface Rates {
  fee: number;
  price: number;
}

/**
 * What callers sent against what they paid: the fee for each message at a phone, the price for each that a phone told to be delivered,
 * and held what nobody can know yet; never more than what it was given. Everything is at rest, so that nothing else may be held. Returns the micros that are astray, too.
 */
export function judgeMoney(
  money: Money[],
  rows: Row[],
  atPhones: AtPhone[],
  phoneNumberIds: string[],
  { fee, price }: Rates,
): { offences: Offence[]; microsAstray: number } {
  let microsAstray = 0;
  const offences: Offence[] = [];
  const gotBy = new Set(atPhones.map(({ bizOpaqueCallbackData: id }) => id));
  const offend = (tenant: number, what: string) =>
    offences.push({
      ...{ kind: 'money', tenant, id: null, asked: null, row: null, atPhone: [] },
      what: `tenant ${tenant}: ${what}`,
    });
  for (const { tenant, given, toppedUp, charged, held } of money) {
    if (charged + held > toppedUp)
      offend(tenant, `${charged} micros charged and ${held} held of ${toppedUp} topped up`);
    const mine = atPhones.filter(({ phoneNumberId }) => phoneNumberIds[tenant] === phoneNumberId);
    const delivered = mine.filter(({ statuses }) =>
      statuses.some(({ status }) => status === 'delivered' || status === 'read'),
    );
    const inDoubt = rows.filter(
      row => row.tenant === tenant && row.status === 'uncertain' && !gotBy.has(row.id),
    );
    const expected = {
      toppedUp: given,
      charged: mine.length * fee + delivered.length * price,
      held: inDoubt.length * (fee + price),
    };
    for (const [name, is] of Object.entries({ toppedUp, charged, held })) {
      const apart = is - expected[name as keyof typeof expected];
      if (apart === 0) continue;
      microsAstray += Math.abs(apart);
      offend(tenant, `${is} micros ${name}, and ${is - apart} by what was given and what reached phones`);
    }
  }
  return { offences, microsAstray };
}

const digits = (phone: string) => phone.replace(/\D/g, '');
