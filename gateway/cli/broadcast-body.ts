/** What stands on the command line, or in a file, of a new broadcast. */
import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { systemClock } from '../platform/clock.ts';
import { pairOf, several, severalNumbers } from './contact-filter.ts';
import { usage } from './failure.ts';
import { type ContentFlags, contentOf } from './send-body.ts';
import type { ServerFlags } from './target.ts';
import { wholeNumber } from './whole-number.ts';

export interface NewBroadcastFlags extends ServerFlags, ContentFlags {
  text?: string;
  name?: string;
  number?: number[];
  to?: string[];
  tag?: number[];
  allContacts?: boolean;
  attribute?: string[];
  exclude?: string[];
  excludeTag?: number[];
  csv?: string;
  country?: string;
  at?: string;
  timeZone?: string;
  perRecipient?: boolean;
  quiet?: string;
  perSecond?: number;
  ttl?: number;
  callbackData?: string;
}

const aboveZero = (text: string): number => {
  if (!(Number(text) > 0)) throw usage(`--per-second must be a number above 0, is "${text}".`);
  return Number(text);
};

export const withNewBroadcast = (command: Command): Command =>
  command
    .argument('[file]', "the broadcast as JSON, as the API takes it ('-' reads it from stdin)")
    .option('--name <name>', 'to find it by later')
    .option('--template <name>', 'an approved template')
    .option('--language <code>', 'its language', 'en_US')
    .option('--param <text>', 'a variable of its body, in order; may be repeated', several<string>)
    .option('--named <name=text>', 'a named variable of its body; may be repeated', several<string>)
    .option('--header <kind=value>', 'its header: text=…, image=URL, video=URL or document=URL')
    .option('--button <text>', 'the variable end of a URL button; may be repeated', several<string>)
    .option('--text <text>', 'a text instead of a template, for those who have written to you')
    .option('--body <json>', 'any content as Meta writes it')
    .option('--number <id>', 'which of your numbers send; may be repeated', severalNumbers)
    .option('--tag <id>', 'contacts that carry this tag; may be repeated', severalNumbers)
    .option('--to <phone>', 'one person; may be repeated', several<string>)
    .option('--csv <file>', 'people from a file: phone, and a column for each variable; also .ndjson')
    .option('--country <code>', 'of numbers in that file without country code, as TR')
    .option('--all-contacts', 'everybody you keep')
    .option('--attribute <name=value>', 'contacts with this attribute; may be repeated', several<string>)
    .option('--exclude <phone>', 'not this person; may be repeated', several<string>)
    .option('--exclude-tag <id>', 'not those who carry this tag; may be repeated', severalNumbers)
    .option('--at <time>', 'start: 2026-12-01T10:00, or with an offset')
    .option('--time-zone <zone>', 'of --at and --quiet, as Europe/Istanbul')
    .option('--per-recipient', '--at in the time zone of each recipient')
    .option('--quiet <from-to>', 'hours in which nothing is sent, as 21:00-08:00')
    .option('--per-second <n>', 'at most so many messages a second', aboveZero)
    .option('--ttl <seconds>', 'who has no message so long after the start gets none', wholeNumber)
    .option('--callback-data <text>', 'given back with each message');

/** As the API takes it. */
export async function bodyOf(file: string | undefined, flags: NewBroadcastFlags): Promise<JsonObject> {
  const said = file === undefined ? {} : await readBody(file);
  const hasContent = [flags.text, flags.template, flags.body].some(one => one !== undefined);
  const message = hasContent || said.message === undefined ? contentOf(flags.text, flags) : said.message;
  const audience = audienceOf(flags);
  const schedule = scheduleOf(flags);
  const { number: numbers, perSecond, ttl: ttlSeconds, callbackData } = flags;
  return given({
    ...said,
    ...given({ numbers, perSecond, ttlSeconds, callbackData }),
    name: flags.name ?? said.name ?? nameOf(flags),
    message,
    audience: Object.keys(audience).length > 0 ? audience : said.audience,
    schedule: Object.keys(schedule).length > 0 ? schedule : said.schedule,
  });
}

async function readBody(file: string): Promise<JsonObject> {
  let text: string;
  try {
    text = file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw usage(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  const body = parseJson(text);
  if (!isObject(body))
    throw usage(`${file} must hold a JSON object: a broadcast. People from a file are given with --csv.`);
  return body;
}

function audienceOf(flags: NewBroadcastFlags): JsonObject {
  const { to: phones, tag: tags, attribute, allContacts, exclude, excludeTag } = flags;
  if (allContacts === true && attribute !== undefined)
    throw usage('--all-contacts is everybody: leave out --attribute.');
  const attributes = attribute && Object.fromEntries(attribute.map(pairOf));
  const excluded = given({ phones: exclude, tags: excludeTag });
  return given({
    ...{ phones, tags },
    contacts: allContacts === true ? 'all' : attributes && { attributes },
    exclude: Object.keys(excluded).length > 0 ? excluded : undefined,
  });
}

function scheduleOf({ at, timeZone, perRecipient, quiet }: NewBroadcastFlags): JsonObject {
  const [, from, to] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(quiet ?? '') ?? [];
  if (quiet !== undefined && from === undefined)
    throw usage(`--quiet takes two times of the day, as 21:00-08:00, not ${quiet}.`);
  return given({ at, timeZone, perRecipient, quietHours: from === undefined ? undefined : { from, to } });
}

function nameOf({ template }: NewBroadcastFlags): string {
  const minute = new Date(systemClock.now()).toISOString().slice(0, 16).replace('T', ' ');
  return `${template ?? 'broadcast'} ${minute}`;
}

const given = (members: Record<string, unknown>): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JsonObject;
