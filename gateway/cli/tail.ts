/** wagate tail: one line for each step of each message, as it happens. */
import type { Command } from 'commander';
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { textOf } from './answer.ts';
import { failed, unreachable } from './failure.ts';
import { plain, printLine } from './print.ts';
import { readEvents } from './sse.ts';
import { asOperator, asTenant, type ServerFlags, withServer } from './target.ts';

interface TailFlags extends ServerFlags {
  all?: boolean;
}

export function addTail(program: Command): void {
  withServer(
    program.command('tail').description('follow messages as they move, one line for each change'),
    'tenant',
    'operator',
  )
    .option('--all', 'of all tenants (operator key)')
    .addHelpText(
      'after',
      '\nWith --json each line is one JSON object.\n\nExamples:\n  $ wagate tail\n  $ wagate tail --all --json',
    )
    .action(tail);
}

async function tail(flags: TailFlags): Promise<void> {
  const client = flags.all === true ? asOperator(flags) : asTenant(flags);
  const path = flags.all === true ? '/api/v1/stream' : '/api/v1/messages/stream';
  for await (const { event, data } of readEvents(client.stream(path))) {
    const told = parseJson(data);
    if (!isObject(told)) continue;
    if (event === 'change') printLine(flags.json === true ? data : changeLine(told));
    else if (event === 'dropped') throw failed(`Dropped: ${textOf(told, 'reason')}`);
    else if (event === 'closed') throw unreachable(textOf(told, 'reason'));
  }
  throw unreachable(`The gateway at ${client.url} ended the stream.`);
}

function changeLine(change: JsonObject): string {
  const time = new Date(textOf(change, 'at')).toTimeString().slice(0, 8);
  const columns: [string, number][] = [
    ['status', 9],
    ['dialect', 11],
    ['type', 11],
    ['to', 15],
    ['id', 26],
    ['tenantId', 0],
    ['reason', 0],
  ];
  const cells = columns.map(([name, width]) => plain(textOf(change, name)).padEnd(width));
  return [time, ...cells.filter(cell => cell !== '')].join('  ').trimEnd();
}
