/**
 * A table's checksum: the SHA-256 of each row's JSON, added up word by word. The order of rows does not matter, for the two engines
 * sort texts differently. Here the rows are hashed by us; PostgreSQL hashes its own, so that only digests travel.
 */
import { hash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Database } from '../platform/database.ts';
import { type Column, quoted, type Table } from './schema.ts';
import { readRows, rowJson, type Source } from './source.ts';

export interface Sum {
  rows: number;
  /** 64 hex digits. */
  checksum: string;
}

const rowsPerStep = 5_000;

function createSum() {
  const words = new Uint32Array(8);
  let rows = 0;
  return {
    add(digest: Buffer) {
      rows++;
      for (let i = 0; i < 8; i++) words[i]! += digest.readUInt32BE(i * 4);
    },
    get rows() {
      return rows;
    },
    result: (): Sum => ({
      rows,
      checksum: [...words].map(word => word.toString(16).padStart(8, '0')).join(''),
    }),
  };
}

/** Gives way after each step: the other side is summed up at the same time. */
export async function sumSource(source: Source, table: Table, summed: (rows: number) => void): Promise<Sum> {
  const sum = createSum();
  for (const row of readRows(source, table, null)) {
    sum.add(hash('sha256', rowJson(row), 'buffer'));
    if (sum.rows % rowsPerStep !== 0) continue;
    summed(sum.rows);
    await turn();
  }
  return sum.result();
}

export async function sumTarget(target: Database, table: Table): Promise<Sum> {
  return target.transact(async tx => {
    const sum = createSum();
    await tx.all(
      `declare digests no scroll cursor for
       select encode(sha256(convert_to(${jsonOf(table.columns)}, 'UTF8')), 'hex') as digest from ${quoted(table.name)}`,
    );
    for (;;) {
      const rows = await tx.all<{ digest: string }>(`fetch ${rowsPerStep} from digests`);
      for (const { digest } of rows) sum.add(Buffer.from(digest, 'hex'));
      if (rows.length < rowsPerStep) break;
    }
    await tx.all('close digests');
    return sum.result();
  });
}

/** What `JSON.stringify` makes of the row's values: both escape the same characters in the same way. */
function jsonOf(columns: Column[]): string {
  const values = columns.map(({ name }) => `coalesce(to_json(${quoted(name)})::text, 'null')`);
  return `'[' || ${values.join(` || ',' || `)} || ']'`;
}
