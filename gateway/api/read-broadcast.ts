/** What a request says of a broadcast becomes of ours: checked as a send is, with the fields named as the request names them. */
import type { BroadcastOptions } from '../broadcasts/broadcast.ts';
import type { NamedRecipient } from '../broadcasts/freeze.ts';
import { isLocalTime, momentOf } from '../broadcasts/schedule.ts';
import type { BroadcastDraft } from '../broadcasts/table.ts';
import { fill, variablesIn } from '../broadcasts/variables.ts';
import type { Content } from '../canonical/content.ts';
import type { JsonObject } from '../canonical/json.ts';
import { checkContent } from '../canonical/limits.ts';
import { type PhoneReader, phoneReader } from '../canonical/phone-number.ts';
import { type Issue, invalid, isRefusal, type Refusal, under } from '../canonical/refusal.ts';
import { isTimeZone } from '../contacts/read-contact.ts';
import { readSendAt } from '../dialects/native/options.ts';
import { readContent } from '../dialects/native/read.ts';
import { isBlank } from '../dialects/reading.ts';
import type { Principal } from '../http/authenticate.ts';
import { selectNumber } from '../http/select-number.ts';
import type { SendingNumber } from '../tenants/number-book.ts';
import { existingTags } from '../tenants/tags.ts';
import type { ApiDeps } from './api.ts';
import type { NewBroadcastBody } from './broadcast-forms.ts';
import { filterOf } from './contact-forms.ts';

export interface ReadBroadcast {
  draft: BroadcastDraft;
  numbers: [SendingNumber, ...SendingNumber[]];
  named: NamedRecipient[];
}

/** Everything but the state; `body` with all that it does not say left to its default. */
export async function readBroadcast(
  deps: Pick<ApiDeps, 'database' | 'numbers'>,
  principal: Principal,
  body: Omit<NewBroadcastBody, 'launch' | 'limit'>,
): Promise<ReadBroadcast | Refusal> {
  const numbers = await readNumbers(deps, principal, body.numbers);
  if (isRefusal(numbers)) return numbers;
  const content = readMessage(body.message as JsonObject, numbers.length > 1);
  if (isRefusal(content)) return content;
  const endpoint = body.endpoint ?? 'messages';
  if (endpoint === 'marketing_messages' && content.type !== 'template')
    return invalid('message.type', 'conflict', 'must be template when endpoint is marketing_messages');
  const audience = await readAudience(deps, principal.tenantId, body.audience ?? {});
  if (isRefusal(audience)) return audience;
  const schedule = readSchedule(body.schedule ?? {});
  if (isRefusal(schedule)) return schedule;
  const phones = await phoneReader();
  const named = readNamed(body.audience?.phones ?? [], phones);
  if (isRefusal(named)) return named;
  const { startAt, ...times } = schedule;
  const options: BroadcastOptions = {
    ...times,
    perSecond: body.perSecond ?? null,
    ttlMs: body.ttlSeconds === undefined ? null : body.ttlSeconds * 1_000,
    callbackData: body.callbackData ?? null,
    told: null,
  };
  const { name } = body;
  const numberIds = numbers.map(({ id }) => id);
  return { draft: { name, content, endpoint, numberIds, audience, options, startAt }, numbers, named };
}

async function readNumbers(
  { numbers }: Pick<ApiDeps, 'numbers'>,
  principal: Principal,
  ids: number[] | undefined,
): Promise<ReadBroadcast['numbers'] | Refusal> {
  const selectors =
    ids === undefined
      ? [{ by: 'only' } as const]
      : [...new Set(ids)].map(id => ({ by: 'id', id: String(id) }) as const);
  const found: SendingNumber[] = [];
  for (const selector of selectors) {
    const number = await selectNumber(numbers, principal, selector);
    if (isRefusal(number)) return number;
    found.push(number);
  }
  const [first, ...others] = found;
  return [first!, ...others];
}

/** Checked with every variable filled in by a letter: what is wrong then is wrong for everyone. */
function readMessage(message: JsonObject, isShared: boolean): Content | Refusal {
  const content = readContent(message);
  if (isRefusal(content)) return under('message.', content);
  if (isShared && content.type !== 'template')
    return invalid(
      'numbers',
      'conflict',
      'must be one for content that needs an open window: windows are of one number',
    );
  const letters = Object.fromEntries(variablesIn(content).map(name => [name, 'x']));
  const filled = fill(content, letters);
  const [first, ...more] = checkContent('content' in filled ? filled.content : content);
  return first === undefined
    ? content
    : under('message.', { code: 'field_invalid', issues: [first, ...more] });
}

