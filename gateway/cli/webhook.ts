/** wagate webhook: what was posted to an endpoint, and posting it again. */
import type { Command } from 'commander';
import { isObject, type JsonObject } from '../canonical/json.ts';
import { agoTime } from './ago.ts';
import { rowsOf, textOf } from './answer.ts';
import { endpointPath } from './endpoint.ts';
import { usage } from './failure.ts';
import { printFacts, printJson, printLine, printNote, printTable, shortTime } from './print.ts';
import { asTenant, type ServerFlags, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface ListFlags extends ServerFlags {
  state?: string;
  event?: string;
  limit: number;
  cursor?: string;
}

interface ReplayFlags extends ServerFlags {
  event?: string;
  from?: string;
  to?: string;
  failedSince?: string;
}

export function addWebhook(program: Command): void {
  const webhook = program
    .command('webhook')
    .description('what was posted to an endpoint, and posting it again');

  withServer(
    webhook.command('attempts').argument('<endpoint>').description('the POSTs to an endpoint, newest first'),
    'tenant',
  )
    .option('--state <state>', 'pending, delivered, failed, given_up or skipped')
    .option('--event <id>', 'of this event only')
    .option('--limit <n>', 'at most this many, up to 200', wholeNumber, 20)
    .option('--cursor <cursor>', 'read on where an earlier list ended')
    .addHelpText(
      'after',
      '\nExample:\n  $ wagate webhook attempts 01M7WDFWEHBCA4FKFEDV4DYQYZ --state given_up',
    )
    .action(async (endpoint: string, flags: ListFlags) => {
      const query = new URLSearchParams({ limit: String(flags.limit) });
      for (const name of ['state', 'event', 'cursor'] as const)
        if (flags[name] !== undefined) query.set(name, flags[name]);
      const answer = await asTenant(flags).request('GET', endpointPath(endpoint, `/attempts?${query}`));
      if (flags.json === true) return printJson(answer);
      printTable(
        ['BEGAN', 'STATE', 'EVENT', 'N', 'HTTP', 'MS', 'NEXT TRY', 'PROBLEM'],
        rowsOf(answer).map(one => [
          ...[shortTime(textOf(one, 'beganAt')), ...['state', 'eventId', 'n'].map(name => textOf(one, name))],
          ...['httpStatus', 'tookMs'].map(name => textOf(one, name)),
          ...[shortTime(textOf(one, 'nextAt')), textOf(one, 'problem')],
        ]),
      );
      if (answer.next !== null) printNote(`More: --cursor ${textOf(answer, 'next')}`);
    });

  withServer(
    webhook
      .command('show')
      .argument('<endpoint>')
      .argument('<event>')
      .argument('[n]', 'which attempt; the first by default', wholeNumber, 1)
      .description('one POST with its exact bytes, and what came back'),
    'tenant',
  )
    .addHelpText(
      'after',
      '\nExample:\n  $ wagate webhook show 01M7WDFWEHBCA4FKFEDV4DYQYZ 01M7WDFWEN0JD8D3E49N7NDHVC 2',
    )
    .action(async (endpoint: string, event: string, n: number, flags: ServerFlags) => {
      const path = endpointPath(endpoint, `/attempts/${encodeURIComponent(event)}/${n}`);
      const attempt = await asTenant(flags).request('GET', path);
      if (flags.json === true) printJson(attempt);
      else show(attempt);
    });

  withServer(
    webhook.command('replay').argument('<endpoint>').description('post events to an endpoint again'),
    'tenant',
  )
    .option('--event <id>', 'this one')
    .option('--from <time>', 'those from here on: ISO 8601, 15m, 2h or 3d ago, or the id of an event')
    .option('--to <time>', 'with --from: those before here')
    .option('--failed-since <time>', 'those given up since then')
    .addHelpText(
      'after',
      `
What still waits to be posted is not doubled. An endpoint with --per-second takes them at that rate.

Examples:
  $ wagate webhook replay 01M7WDFWEHBCA4FKFEDV4DYQYZ --event 01M7WDFWEN0JD8D3E49N7NDHVC
  $ wagate webhook replay 01M7WDFWEHBCA4FKFEDV4DYQYZ --failed-since 2d`,
    )
    .action(replay);
}

async function replay(endpoint: string, flags: ReplayFlags): Promise<void> {
  const { event, from, to, failedSince } = flags;
  if ([event, from, failedSince].filter(one => one !== undefined).length !== 1)
    throw usage('Say what to replay: --event <id>, --from <time> [--to <time>], or --failed-since <time>.');
  const time = (text: string | undefined) => (text === undefined ? undefined : agoTime(text));
  const body = { event, from: time(from), to: time(to), failedSince: time(failedSince) };
  const client = asTenant(flags);
  let replayed = 0;
  let after: string | undefined;
  do {
    const answer = await client.request('POST', endpointPath(endpoint, '/replay'), { ...body, after });
    replayed += Number(answer.replayed);
    after = typeof answer.next === 'string' ? answer.next : undefined;
    if (after !== undefined) printNote(`${replayed} …`);
  } while (after !== undefined);
  if (flags.json === true) printJson({ replayed });
  else printLine(`${replayed} ${replayed === 1 ? 'event' : 'events'} will be posted again.`);
}

function show(attempt: JsonObject): void {
  const { request, answer, ...facts } = attempt;
  printFacts(Object.fromEntries(Object.keys(facts).map(name => [name, textOf(facts, name)])));
  for (const [title, part] of Object.entries({ POSTED: request, ANSWERED: answer })) {
    if (!isObject(part ?? null)) continue;
    const { headers = {}, body = '' } = part as JsonObject;
    printLine(`\n${title}`);
    if (isObject(headers))
      printFacts(Object.fromEntries(Object.keys(headers).map(name => [name, textOf(headers, name)])));
    printLine();
    printLine(String(body));
  }
}
