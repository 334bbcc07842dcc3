/** wagate opt-out: people who are sent no more marketing. */
import type { Command } from 'commander';
import type { JsonObject } from '../canonical/json.ts';
import { rowsOf, textOf } from './answer.ts';
import { printFacts, printJson, printNote, printTable, shortTime } from './print.ts';
import { asTenant, type ServerFlags, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

const path = '/api/v1/opt-outs';
const pathOf = (recipient: string) => `${path}/${encodeURIComponent(recipient)}`;

export function addOptOut(program: Command): void {
  const optOut = program.command('opt-out').description('people who are sent no more marketing');

  withServer(optOut.command('list').description('all of them, by recipient'), 'tenant')
    .option('--limit <n>', 'at most this many, up to 1000', wholeNumber, 100)
    .option('--cursor <cursor>', 'read on where an earlier list ended')
    .addHelpText('after', '\nExample:\n  $ wagate opt-out list')
    .action(async (flags: ServerFlags & { limit: number; cursor?: string }) => {
      const query = new URLSearchParams({ limit: String(flags.limit) });
      if (flags.cursor !== undefined) query.set('cursor', flags.cursor);
      const answer = await asTenant(flags).request('GET', `${path}?${query}`);
      if (flags.json === true) return printJson(answer);
      printTable(
        ['RECIPIENT', 'SINCE', 'TOLD BY'],
        rowsOf(answer).map(one => [
          ...[textOf(one, 'recipient'), shortTime(textOf(one, 'at')), textOf(one, 'source')],
        ]),
      );
      if (answer.next !== null) printNote(`More: --cursor ${textOf(answer, 'next')}`);
    });

  withServer(
    optOut.command('add').argument('<recipient>').description('send this person no more marketing'),
    'tenant',
  )
    .addHelpText('after', '\nExample:\n  $ wagate opt-out add "+90 532 123 45 67"')
    .action(async (recipient: string, flags: ServerFlags) =>
      show(await asTenant(flags).request('PUT', pathOf(recipient)), flags),
    );

  withServer(
    optOut.command('remove').argument('<recipient>').description('send this person marketing again'),
    'tenant',
  )
    .addHelpText(
      'after',
      `
For a person who asked for that. Who told WhatsApp itself to stop has to take it back there: until then Meta refuses (131050).

Example:
  $ wagate opt-out remove "+90 532 123 45 67"`,
    )
    .action(async (recipient: string, flags: ServerFlags) =>
      show(await asTenant(flags).request('DELETE', pathOf(recipient)), flags),
    );
}

function show(answer: JsonObject, flags: ServerFlags): void {
  if (flags.json === true) printJson(answer);
  else printFacts(Object.fromEntries(Object.keys(answer).map(name => [name, textOf(answer, name)])));
}
