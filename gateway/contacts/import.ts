/**
 * A file of contacts becomes rows, batch by batch, each in one transaction with how far the file is: whatever ends it, the same file sent
 * again goes on behind the last batch. Memory is that of one batch, however long the file.
 */
import { hash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { type PhoneReader, phoneReader } from '../canonical/phone-number.ts';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Database, Sql, Tx } from '../platform/database.ts';
import {
  beginImport,
  type ContactImport,
  findImport,
  forgetImports,
  type ImportCounts,
  type ImportError,
  importCounts,
  insertImportErrors,
  moveImport,
} from '../tenants/contact-imports.ts';
import { type ContactInput, saveContacts } from '../tenants/save-contacts.ts';
import { listTags } from '../tenants/tags.ts';
import { createContactCsv } from './contact-csv.ts';
import { type FileFormat, type FileRow, type RowReader, rowsOf } from './file-rows.ts';
import { createJsonRows } from './json-rows.ts';
import { attributesRule, type ReadOptions, readContact } from './read-contact.ts';

export interface ImportOptions {
  format: FileFormat;
  country: string | null;
  /** For every contact of the file, beside its own. */
  tags: number[];
  onDuplicate: 'update' | 'skip';
}

export interface ImportRequest {
  tenantId: string;
  id: string;
  requestedBy: string;
  options: ImportOptions;
}

export interface ImportDeps {
  database: Database;
  now(): number;
  /** The process ends: what is committed is committed. */
  isStopping(): boolean;
}

/** Part of what is hashed: with another number, files would break off at other rows. */
const batchRows = 500;
/** Errors of one import that are kept; the others are counted. */
const errorsKept = 100_000;

/** Another request with the same file was faster. */
class Overtaken extends Error {}

/** `repeated`: it had been finished before, and nothing was done. */
export async function importContacts(
  deps: ImportDeps,
  request: ImportRequest,
  source: AsyncIterable<Uint8Array>,
): Promise<(ContactImport & { repeated: boolean }) | Refusal> {
  const { database, now } = deps;
  const { tenantId, options } = request;
  const optionsText = JSON.stringify(options);
  const readOptions = await readOptionsOf(database, tenantId, options);
  let state = await database.transact(async tx => {
    await forgetImports(tx, tenantId, now());
    return beginImport(tx, tenantId, { ...begun(request, now()), options: optionsText });
  });
  if (state.options !== optionsText) return otherFile(state, 'with other options');
  const repeated = state.finishedAt !== null;
  const reader: RowReader = options.format === 'csv' ? createContactCsv() : createJsonRows();
  let seen = 0;
  let digest = begun(request, 0).digest;
  let pending: FileRow[] = [];

  /** Commits rows, or passes over those that were committed before. */
  async function take(rows: FileRow[], isLast: boolean): Promise<Refusal | undefined> {
    const after = digestOf(digest, rows);
    const seenAfter = seen + rows.length;
    while (seenAfter > state.rowsRead || (isLast && state.finishedAt === null)) {
      if (seen < state.rowsRead || state.finishedAt !== null) return otherFile(state);
      if (deps.isStopping()) return { code: 'overloaded', retryAfterSeconds: 5 };
      try {
        const before = state;
        state = await database.transact(tx =>
          commit(tx, { tenantId, rows, readOptions, options, now: now() }, before, {
            ...before,
            rowsRead: seenAfter,
            lastLine: rows.at(-1)?.line ?? before.lastLine,
            digest: after,
            updatedAt: now(),
            finishedAt: isLast ? now() : null,
          }),
        );
      } catch (error) {
        if (!(error instanceof Overtaken)) throw error;
        const found = await findImport(database, tenantId, request.id);
        if (found === undefined) throw error;
        state = found;
      }
    }
    if (seenAfter === state.rowsRead && after !== state.digest) return otherFile(state);
    seen = seenAfter;
    digest = after;
    // Whatever else this process does has its turn, however fast the file comes.
    await turn();
    return undefined;
  }

  async function next(rows: FileRow[] | Refusal): Promise<Refusal | undefined> {
    if (isRefusal(rows)) return rows;
    for (const row of rows) {
      if (row.said === 'heading') digest = digestOf(digest, [row]);
      else pending.push(row);
      if (pending.length < batchRows) continue;
      const refused = await take(pending, false);
      if (refused !== undefined) return refused;
      pending = [];
    }
    return undefined;
  }

  for await (const rows of rowsOf(source, reader)) {
    const refused = await next(rows);
    if (refused !== undefined) return refused;
  }
  const refused = await take(pending, true);
  if (refused !== undefined) return refused;
  return seen < state.rowsRead ? otherFile(state) : { ...state, repeated };
}

