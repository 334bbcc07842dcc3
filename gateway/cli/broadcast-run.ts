/** wagate broadcast create and run: a broadcast from flags or a file, with people from another; run shows the forecast and launches. */
import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { JsonObject } from '../canonical/json.ts';
import { textOf } from './answer.ts';
import { bodyOf, type NewBroadcastFlags, withNewBroadcast } from './broadcast-body.ts';
import { countOf, printAdded, printBroadcast, printForecast } from './broadcast-print.ts';
import { watchBroadcast } from './broadcast-watch.ts';
import type { Client } from './client.ts';
import { CliFailure, failed, usage } from './failure.ts';
import { grouped } from './move-progress.ts';
import { printJson } from './print.ts';
import { asTenant, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface RunFlags extends NewBroadcastFlags {
  limit?: number;
  watch?: boolean;
  yes?: boolean;
}

export const path = '/api/v1/broadcasts';

export function addBroadcastRun(broadcast: Command): void {
  withNewBroadcast(withServer(broadcast.command('create').description('a draft'), 'tenant'))
    .addHelpText(
      'after',
      `
Examples:
  $ wagate broadcast create --template order_confirmation --tag 42
  $ wagate broadcast create --template shipping_update --param '{{name|friend}}' --csv people.csv
  $ wagate broadcast forecast <id>`,
    )
    .action(async (file: string | undefined, flags: NewBroadcastFlags) => {
      const client = asTenant(flags);
      const draft = await create(client, file, flags);
      if (flags.json === true) printJson(draft);
      else printBroadcast(draft);
    });

  withNewBroadcast(
    withServer(
      broadcast.command('run').description('create, forecast, ask, launch; and watch with --watch'),
      'tenant',
    ),
  )
    .option('--limit <n>', 'pause when so many have their message', wholeNumber)
    .option('--yes', 'do not ask')
    .option('--watch', 'show how it goes until it has ended')
    .addHelpText(
      'after',
      `
On a terminal it shows the forecast and asks; elsewhere it launches at once. Ctrl-C while watching leaves it running.

Examples:
  $ wagate broadcast run --template order_confirmation --tag 42 --watch
  $ wagate broadcast run --template shipping_update --param '{{name}}' --param '{{order}}' --csv orders.csv --quiet 21:00-08:00 --time-zone Europe/Istanbul
  $ wagate broadcast run broadcast.json --yes`,
    )
    .action(run);
}

/** The draft, with the people of the file. */
async function create(
  client: Client,
  file: string | undefined,
  flags: NewBroadcastFlags,
): Promise<JsonObject> {
  const { csv, country } = flags;
  // Before anything is made that would have to be removed.
  if (csv !== undefined) await readable(csv);
  else if (country !== undefined) throw usage('--country goes with --csv.');
  const draft = await client.request('POST', path, await bodyOf(file, flags));
  const id = textOf(draft, 'id');
  if (csv === undefined) return draft;
  return stays(id, async () => {
    printAdded(await addFile(client, id, csv, country));
    return client.request('GET', `${path}/${id}`);
  });
}

async function readable(file: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    throw usage(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

export async function addFile(
  client: Client,
  id: string,
  file: string,
  country: string | undefined,
): Promise<JsonObject> {
  await readable(file);
  const type = /\.(ndjson|jsonl)$/i.test(file) ? 'application/x-ndjson' : 'text/csv';
  const query = country === undefined ? '' : `?${new URLSearchParams({ country })}`;
  const sent = createReadStream(file, { highWaterMark: 256 * 1024 });
  return client.upload(`${path}/${id}/recipients${query}`, type, sent);
}

/** What fails now leaves the draft, which can be used. */
async function stays<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    const hint = `The draft ${id} stays: wagate broadcast show, launch or rm ${id}`;
    throw new CliFailure(error.exitCode, `${error.message}\n${hint}`, error.problem);
  }
}

async function run(file: string | undefined, flags: RunFlags): Promise<void> {
  const client = asTenant(flags);
  const id = textOf(await create(client, file, flags), 'id');
  const launched = await stays(id, async () => {
    const query = flags.limit === undefined ? '' : `?limit=${flags.limit}`;
    const forecast = await client.request('GET', `${path}/${id}/forecast${query}`);
    if (flags.json !== true) printForecast(forecast);
    const messages = countOf(forecast, 'messages');
    const isWanted = messages > 0 && (await isConfirmed(messages, flags));
    if (!isWanted) {
      await client.request('DELETE', `${path}/${id}`);
      return messages === 0 ? 'nobody' : 'unwanted';
    }
    return client.request('POST', `${path}/${id}/launch`, { limit: flags.limit });
  });
  if (launched === 'nobody')
    throw failed(
      'Nobody would get it, so it was not made: name people with --tag, --to, --csv or --all-contacts.',
    );
  if (launched === 'unwanted') throw failed('Not launched, and removed.');
  if (flags.watch === true) return watchBroadcast(client, id, flags.json === true);
  if (flags.json === true) printJson(launched);
  else printBroadcast(launched);
}

async function isConfirmed(messages: number, flags: RunFlags): Promise<boolean> {
  if (flags.yes === true || process.stdin.isTTY !== true) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  terminal.once('SIGINT', () => process.exit(130));
  try {
    const what = messages === 1 ? '1 message' : `${grouped(messages)} messages`;
    const answer = await terminal.question(`Send ${what}? (y/N) `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
