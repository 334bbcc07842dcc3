/** wagate contact export: contacts as a file, to stdout or where --output says. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { type FilterFlags, filterOf, withFilter } from './contact-filter.ts';
import { printNote } from './print.ts';
import { asTenant, withServer } from './target.ts';

export function addContactExport(contact: Command): void {
  withFilter(withServer(contact.command('export').description('contacts as a file'), 'tenant'))
    .addOption(new Option('--format <format>').choices(['csv', 'ndjson']).default('csv'))
    .option('--output <file>', 'write there instead of to stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  $ wagate contact export > contacts.csv\n  $ wagate contact export --tag 42 --format ndjson --output customers.ndjson',
    )
    .action(async (flags: FilterFlags & { format: string; output?: string }) => {
      const query = filterOf(flags);
      query.set('format', flags.format);
      const parts = asTenant(flags).stream(`/api/v1/contacts/export?${query}`);
      if (flags.output === undefined) await pipeline(Readable.from(parts), process.stdout, { end: false });
      else {
        await pipeline(Readable.from(parts), createWriteStream(flags.output));
        printNote(`Wrote ${flags.output}.`);
      }
    });
}
