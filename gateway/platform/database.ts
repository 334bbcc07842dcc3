/**
 * One database interface over two engines. The same SQL runs on both: parameters are $1, $2, …; times and numbers are
 * bigint; JSON is text. A batch travels as one JSON parameter: `json_rows($1)` yields its elements as `value`, read
 * with `value ->> 'member'`; it is the only word that differs (sqlite.ts and postgres.ts replace it).
 */
export type SqlValue = string | number | null;
export type Row = Record<string, SqlValue>;

export interface Sql {
  all<R extends object = Row>(text: string, values?: SqlValue[]): Promise<R[]>;
}

declare const insideTransaction: unique symbol;
/** What functions that write take. Only a database can make one. */
export interface Tx extends Sql {
  readonly [insideTransaction]: true;
}

export interface Database extends Sql {
  readonly engine: 'sqlite' | 'postgres';
  /** Runs `work` in one transaction: commits what it did, or throws and nothing of it stands. */
  transact<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The commit was written and its answer never came: what the transaction did may stand or not. */
export class CommitUnheard extends Error {
  readonly code: string;
  constructor(cause: Error & { code?: string }) {
    super(`the commit was not heard of: ${cause.message}`, { cause });
    this.code = cause.code ?? '';
  }
}

export function asTx(sql: Sql): Tx {
  return sql as Tx;
}

/** The first row of a query that yields at most one. */
export async function first<R extends object = Row>(sql: Sql, text: string, values: SqlValue[] = []) {
  const rows = await sql.all<R>(text, values);
  return rows[0];
}

/** A text for a column of its own: PostgreSQL takes neither NUL nor half a surrogate pair. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

/**
 * The database is away or full, or its answer to a commit was lost: not the fault of what was asked, and asking again at once
 * would only pile up more.
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof CommitUnheard) return true;
  const code = String((error as { code?: unknown }).code ?? '');
  return (
    /^(ECONN|ETIMEDOUT|EPIPE|57P|08|53)/.test(code) || /timeout|terminated|disk|full/i.test(String(error))
  );
}
