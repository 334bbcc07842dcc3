/** wagate contact import: a file of contacts, with how far it is; the same command again goes on where it was broken off. */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { isObject, type JsonObject } from '../canonical/json.ts';
import { steadyMs, systemClock } from '../platform/clock.ts';
import { rowsOf, textOf } from './answer.ts';
import type { Client } from './client.ts';
import { severalNumbers } from './contact-filter.ts';
import { CliFailure, exitCodes, failed, usage } from './failure.ts';
import { grouped } from './move-progress.ts';
import { printFacts, printJson, printNote } from './print.ts';
import { asTenant, type ServerFlags, withServer } from './target.ts';

interface ImportFlags extends ServerFlags {
  tag?: number[];
  country?: string;
  onDuplicate: string;
  format?: string;
  id?: string;
  again?: boolean;
}

const path = '/api/v1/contacts/import';
const mediaTypes: Record<string, string> = { csv: 'text/csv', ndjson: 'application/x-ndjson' };
const errorsShown = 20;

export function addContactImport(contact: Command): void {
  withServer(
    contact.command('import').argument('<file>').description('keep the people of a file: CSV or JSON Lines'),
    'tenant',
  )
    .option('--tag <id>', 'a tag for all of them; may be repeated', severalNumbers)
    .option('--country <code>', 'of numbers without country code, as TR')
    .addOption(
      new Option('--on-duplicate <how>', 'a contact that is there already')
        .choices(['update', 'skip'])
        .default('update'),
    )
    .addOption(new Option('--format <format>', 'by default by its name').choices(['csv', 'ndjson']))
    .option('--id <id>', 'of the import; by default the file itself says it')
    .option('--again', 'import it once more although it was imported')
    .addHelpText(
      'after',
      `
CSV begins with a heading: phone, and if you like name, language, timeZone, tags; every other column is an attribute of that name.
Rows that are wrong are told by their line and cost no other. Broken off, the same command goes on where it was.

Examples:
  $ printf 'phone,name,city\\n0532 123 45 67,Ayşe,Ankara\\n' > people.csv
  $ wagate contact import people.csv --tag 42 --country TR`,
    )
    .action(async (file: string, flags: ImportFlags) => {
      const format = flags.format ?? (/\.(ndjson|jsonl)$/i.test(file) ? 'ndjson' : 'csv');
      const { size, digest } = await lookAt(file);
      const query = new URLSearchParams({ onDuplicate: flags.onDuplicate });
      if (flags.tag !== undefined) query.set('tags', flags.tag.join(','));
      if (flags.country !== undefined) query.set('country', flags.country);
      const again = flags.again === true ? `.${systemClock.now().toString(36)}` : '';
      const id = flags.id ?? `file-${digest(`${format}?${query}`)}${again}`;
      query.set('id', id);
      const client = asTenant(flags);
      const sent = createReadStream(file, { highWaterMark: 256 * 1024 });
      const progress = followProgress(client, id, () => sent.bytesRead / Math.max(1, size));
      let answer: JsonObject;
      try {
        answer = await client.upload(`${path}?${query}`, mediaTypes[format]!, sent);
      } catch (error) {
        if (error instanceof CliFailure && error.exitCode === exitCodes.unreachable)
          throw new CliFailure(
            error.exitCode,
            `${error.message}\nWhat was committed stays: the same command goes on behind it.`,
          );
        throw error;
      } finally {
        await progress.end();
      }
      show(answer, flags);
      if (Number(countsOf(answer).failed) > 0) throw failed('Some rows were not taken.');
    });
}

/** Its size, and what it says together with how it is to be imported, in 32 characters. */
async function lookAt(file: string): Promise<{ size: number; digest(how: string): string }> {
  try {
    const hash = createHash('sha256');
    for await (const part of createReadStream(file)) hash.update(part as Buffer);
    return { size: statSync(file).size, digest: how => hash.update(how).digest('hex').slice(0, 32) };
  } catch (error) {
    throw usage(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

const countsOf = (answer: JsonObject): JsonObject => (isObject(answer.counts) ? answer.counts : {});

function show(answer: JsonObject, flags: ImportFlags): void {
  if (flags.json === true) {
    printJson(answer);
    return;
  }
  if (answer.repeated === true)
    printNote(
      `This file was imported before, at ${textOf(answer, 'finishedAt')}; --again imports it once more.`,
    );
  const errors = rowsOf(answer, 'errors');
  for (const one of errors.slice(0, errorsShown)) {
    const field = textOf(one, 'field');
    printNote(`line ${textOf(one, 'line')}: ${field === '' ? '' : `${field} `}${textOf(one, 'message')}`);
  }
  const failures = Number(countsOf(answer).failed);
  if (failures > errorsShown)
    printNote(`… and ${grouped(failures - errorsShown)} more: GET ${path}/${textOf(answer, 'id')}/errors`);
  printFacts({
    id: textOf(answer, 'id'),
    rows: textOf(answer, 'rows'),
    ...(countsOf(answer) as Record<string, number>),
  });
}

const everyMs = 500;
const barWidth = 24;
const clearLine = '\r\x1b[2K';

/** Asked of the gateway: what is committed, not what is on its way. Only on a terminal. */
function followProgress(client: Client, id: string, sentShare: () => number): { end(): Promise<void> } {
  if (process.stderr.isTTY !== true) return { end: async () => undefined };
  const stop = new AbortController();
  const startedMs = steadyMs();
  let first: number | undefined;

  async function draw(): Promise<void> {
    while (!stop.signal.aborted) {
      await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) break;
      // Not begun yet, or the gateway is busy: the next look will tell.
      const now = await client.request('GET', `${path}/${encodeURIComponent(id)}`).catch(() => undefined);
      if (now === undefined) continue;
      const rows = Number(now.rows);
      first ??= rows;
      const perSecond = Math.round(((rows - first) / (steadyMs() - startedMs)) * 1000);
      const done = Math.min(1, sentShare());
      const bar = '█'.repeat(Math.round(done * barWidth)).padEnd(barWidth, '░');
      process.stderr.write(
        `${clearLine}${bar} ${Math.round(done * 100)}%  ${grouped(rows)} rows  ${grouped(perSecond)}/s  ${grouped(Number(countsOf(now).failed))} errors`,
      );
    }
    process.stderr.write(clearLine);
  }

  const drawing = draw();
  return {
    async end() {
      stop.abort();
      await drawing;
    },
  };
}
