/** The engine for many processes: PostgreSQL through a small pool. */
import { hash } from 'node:crypto';
import pg from 'pg';
import {
  asTx,
  CommitUnheard,
  type Database,
  oneOf,
  type SqlValue,
  TransactionOver,
  type Tx,
} from './database.ts';

export interface PostgresOptions {
  url: string;
  connections: number;
  /** A connection broke while nobody used it; or statements can no longer be prepared. */
  onError(error: Error): void;
}

// 64-bit integers arrive as text by default; ours are milliseconds and counters, which a double holds exactly.
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8
      ? (text: string) => Number(text)
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

/** Serialization failure and deadlock: the transaction did nothing and may simply be run again. */
const repeatable = new Set(['40001', '40P01']);
const attemptsMax = 5;

/** A prepared statement that is not there, or is there already: a pooler handed our statement to another connection. */
const unprepared = new Set(['26000', '42P05']);

/**
 * Plans are made for the table as it is. One that was made while it was empty, and is kept with the prepared statement, reads all of a
 * tenant's rows where it should look up keys (measured: sends slowed to a third within 20,000 rows).
 */
const planning = 'plan_cache_mode = force_custom_plan';

const codeOf = (error: unknown) => String((error as { code?: unknown }).code ?? '');

export function openPostgres({ url, connections, onError }: PostgresOptions): Database {
  const options: pg.PoolConfig & { pipeline: boolean } = {
    connectionString: url,
    max: connections,
    types,
    application_name: 'wagate',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    // Statements that do not wait for each other share the way to the server and back.
    pipeline: true,
  };
  const pool = new pg.Pool(options);
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', onError);
  // For what runs outside a transaction; behind a pooler it may miss its connection, which costs nothing but time.
  pool.on('connect', client => void client.query(`set ${planning}`).catch(onError));

  // Statements are prepared once per connection, unless a pooler in transaction mode stands between, which may not carry that.
  let prepared = true;
  const query: Query = (client, text, values) => {
    const statement = toPostgres(text);
    return client.query(
      prepared ? { name: statement.name, text: statement.text, values } : { text: statement.text, values },
    );
  };

  /** True when the same may be tried again without prepared statements: nothing of it was done. */
  function wasUnprepared(error: unknown): boolean {
    if (!unprepared.has(codeOf(error))) return false;
    if (prepared)
      onError(
        new Error('a pooler stands before PostgreSQL: statements are no longer prepared', { cause: error }),
      );
    prepared = false;
    return true;
  }

  async function transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    // The pool listens only to idle connections; one that breaks in our hands fails its next query, which is enough to know.
    const broke = () => undefined;
    client.on('error', broke);
    let over = false;
    const { tx, committed } = asTx({
      async all<R extends object>(text: string, values: SqlValue[] = []) {
        if (over) throw new TransactionOver();
        return (await query(client, text, values)).rows as R[];
      },
    });
    try {
      // Not waited for: it travels with the first statement, which fails if this did.
      const begun = client.query(`begin; set local ${planning}`);
      begun.catch(() => undefined);
      const result = await work(tx).finally(() => {
        over = true;
      });
      await begun;
      const { command } = await client.query('commit').catch((error: pg.DatabaseError) => {
        // A no to the commit itself (class 40, 23) is an answer; anything else leaves it open.
        throw /^(40|23)/.test(error.code ?? '') ? error : new CommitUnheard(error);
      });
      if (command !== 'COMMIT')
        throw new Error('the transaction was rolled back: a failed statement was overlooked');
      client.release();
      committed();
      return result;
    } catch (error) {
      const broken = await client.query('rollback').then(
        () => false,
        () => true,
      );
      client.release(broken);
      throw error;
    } finally {
      client.off('error', broke);
    }
  }

  /** Work that did nothing is run again. */
  async function untilDone<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const again = wasUnprepared(error) || repeatable.has(codeOf(error));
        if (attempt === attemptsMax || !again) throw error;
      }
    }
  }

  return {
    engine: 'postgres',
    all: async <R extends object>(text: string, values: SqlValue[] = []) =>
      untilDone(async () => (await query(pool, text, values)).rows as R[]),
    transact: work => untilDone(() => transaction(work)),
    close: () => pool.end(),
  };
}

type Query = (client: pg.Pool | pg.PoolClient, text: string, values: SqlValue[]) => Promise<pg.QueryResult>;

interface Statement {
  /** Of the prepared statement: its text's hash, since behind a pooler processes share connections, and a name with another meaning would run another statement. */
  name: string;
  text: string;
}

const statements = new Map<string, Statement>();

function toPostgres(text: string): Statement {
  let statement = statements.get(text);
  if (statement === undefined) {
    const sql = text
      .replace(oneOf, '$<column> = any(array($<select>))')
      .replace(/json_rows\((\$\d+)\)/g, 'jsonb_array_elements($1::jsonb)');
    statement = { name: `wagate_${hash('sha1', sql)}`, text: sql };
    statements.set(text, statement);
  }
  return statement;
}
