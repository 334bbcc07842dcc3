/** The engine for many processes: PostgreSQL through a small pool. */
import pg from 'pg';
import { asTx, CommitUnheard, type Database, type Sql, type SqlValue } from './database.ts';

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

export function openPostgres(url: string, connections: number, onError: (error: Error) => void): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    types,
    application_name: 'wagate',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', onError);

  async function transaction<T>(work: (tx: ReturnType<typeof asTx>) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    // The pool listens only to idle connections; one that breaks in our hands fails its next query, which is enough to know.
    const broke = () => undefined;
    client.on('error', broke);
    try {
      await client.query('begin');
      const result = await work(asTx(queries(client)));
      await client.query('commit').catch((error: pg.DatabaseError) => {
        // A no to the commit itself (class 40, 23) is an answer; anything else leaves it open.
        throw /^(40|23)/.test(error.code ?? '') ? error : new CommitUnheard(error);
      });
      client.release();
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

  return {
    engine: 'postgres',
    all: queries(pool).all,
    async transact(work) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await transaction(work);
        } catch (error) {
          if (attempt === attemptsMax || !repeatable.has(String((error as { code?: string }).code)))
            throw error;
        }
      }
    },
    close: () => pool.end(),
  };
}

function queries(client: pg.Pool | pg.PoolClient): Sql {
  return {
    async all<R extends object>(text: string, values: SqlValue[] = []) {
      const result = await client.query(toPostgres(text), values);
      return result.rows as R[];
    },
  };
}

const rewritten = new Map<string, string>();

function toPostgres(text: string): string {
  let sql = rewritten.get(text);
  if (sql === undefined) {
    sql = text.replace(/json_rows\((\$\d+)\)/g, 'jsonb_array_elements($1::jsonb)');
    rewritten.set(text, sql);
  }
  return sql;
}
