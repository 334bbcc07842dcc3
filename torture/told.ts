/** What endpoints were told against what happened: every fact, to whom it belongs, as one event. Pure: it is tested on invented runs. */
import type { Heard } from './customers.ts';
import type { Written } from './load.ts';
import type { AtPhone, Offence, Row } from './oracle.ts';

/** What a row says at its end that Meta may not have said. */
const endings = new Set(['failed', 'expired', 'canceled', 'uncertain']);

/** `ordered`: no clock was set during the run, which the order of events follows. */
export function judgeTold(
  heard: Heard[],
  rows: Row[],
  atPhones: AtPhone[],
  written: Written[],
  tenants: number,
  ordered: boolean,
): Offence[] {
  const offences: Offence[] = [];
  const blame = (kind: Offence['kind'], what: string, tenant: number, row: Row | null = null) =>
    offences.push({ kind, what, tenant, id: row?.id ?? null, asked: null, row, atPhone: [] });
  const rowById = new Map(rows.map(row => [row.id, row]));
  const rowByWamid = new Map(rows.flatMap(row => (row.wamid === null ? [] : [[row.wamid, row] as const])));
  const wrote = new Map(written.map(one => [one.wamid, one]));
  const name = (tenant: number, format: string, what: string, subject: string) =>
    `${tenant} ${format} ${what} ${subject}`;
  const taken = new Set(
    heard.filter(one => one.taken).map(one => name(one.tenant, one.format, one.what, one.subject)),
  );

  function expect(tenant: number, format: Heard['format'], what: string, subject: string, row: Row | null) {
    if (!taken.has(name(tenant, format, what, subject)))
      blame('lost', `${what} of ${subject} was not told to the ${format} endpoint`, tenant, row);
  }

  for (const message of atPhones) {
    const row = rowById.get(message.bizOpaqueCallbackData);
    if (row === undefined) continue;
    for (const { status, deliveredWebhookAt } of message.statuses) {
      if (deliveredWebhookAt === null) continue;
      expect(row.tenant, 'standard', status, row.id, row);
      expect(row.tenant, 'meta', status, message.wamid, row);
    }
  }
  for (const row of rows)
    if (endings.has(row.status)) expect(row.tenant, 'standard', row.status, row.id, row);
  for (const { tenant, wamid } of written) {
    expect(tenant, 'standard', 'message', wamid, null);
    expect(tenant, 'meta', 'message', wamid, null);
  }

  for (const { tenant, what, subject, format } of heard) {
    const owner =
      what === 'message'
        ? wrote.get(subject)?.tenant
        : (rowById.get(subject) ?? rowByWamid.get(subject))?.tenant;
    if (owner !== tenant) blame('astray', `${what} of ${subject} was told to ${format} of another`, tenant);
  }

  for (let tenant = 0; tenant < tenants; tenant++) {
    const mine = heard.filter(one => one.tenant === tenant && one.format === 'standard');
    for (const [fact, those] of Map.groupBy(mine, ({ what, subject }) => `${what} of ${subject}`)) {
      const events = new Set(those.map(({ eventId }) => eventId));
      if (events.size > 1) blame('doubled', `${fact} is ${events.size} events`, tenant);
    }
    if (!ordered) continue;
    for (const [conversation, those] of Map.groupBy(mine, one => one.conversation)) {
      const firsts = [...new Set(those.filter(one => one.taken).map(({ eventId }) => eventId!))];
      if (firsts.some((id, i) => i > 0 && id < firsts[i - 1]!))
        blame('disagreement', `events of conversation ${conversation} were told out of order`, tenant);
    }
  }
  return offences;
}
