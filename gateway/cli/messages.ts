/** wagate messages: what was sent and what became of it. */
import type { Command } from 'commander';
import { isObject, type JsonObject } from '../canonical/json.ts';
import { agoTime } from './ago.ts';
import { rowsOf, textOf } from './answer.ts';
import { momentLine } from './follow-message.ts';
import { printFacts, printJson, printLine, printNote, printTable, shortTime } from './print.ts';
import { asTenant, type ServerFlags, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface ListFlags extends ServerFlags {
  limit: number;
  cursor?: string;
  since?: string;
  until?: string;
}

const filters = ['status', 'to', 'number', 'type', 'dialect', 'campaign', 'wamid'] as const;

export function addMessages(program: Command): void {
  const messages = program.command('messages').description('messages and what became of them');

  const list = withServer(messages.command('list').description('messages, newest first'), 'tenant');
  for (const filter of filters) list.option(`--${filter} <${filter}>`, `only those with this ${filter}`);
  list
    .option('--since <time>', 'made at this time or later: ISO 8601, or 15m, 2h, 3d ago')
    .option('--until <time>', 'made before this time')
    .option('--limit <n>', 'at most this many, up to 200', wholeNumber, 20)
    .option('--cursor <cursor>', 'read on where an earlier list ended')
    .addHelpText(
      'after',
      `
Examples:
  $ wagate messages list --status failed --since 2h
  $ wagate messages list --to "+90 532 123 45 67" --json`,
    )
    .action(async (flags: ListFlags & Record<string, unknown>) => {
      const query = new URLSearchParams({ limit: String(flags.limit) });
      for (const name of [...filters, 'cursor'] as const) {
        const value = flags[name];
        if (typeof value === 'string') query.set(name, value);
      }
      for (const name of ['since', 'until'] as const) {
        const value = flags[name];
        if (value !== undefined) query.set(name, agoTime(value));
      }
      const answer = await asTenant(flags).request('GET', `/api/v1/messages?${query}`);
      if (flags.json === true) return printJson(answer);
      printTable(['CREATED', 'STATUS', 'DIALECT', 'TYPE', 'TO', 'ID', ''], rowsOf(answer).map(rowOf));
      if (answer.next !== null) printNote(`More: --cursor ${textOf(answer, 'next')}`);
    });

  withServer(messages.command('show').argument('<id>').description('one message with its timeline'), 'tenant')
    .addHelpText('after', '\nExample:\n  $ wagate messages show 01M7WDFWEN0JD8D3E49N7NDHVC')
    .action(async (id: string, flags: ServerFlags) => {
      const message = await asTenant(flags).request('GET', `/api/v1/messages/${encodeURIComponent(id)}`);
      if (flags.json === true) printJson(message);
      else show(message);
    });
}

function rowOf(message: JsonObject): string[] {
  const error = isObject(message.error) ? textOf(message.error, 'reason') : '';
  return [
    shortTime(textOf(message, 'createdAt')),
    ...['status', 'dialect', 'type', 'to', 'id'].map(name => textOf(message, name)),
    error,
  ];
}

function show(message: JsonObject): void {
  const { timeline: _timeline, content, contentState, error, ...facts } = message;
  printFacts(Object.fromEntries(Object.keys(facts).map(name => [name, textOf(facts, name)])));
  if (isObject(error)) {
    printLine();
    printFacts({ reason: textOf(error, 'reason'), action: textOf(error, 'action') });
  }
  printLine();
  for (const moment of rowsOf(message, 'timeline')) printLine(momentLine(moment));
  printLine();
  if (content !== null) printJson(content);
  else printLine(`The content is no longer kept: ${contentState === 'erased' ? 'erased' : 'aged out'}.`);
}
