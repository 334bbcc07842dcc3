/** wagate broadcast recipients: the ledger on the screen or as a file, and a file of people into a draft. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { rowsOf, textOf } from './answer.ts';
import { countOf, printAdded } from './broadcast-print.ts';
import { addFile, path } from './broadcast-run.ts';
import { failed } from './failure.ts';
import { printJson, printNote, printTable } from './print.ts';
import { asTenant, type ServerFlags, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface Flags extends ServerFlags {
  state?: string;
  status?: string;
  limit: number;
  cursor?: string;
  format?: string;
  output?: string;
  add?: string;
  country?: string;
}

export function addBroadcastRecipients(broadcast: Command): void {
  withServer(
    broadcast
      .command('recipients')
      .argument('<id>')
      .description('who gets it and how each message stands; or add people to a draft'),
    'tenant',
  )
    .addOption(new Option('--state <state>').choices(['waiting', 'taken', 'skipped']))
    .option('--status <status>', 'of the message: failed, delivered, read, …')
    .option('--limit <n>', 'at most this many, up to 1000', wholeNumber, 100)
    .option('--cursor <cursor>', 'read on where an earlier list ended')
    .addOption(new Option('--format <format>', 'all of them as a file').choices(['csv', 'ndjson']))
    .option('--output <file>', 'write the file there instead of to stdout')
    .option('--add <file>', 'add the people of this file to the draft: CSV or .ndjson')
    .option('--country <code>', 'of numbers in that file without country code, as TR')
    .addHelpText(
      'after',
      `
Examples:
  $ wagate broadcast recipients <id> --status failed
  $ wagate broadcast recipients <id> --format csv --output ledger.csv
  $ wagate broadcast recipients <id> --add people.csv --country TR`,
    )
    .action(async (id: string, flags: Flags) => {
      if (flags.add !== undefined) return add(id, flags.add, flags);
      if (flags.format !== undefined || flags.output !== undefined) return exportLedger(id, flags);
      return list(id, flags);
    });
}

async function add(id: string, file: string, flags: Flags): Promise<void> {
  const added = await addFile(asTenant(flags), id, file, flags.country);
  if (flags.json === true) printJson(added);
  else printAdded(added);
  if (countOf(added, 'failed') > 0) throw failed('Some rows were not taken.');
}

function filterOf({ state, status }: Flags): URLSearchParams {
  const query = new URLSearchParams();
  if (state !== undefined) query.set('state', state);
  if (status !== undefined) query.set('status', status);
  return query;
}

async function exportLedger(id: string, flags: Flags): Promise<void> {
  const query = filterOf(flags);
  query.set('format', flags.format ?? 'csv');
  const parts = asTenant(flags).stream(`${path}/${encodeURIComponent(id)}/recipients/export?${query}`);
  if (flags.output === undefined) return pipeline(Readable.from(parts), process.stdout, { end: false });
  await pipeline(Readable.from(parts), createWriteStream(flags.output));
  printNote(`Wrote ${flags.output}.`);
}

async function list(id: string, flags: Flags): Promise<void> {
  const query = filterOf(flags);
  query.set('limit', String(flags.limit));
  if (flags.cursor !== undefined) query.set('cursor', flags.cursor);
  const answer = await asTenant(flags).request(
    'GET',
    `${path}/${encodeURIComponent(id)}/recipients?${query}`,
  );
  if (flags.json === true) return printJson(answer);
  printTable(
    ['PHONE', 'STATE', 'STATUS', 'CODE', 'REASON', 'MESSAGE'],
    rowsOf(answer).map(one => [
      ...[textOf(one, 'phone'), textOf(one, 'state'), textOf(one, 'status'), textOf(one, 'code')],
      ...[textOf(one, 'title') || textOf(one, 'reason'), textOf(one, 'messageId')],
    ]),
  );
  if (answer.next !== null) printNote(`More: --cursor ${textOf(answer, 'next')}`);
}
