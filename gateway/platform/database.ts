/**
 * One database interface over two engines. The same SQL runs on both: parameters are $1, $2, …; times and numbers are
 * bigint; JSON is text. A batch travels as one JSON parameter. Three words differ, sqlite.ts and postgres.ts replace them:
 *
 * - `json_rows($1)` yields the elements of a JSON array as `value`, read with `value ->> 'member'`.
 * - `one_of(column, select …)` is `column in (select …)`. It stands beside every join of a batch with a big table, because
 *   PostgreSQL then looks up keys whatever it believes about the tenant's size; else it may read the whole tenant.
 * - `for update` locks the rows a select reads; the embedded engine has one writer and needs none.
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
  /** Calls `listener` once what the transaction did is durable, before its caller hears of it; never when nothing of it stands. It must not throw. */
  afterCommit(listener: () => void): void;
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

/** A statement came after its transaction had ended: it would have stood on its own. A bug of ours. */
export class TransactionOver extends Error {
  constructor() {
    super('a statement came after the end of its transaction');
  }
}

/**
 * The first and the last of some keys, which are not none. A condition names them beside `one_of`, because PostgreSQL takes what it does not
 * know yet, a new tenant or a new broadcast, for a handful of rows and would read all of it (decision 0017). Keys of one batch mostly stand
 * together. Of numbers, or digits: letters are not ordered alike in every collation, and of those the statement has to find the bounds.
 */
export function boundsOf<Key extends string | number>(keys: readonly Key[]): [first: Key, last: Key] {
  let first: Key = keys[0]!;
  let last: Key = first;
  for (const key of keys) {
    if (key < first) first = key;
    if (key > last) last = key;
  }
  return [first, last];
}

/** `one_of(column, select …)`; the select holds no more than one level of parentheses. */
export const oneOf = /one_of\((?<column>[\w.]+),\s+(?<select>select (?:[^()]|\([^()]*\))*)\)/g;

/** Of one try of a transaction: its statements, and what waits for its commit. */
export function asTx(sql: Sql): { tx: Tx; committed(): void } {
  const listeners: (() => void)[] = [];
  return {
    tx: { ...sql, afterCommit: listener => void listeners.push(listener) } as Tx,
    committed() {
      for (const listener of listeners) listener();
    },
  };
}

/**
 * Parts of one transaction side by side: on PostgreSQL their statements share the way there. Ends when the last part has, also when
 * one fails: what still runs must not outlive the transaction.
 */
export async function together<T>(parts: Promise<T>[]): Promise<T[]> {
  const ends = await Promise.allSettled(parts);
  return ends.map(end => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
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
