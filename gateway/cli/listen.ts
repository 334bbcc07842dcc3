/** wagate listen: events as they come, and forwarded to a server on this machine exactly as they would be posted to it. */
import type { Command } from 'commander';
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { systemClock } from '../platform/clock.ts';
import { textOf } from './answer.ts';
import { failed, unreachable, usage } from './failure.ts';
import { plain, printLine, printNote } from './print.ts';
import { readEvents } from './sse.ts';
import { asTenant, type ServerFlags, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface ListenFlags extends ServerFlags {
  forward?: string;
  format: string;
  events?: string[];
  number?: number;
}

/** As long as the gateway itself waits for an endpoint. */
const forwardTimeoutMs = 15_000;

export function addListen(program: Command): void {
  withServer(
    program.command('listen').description('print events as they come, and forward them while developing'),
    'tenant',
  )
    .option('--forward <url>', 'POST each to this URL: the same bytes and headers as an endpoint gets')
    .option('--format <format>', 'standard, meta or connectly', 'standard')
    .option('--events <patterns...>', 'as message.failed or message.*; everything by default')
    .option('--number <id>', "only of this number, by the gateway's id", wholeNumber)
    .addHelpText(
      'after',
      `
An endpoint without a URL is made for as long as this runs; its signing secret is printed first. What happens while nothing listens is
not kept for it. With --json each line is one JSON object.

Examples:
  $ wagate listen
  $ wagate listen --forward http://localhost:8080/webhook --format meta --events message.received`,
    )
    .action(listen);
}

async function listen(flags: ListenFlags): Promise<void> {
  const { forward, format, events = [], number } = flags;
  if (forward !== undefined && !/^https?:$/.test(URL.parse(forward)?.protocol ?? ''))
    throw usage(`The URL ${forward} must begin with http:// or https://.`);
  const query = new URLSearchParams({ format });
  if (events.length > 0) query.set('events', events.join(','));
  if (number !== undefined) query.set('number', String(number));
  const client = asTenant(flags);
  for await (const { event, data } of readEvents(client.stream(`/api/v1/listen?${query}`))) {
    const told = parseJson(data);
    if (!isObject(told)) continue;
    if (event === 'listening') tellStart(told, flags);
    else if (event === 'posting') await take(told, data, flags);
    else if (event === 'dropped') throw failed(`Dropped: ${textOf(told, 'reason')}`);
    else if (event === 'closed') throw unreachable(textOf(told, 'reason'));
  }
  throw unreachable(`The gateway at ${client.url} ended the stream.`);
}

function tellStart(told: JsonObject, { forward, format }: ListenFlags): void {
  printNote(
    `Listening for events in format ${format}${forward === undefined ? '' : `, forwarding to ${forward}`}.`,
  );
  printNote(`Signing secret: ${textOf(told, 'secret')}`);
}

/** One after the other: they arrive in the order in which they would be posted. */
async function take(told: JsonObject, data: string, { forward, json }: ListenFlags): Promise<void> {
  if (json === true) printLine(data);
  const outcome = forward === undefined ? '' : await post(forward, told);
  const time = new Date(systemClock.now()).toTimeString().slice(0, 8);
  const line = [time, plain(textOf(told, 'type')).padEnd(26), textOf(told, 'eventId'), outcome]
    .join('  ')
    .trimEnd();
  if (json === true) printNote(line);
  else {
    printLine(line);
    if (forward === undefined) printLine(plain(textOf(told, 'body')));
  }
}

async function post(url: string, { headers, body }: JsonObject): Promise<string> {
  const given = isObject(headers ?? null) ? (headers as Record<string, string>) : {};
  const startedAt = systemClock.now();
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: given,
      body: String(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(forwardTimeoutMs),
    });
    await response.arrayBuffer();
    return `→ ${response.status} in ${systemClock.now() - startedAt} ms`;
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    return `→ ${cause?.code ?? message}`;
  }
}
