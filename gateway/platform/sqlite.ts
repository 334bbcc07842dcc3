/**
 * The embedded engine: node:sqlite in WAL mode. One connection writes, one reads: readers see only what is committed and never
 * wait for the writer. A commit is told when it has reached the disk, which the event loop does not wait for
 * (docs/decisions/0010-group-sync.md).
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { createCheckpoints } from './checkpoints.ts';
import {
  asTx,
  CommitUnheard,
  type Database,
  oneOf,
  type Sql,
  type SqlValue,
  TransactionOver,
  type Tx,
} from './database.ts';
import { createGroupSync } from './group-sync.ts';

interface Work {
  work(tx: Tx): Promise<unknown>;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve));

export function openSqlite(path: string): Database {
  const writer = connect(path);
  const reader = connect(path);
  const disk = createGroupSync(`${path}-wal`);
  const read = statements(reader);
  const write = statements(writer);
  const checkpoints = createCheckpoints(path, () => {
    if (!writer.isTransaction) writer.exec('pragma wal_checkpoint(passive)');
  });
  let waiting: Work[] = [];
  let running: Promise<void> | undefined;

  /** All that arrives within one turn of the event loop is committed together, each work in a savepoint of its own. */
  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      await turn();
      const group = waiting;
      waiting = [];
      try {
        await commit(group);
      } catch (error) {
        if (writer.isTransaction) writer.exec('rollback');
        for (const { reject } of group) reject(error);
      }
    }
    running = undefined;
  }

  async function commit(group: Work[]): Promise<void> {
    writer.exec('begin immediate');
    const tellings: (() => void)[] = [];
    for (const one of group) tellings.push(await attempt(one));
    writer.exec('commit');
    checkpoints.committed();
    void disk.reached().then(
      () => {
        for (const tell of tellings) tell();
      },
      error => {
        for (const { reject } of group) reject(new CommitUnheard(error));
      },
    );
  }

  /** Returns what is told once the group is durable: that the work is done, or that it failed and nothing of it stands. */
  async function attempt({ work, resolve, reject }: Work): Promise<() => void> {
    let over = false;
    const { tx, committed } = asTx({
      all: (text, values) => (over ? Promise.reject(new TransactionOver()) : write.all(text, values)),
    });
    writer.exec('savepoint work');
    try {
      const result = await work(tx).finally(() => {
        over = true;
      });
      writer.exec('release work');
      return () => {
        committed();
        resolve(result);
      };
    } catch (error) {
      // A full disk ends the whole transaction, not only the savepoint.
      if (!writer.isTransaction) throw error;
      writer.exec('rollback to work; release work');
      return () => reject(error);
    }
  }

  return {
    engine: 'sqlite',
    all: read.all,
    transact<T>(work: (tx: Tx) => Promise<T>) {
      return new Promise<T>((resolve, reject) => {
        waiting.push({ work, resolve: result => resolve(result as T), reject });
        running ??= drain();
      });
    },
    async close() {
      await running;
      await disk.reached().catch(() => undefined);
      disk.close();
      await checkpoints.close();
      reader.close();
      writer.close();
    },
  };
}

function connect(path: string): DatabaseSync {
  const connection = new DatabaseSync(path, { timeout: 5_000 });
  connection.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on');
  connection.exec('pragma cache_size = -32000; pragma temp_store = memory; pragma mmap_size = 0');
  // The net behind checkpoints.ts, in pages of 4 KB.
  connection.exec('pragma wal_autocheckpoint = 50000');
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
  return text
    .replace(oneOf, '$<column> in ($<select>)')
    .replace(/\$(\d+)/g, '?$1')
    .replaceAll('json_rows(', `${each}(`)
    .replaceAll(' for update', '');
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
