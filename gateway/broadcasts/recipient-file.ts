/**
 * A file of people is added to a draft, batch by batch, each in a transaction of its own: memory is that of one batch, however long the
 * file. A file that is sent again adds whom it had not added before, because nobody stands in a ledger twice.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { isObject, type Json, type JsonObject } from '../canonical/json.ts';
import type { PhoneReader } from '../canonical/phone-number.ts';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import { type FileFormat, type FileRow, rowsOf } from '../contacts/file-rows.ts';
import { createJsonRows } from '../contacts/json-rows.ts';
import type { Database } from '../platform/database.ts';
import type { BroadcastKey } from './broadcast.ts';
import { addRecipients, type NamedRecipient } from './freeze.ts';
import { createRecipientCsv } from './recipient-csv.ts';
import { lockBroadcast } from './table.ts';
import type { Variables } from './variables.ts';

/** What became of the rows of a file. */
export interface AddedFile {
  rows: number;
  /** New in the ledger; `skipped`: of these, who will get no message because the content names what is not known of them. */
  made: number;
  skipped: number;
  /** In the ledger before, or in an earlier row. */
  already: number;
  /** Whom the audience leaves out. */
  excluded: number;
  /** Rows that say nobody. */
  failed: number;
  /** Of the rows that failed, the first thousand. */
  errors: RowError[];
}

/** `line`: in which the row begins, the first of the file is 1. `field`: empty when it is the whole row. */
export type RowError = {
  line: number;
  field: string;
  message: string;
};

export interface FileOptions {
  format: FileFormat;
  phones: PhoneReader;
  /** Of numbers without a country code. */
  country: string | undefined;
}

export interface FileDeps {
  database: Database;
  now(): number;
  /** The process ends: what is committed is committed. */
  isStopping(): boolean;
}

const batchRows = 500;
const errorsTold = 1_000;

/** A refusal leaves what was committed before it. */
export async function addFile(
  deps: FileDeps,
  key: BroadcastKey,
  options: FileOptions,
  source: AsyncIterable<Uint8Array>,
): Promise<AddedFile | Refusal> {
  const done: AddedFile = { rows: 0, made: 0, skipped: 0, already: 0, excluded: 0, failed: 0, errors: [] };
  let named: NamedRecipient[] = [];

  async function commit(): Promise<Refusal | undefined> {
    if (deps.isStopping()) return { code: 'overloaded', retryAfterSeconds: 5 };
    const added = await deps.database.transact(async tx => {
      const broadcast = await lockBroadcast(tx, key.tenantId, key.broadcastId);
      if (broadcast === undefined) return notFound(key);
      if (broadcast.state !== 'draft') return noDraft(broadcast.state);
      return addRecipients(tx, broadcast, named, deps.now());
    });
    if (isRefusal(added)) return added;
    done.made += added.made;
    done.skipped += added.skipped;
    done.excluded += added.excluded;
    done.already += named.length - added.made - added.excluded;
    named = [];
    // Whatever else this process does has its turn, however fast the file comes.
    await turn();
    return undefined;
  }

  function take({ line, said }: FileRow): void {
    if (said === 'heading') return;
    done.rows++;
    const read = 'wrong' in said ? { field: '', message: said.wrong } : readRow(said.fields, options);
    if (!('message' in read)) named.push(read);
    else {
      done.failed++;
      if (done.errors.length < errorsTold) done.errors.push({ line, ...read });
    }
  }

  const reader = options.format === 'csv' ? createRecipientCsv() : createJsonRows();
  for await (const rows of rowsOf(source, reader)) {
    if (isRefusal(rows)) return rows;
    for (const row of rows) {
      take(row);
      const refused = named.length < batchRows ? undefined : await commit();
      if (refused !== undefined) return refused;
    }
  }
  return (await commit()) ?? done;
}

const notFound = ({ broadcastId: id }: BroadcastKey): Refusal => ({
  code: 'object_not_found',
  kind: 'broadcast',
  id,
});

export const noDraft = (state: string): Refusal => ({
  code: 'conflict',
  reason: `It is ${state}; people can be added to a draft only.`,
});

/** `{"phone": …, "variables": {…}}`, beside which other members mean nothing; or the variables beside the phone. */
function readRow(
  fields: JsonObject,
  { phones, country }: FileOptions,
): NamedRecipient | Omit<RowError, 'line'> {
  const { phone, ...beside } = fields;
  const reading = phones.read(textOf(phone) ?? '', country);
  if ('problem' in reading) return { field: 'phone', message: reading.problem };
  const said = beside.variables ?? beside;
  if (!isObject(said)) return { field: 'variables', message: 'must be an object' };
  const variables: Variables = {};
  for (const [name, value] of Object.entries(said)) {
    if (value === null) continue;
    const text = textOf(value);
    const field = `variables.${name.slice(0, 60)}`;
    if (text === undefined) return { field, message: 'must be a text, a number, true or false' };
    if (text.includes('\uFFFD')) return { field, message: 'is not written in UTF-8' };
    variables[name.trim()] = text;
  }
  return { phone: reading.digits, variables };
}

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'object' ? undefined : value === undefined ? undefined : String(value);