function begun({ id, requestedBy, options }: ImportRequest, now: number): ContactImport {
  return {
    ...{ id, requestedBy, options: '', rowsRead: 0, lastLine: 0, digest: hash('sha256', options.format) },
    counts: Object.fromEntries(importCounts.map(name => [name, 0])) as ImportCounts,
    ...{ startedAt: now, updatedAt: now, finishedAt: null },
  };
}

const digestOf = (before: string, rows: FileRow[]) =>
  rows.length === 0 ? before : hash('sha256', `${before}\n${rows.map(({ text }) => text).join('\n')}`);

const otherFile = ({ id, lastLine }: ContactImport, how = 'of another file'): Refusal => ({
  code: 'conflict',
  reason: `The import ${id} was begun ${how} (up to line ${lastLine}): give this one another id.`,
});

async function readOptionsOf(sql: Sql, tenantId: string, { country }: ImportOptions): Promise<ReadOptions> {
  const phones: PhoneReader = await phoneReader();
  const byText = new Map<string, number>();
  for (let after = 0; ; ) {
    const tags = await listTags(sql, tenantId, after, 1_000);
    // A name that is an id of another tag stands for that one.
    for (const { id, name } of tags) if (!byText.has(name)) byText.set(name, id);
    for (const { id } of tags) byText.set(String(id), id);
    if (tags.length < 1_000) break;
    after = tags.at(-1)!.id;
  }
  return { phones, country: country ?? undefined, tagOf: text => byText.get(text) };
}

interface Batch {
  tenantId: string;
  rows: FileRow[];
  readOptions: ReadOptions;
  options: ImportOptions;
  now: number;
}

async function commit(
  tx: Tx,
  { tenantId, rows, readOptions, options, now }: Batch,
  before: ContactImport,
  after: ContactImport,
): Promise<ContactImport> {
  const errors: ImportError[] = [];
  const inputs: ContactInput[] = [];
  const lines: number[] = [];
  for (const { line, said } of rows) {
    if (said === 'heading') continue;
    if ('wrong' in said) {
      errors.push({ line, field: '', message: said.wrong });
      continue;
    }
    const contact = readContact(said.fields, readOptions);
    if (Array.isArray(contact)) {
      const [first, ...more] = contact;
      const also = more.length === 0 ? '' : `; also ${more.map(issue => issue.path).join(', ')}`;
      errors.push({ line, field: first!.path, message: `${first!.message}${also}` });
      continue;
    }
    if (options.tags.length > 0) contact.tags = [...new Set([...(contact.tags ?? []), ...options.tags])];
    inputs.push(contact);
    lines.push(line);
  }
  const { tooLarge, ...saved } = await saveContacts(tx, tenantId, inputs, {
    ...{ onDuplicate: options.onDuplicate, now },
  });
  for (const place of tooLarge)
    errors.push({ line: lines[place]!, field: 'attributes', message: attributesRule });
  const counts = { ...before.counts };
  for (const [name, count] of Object.entries(saved)) counts[name as keyof typeof saved] += count;
  counts.failed += errors.length;
  const room = Math.max(0, errorsKept - before.counts.failed);
  await insertImportErrors(tx, tenantId, before.id, errors.slice(0, room));
  const moved = { ...after, counts };
  if (!(await moveImport(tx, tenantId, before, moved))) throw new Overtaken();
  return moved;
}
