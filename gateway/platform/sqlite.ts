/**
 * The embedded engine: node:sqlite in WAL mode with synchronous=FULL, so that a commit has reached the disk.
 * One connection writes, one reads: readers see only what is committed and never wait for the writer.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { asTx, type Database, type Sql, type SqlValue } from './database.ts';

export function openSqlite(path: string): Database {
  const writer = connect(path);
  const reader = connect(path);
  const read = statements(reader);
  const write = asTx(statements(writer));
  let last: Promise<unknown> = Promise.resolve();

  async function transaction<T>(work: (tx: typeof write) => Promise<T>): Promise<T> {
    writer.exec('begin immediate');
    try {
      const result = await work(write);
      writer.exec('commit');
      return result;
    } catch (error) {
      if (writer.isTransaction) writer.exec('rollback');
      throw error;
    }
  }

  return {
    engine: 'sqlite',
    all: read.all,
    transact(work) {
      const result = last.then(() => transaction(work));
      last = result.catch(() => undefined);
      return result;
    },
    async close() {
      await last;
      reader.close();
      writer.close();
    },
  };
}

function connect(path: string): DatabaseSync {
  const connection = new DatabaseSync(path, { timeout: 5_000 });
  connection.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on');
  connection.exec('pragma cache_size = -32000; pragma temp_store = memory; pragma mmap_size = 0');
  return connection;
}

function statements(connection: DatabaseSync): Sql {
  const prepared = new Map<string, StatementSync>();
  const each = eachFunction(connection);
  return {
    async all<R extends object>(text: string, values: SqlValue[] = []) {
      let statement = prepared.get(text);
      if (statement === undefined) {
        statement = connection.prepare(toSqlite(text, each));
        prepared.set(text, statement);
      }
      return statement.all(...values) as R[];
    },
  };
}

function toSqlite(text: string, each: string): string {
  return text.replace(/\$(\d+)/g, '?$1').replaceAll('json_rows(', `${each}(`);
}

/** The binary form where this SQLite has it (3.51): with json_each every single member that is read costs another parse of its row. */
function eachFunction(connection: DatabaseSync): string {
  try {
    connection.prepare(`select 1 from jsonb_each('[]')`);
    return 'jsonb_each';
  } catch {
    return 'json_each';
  }
}
