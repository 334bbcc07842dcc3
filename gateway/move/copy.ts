/** Copies one table in chunks; each chunk's rows and the mark of how far it is are one transaction, so that a repeat goes on there. */
import { type Database, type SqlValue, together } from '../platform/database.ts';
import { readProgress, writeProgress } from './record.ts';
import { quoted, type Table } from './schema.ts';
import { readRows, rowJson, type Source } from './source.ts';

const chunkRowsMax = 5_000;
/** Characters of JSON. Ends a chunk early where rows are large. */
const chunkTextMax = 4_000_000;

interface Chunk {
  json: string;
  rows: number;
  lastKey: SqlValue[];
}

/** `copied` hears the number of rows that are there, from the start on. */
export async function copyTable(
  source: Source,
  target: Database,
  table: Table,
  copied: (rows: number) => void,
): Promise<void> {
  const insert = insertStatement(table);
  const progress = await readProgress(target, table.name);
  let rows = progress.rows;
  copied(rows);
  const left = chunks(source, table, progress.lastKey);
  let next = left.next();
  while (!next.done) {
    const chunk = next.value;
    let following: IteratorResult<Chunk, void> | undefined;
    // The next is read while PostgreSQL works on this one; once, should the transaction be repeated.
    const readOn = async () => {
      following ??= left.next();
    };
    await target.transact(async tx => {
      await together<unknown>([
        tx.all(insert, [chunk.json]),
        writeProgress(tx, table.name, chunk.lastKey, chunk.rows),
        readOn(),
      ]);
    });
    rows += chunk.rows;
    copied(rows);
    next = following!;
  }
}

function* chunks(source: Source, table: Table, after: SqlValue[] | null): Generator<Chunk, void> {
  const keyAt = table.key.map(name => table.columns.findIndex(column => column.name === name));
  let texts: string[] = [];
  let length = 0;
  let last: SqlValue[] = [];
  const chunk = () => ({
    json: `[${texts.join(',')}]`,
    rows: texts.length,
    lastKey: keyAt.map(at => last[at]!),
  });
  for (const row of readRows(source, table, after)) {
    const text = rowJson(row);
    texts.push(text);
    length += text.length;
    last = row;
    if (texts.length < chunkRowsMax && length < chunkTextMax) continue;
    yield chunk();
    texts = [];
    length = 0;
  }
  if (texts.length > 0) yield chunk();
}

function insertStatement({ name, columns }: Table): string {
  const values = columns.map(({ type }, i) =>
    type === 'text' ? `value ->> ${i}` : `(value ->> ${i})::${type}`,
  );
  return `insert into ${quoted(name)} (${columns.map(column => quoted(column.name)).join(', ')})
    select ${values.join(', ')} from json_rows($1)`;
}
