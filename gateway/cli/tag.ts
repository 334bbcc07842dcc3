/** wagate tag: groups of contacts. */
import type { Command } from 'commander';
import { rowsOf, textOf } from './answer.ts';
import { printFacts, printJson, printNote, printTable, shortTime } from './print.ts';
import { asTenant, type ServerFlags, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

const path = '/api/v1/tags';

export function addTag(program: Command): void {
  const tag = program.command('tag').description('tags: groups of contacts');

  withServer(tag.command('list').description('all tags, with how many contacts carry each'), 'tenant')
    .option('--limit <n>', 'at most this many, up to 200', wholeNumber, 50)
    .option('--cursor <cursor>', 'read on where an earlier list ended')
    .addHelpText('after', '\nExample:\n  $ wagate tag list')
    .action(async (flags: ServerFlags & { limit: number; cursor?: string }) => {
      const query = new URLSearchParams({ limit: String(flags.limit) });
      if (flags.cursor !== undefined) query.set('cursor', flags.cursor);
      const answer = await asTenant(flags).request('GET', `${path}?${query}`);
      if (flags.json === true) return printJson(answer);
      printTable(
        ['ID', 'NAME', 'CONTACTS', 'CREATED'],
        rowsOf(answer).map(one => [
          ...[textOf(one, 'id'), textOf(one, 'name'), textOf(one, 'contacts')],
          shortTime(textOf(one, 'createdAt')),
        ]),
      );
      if (answer.next !== null) printNote(`More: --cursor ${textOf(answer, 'next')}`);
    });

  withServer(tag.command('add').argument('<name>').description('make a tag'), 'tenant')
    .option('--id <n>', 'an id that your systems know already', wholeNumber)
    .addHelpText('after', '\nExamples:\n  $ wagate tag add Customers\n  $ wagate tag add Newsletter --id 57')
    .action(async (name: string, flags: ServerFlags & { id?: number }) => {
      const answer = await asTenant(flags).request('POST', path, { name, id: flags.id });
      if (flags.json === true) printJson(answer);
      else printFacts({ id: textOf(answer, 'id'), name: textOf(answer, 'name') });
    });

  withServer(tag.command('remove').argument('<id>').description('remove a tag, from all contacts'), 'tenant')
    .addHelpText('after', '\nExample:\n  $ wagate tag remove 57')
    .action(async (id: string, flags: ServerFlags) => {
      const answer = await asTenant(flags).request('DELETE', `${path}/${encodeURIComponent(id)}`);
      if (flags.json === true) printJson(answer);
      else printFacts({ id: textOf(answer, 'id'), removed: textOf(answer, 'removed') });
    });
}
