/** The ledger as a file: read slice by slice while it is written. */
import { setImmediate as turn } from 'node:timers/promises';
import { csvLine } from '../contacts/csv-cells.ts';
import type { FileFormat } from '../contacts/file-rows.ts';
import type { Sql } from '../platform/database.ts';
import type { BroadcastKey } from './broadcast.ts';
import { type LedgerFilter, readLedger } from './ledger.ts';
import { recipientColumns, recipientLine } from './tell-recipient.ts';

const sliceRows = 500;

/** Parts of the file. What changes meanwhile is told as it is when its turn comes. */
export async function* exportLedger(
  sql: Sql,
  key: BroadcastKey,
  filter: LedgerFilter,
  format: FileFormat,
): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine([...recipientColumns]);
  for (let after: string | undefined = ''; after !== undefined; ) {
    const { entries, next } = await readLedger(sql, key, filter, after, sliceRows);
    if (entries.length > 0) yield entries.map(recipientLine[format]).join('');
    after = next;
    // Neither the database nor a fast client need let anybody else have a turn.
    await turn();
  }
}