type AudienceBody = NonNullable<NewBroadcastBody['audience']>;

async function readAudience(
  { database }: Pick<ApiDeps, 'database'>,
  tenantId: string,
  { tags = [], contacts, exclude = {} }: AudienceBody,
): Promise<BroadcastDraft['audience'] | Refusal> {
  const phones = await phoneReader();
  const excluded = readPhones(exclude.phones ?? [], 'audience.exclude.phones', phones);
  if (isRefusal(excluded)) return excluded;
  const filter = contacts === undefined ? null : contacts === 'all' ? {} : filterOf(contacts);
  if (isRefusal(filter)) return filter;
  const asked: [string, number[]][] = [
    ['audience.tags', tags],
    ['audience.exclude.tags', exclude.tags ?? []],
    ['audience.contacts.tag', filter?.tag === undefined ? [] : [filter.tag]],
  ];
  for (const [path, ids] of asked) {
    const existing = await existingTags(database, tenantId, ids);
    const missing = ids.find(id => !existing.has(id));
    if (missing !== undefined) return invalid(path, 'conflict', `names tag ${missing}, which there is not`);
  }
  return {
    tags: [...new Set(tags)],
    filter,
    exclude: { phones: excluded, tags: [...new Set(exclude.tags ?? [])] },
  };
}

function readPhones(texts: string[], path: string, phones: PhoneReader): string[] | Refusal {
  const issues: Issue[] = [];
  const digits = texts.map((text, i) => {
    const reading = phones.read(text, undefined);
    if ('digits' in reading) return reading.digits;
    issues.push({ path: `${path}[${i}]`, rule: 'format', message: reading.problem });
    return '';
  });
  const [first, ...more] = issues.slice(0, 50);
  return first === undefined ? digits : { code: 'field_invalid', issues: [first, ...more] };
}

function readNamed(
  named: NonNullable<AudienceBody['phones']>,
  phones: PhoneReader,
): NamedRecipient[] | Refusal {
  const texts = named.map(one => (typeof one === 'string' ? one : one.phone));
  const digits = readPhones(texts, 'audience.phones', phones);
  if (isRefusal(digits)) return digits;
  return named.map((one, i) => ({
    phone: digits[i]!,
    variables:
      typeof one === 'string'
        ? {}
        : Object.fromEntries(
            Object.entries(one.variables ?? {}).map(([name, value]) => [name, String(value)]),
          ),
  }));
}

type Times = Pick<BroadcastOptions, 'timeZone' | 'localStart' | 'quietHours'> & { startAt: number | null };

function readSchedule({
  at,
  timeZone = 'UTC',
  perRecipient = false,
  quietHours,
}: NonNullable<NewBroadcastBody['schedule']>): Times | Refusal {
  if (!isTimeZone(timeZone))
    return invalid('schedule.timeZone', 'format', 'must be a time zone such as Europe/Istanbul');
  const minutes = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
  const quiet = quietHours && { from: minutes(quietHours.from), to: minutes(quietHours.to) };
  if (quiet !== undefined && quiet.from === quiet.to)
    return invalid('schedule.quietHours', 'conflict', 'must leave some of the day');
  const times = { timeZone, localStart: null, quietHours: quiet ?? null };
  if (at === undefined || isBlank(at)) {
    return perRecipient
      ? invalid('schedule.perRecipient', 'conflict', 'goes with `at`, a time on the wall')
      : { ...times, startAt: null };
  }
  if (isLocalTime(at))
    return perRecipient
      ? { ...times, localStart: at, startAt: null }
      : { ...times, startAt: momentOf(at, timeZone) };
  if (perRecipient)
    return invalid(
      'schedule.at',
      'format',
      'must be a time on the wall, such as 2026-12-01T10:00, with perRecipient',
    );
  const startAt = readSendAt({ sendAt: at });
  if (isRefusal(startAt))
    return invalid(
      'schedule.at',
      'format',
      'must be a time such as 2026-12-01T10:00 or 2026-12-01T10:00:00+03:00',
    );
  return { ...times, startAt };
}
