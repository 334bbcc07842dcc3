/**
 * Loaded into every process of a test run (`NODE_OPTIONS=--import …/watch.ts?folder=…`, see test/run.ts): writes each distinct
 * SQL text that the process hands to an engine to a file in the folder, at once, so that kill -9 loses nothing. It wraps the
 * drivers, not our code: what reaches an engine by another way than platform/ is seen, too.
 */
import { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import type pg from 'pg';

export interface SeenStatement {
  engine: 'sqlite' | 'postgres';
  text: string;
}

const folder = new URL(import.meta.url).searchParams.get('folder');
if (folder !== null) {
  watchDrivers(record(folder));
  watchChildren(import.meta.url);
}

type Record_ = (engine: SeenStatement['engine'], text: string) => void;

function record(into: string): Record_ {
  const file = join(into, `${process.pid}-${randomUUID()}.jsonl`);
  const seen = { sqlite: new Set<string>(), postgres: new Set<string>() };
  return (engine, text) => {
    if (seen[engine].has(text)) return;
    seen[engine].add(text);
    appendFileSync(file, `${JSON.stringify({ engine, text } satisfies SeenStatement)}\n`);
  };
}

/** Each driver is wrapped when it is first asked for, so that programs without a database start as fast as ever. */
function watchDrivers(write: Record_): void {
  const require = createRequire(import.meta.url);
  const wrappers = new Map<string, () => void>([
    ['node:sqlite', () => watchSqlite(process.getBuiltinModule('node:sqlite').DatabaseSync.prototype, write)],
    ['pg', () => watchPostgres((require('pg') as typeof pg).Client.prototype, write)],
  ]);
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const wrap = wrappers.get(specifier);
      wrappers.delete(specifier);
      wrap?.();
      return nextResolve(specifier, context);
    },
  });
}

function watchSqlite(prototype: import('node:sqlite').DatabaseSync, write: Record_): void {
  for (const name of ['prepare', 'exec'] as const) {
    const original: (text: string) => unknown = prototype[name];
    Object.defineProperty(prototype, name, {
      configurable: true,
      value: function watched(this: unknown, text: string, ...rest: unknown[]) {
        write('sqlite', text);
        return Reflect.apply(original, this, [text, ...rest]);
      },
    });
  }
}

function watchPostgres(prototype: pg.Client, write: Record_): void {
  const original: unknown = prototype.query;
  Object.defineProperty(prototype, 'query', {
    configurable: true,
    value: function watched(this: unknown, ...args: unknown[]) {
      write('postgres', textOf(args[0]));
      return Reflect.apply(original as () => unknown, this, args);
    },
  });
}

/** pg takes a text, `{text, values}`, `{name, text, values}`, or an object that submits itself (a Query, a cursor). */
function textOf(query: unknown): string {
  if (typeof query === 'string') return query;
  const { text, cursor } = query as { text?: unknown; cursor?: { text?: unknown } };
  const found = text ?? cursor?.text;
  if (typeof found === 'string') return found;
  throw new Error('test/statements/watch.ts cannot read the text of this query: teach it the new form');
}

/** A child is watched, too, also where a test gives it an environment of its own. */
function watchChildren(self: string): void {
  const prototype = ChildProcess.prototype as unknown as { spawn(options: { envPairs?: string[] }): unknown };
  const original = prototype.spawn;
  prototype.spawn = function watched(options) {
    const pairs = options.envPairs ?? [];
    if (!pairs.some(pair => pair.startsWith('NODE_OPTIONS=')))
      options.envPairs = [...pairs, `NODE_OPTIONS=--import ${self}`];
    return Reflect.apply(original, this, [options]);
  };
}
