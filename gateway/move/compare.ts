/** Are both sides equal? */
import type { Database } from '../platform/database.ts';
import { StartProblem } from '../platform/start-problem.ts';
import { type Sum, sumSource, sumTarget } from './checksum.ts';
import { schemaDifferences, type Table, targetTables } from './schema.ts';
import { type MoveDeps, withBoth, withSource } from './sides.ts';
import { countRows, type Source } from './source.ts';
import { shownUrl } from './target.ts';

export interface ComparedTable {
  name: string;
  source: Sum;
  target: Sum;
  equal: boolean;
}

/** Compares both sides as they are, without changing either. */
export async function verify(deps: MoveDeps): Promise<ComparedTable[]> {
  return withBoth(deps, target =>
    withSource(deps.dataFolder, async (source, tables) => {
      await sameSchema(deps, target, tables);
      return compare(deps, source, target, tables);
    }),
  );
}

/** Throws `StartProblem` when rows of one side could not stand on the other. */
export async function sameSchema({ to }: MoveDeps, target: Database, tables: Table[]): Promise<void> {
  const differences = schemaDifferences(tables, await targetTables(target));
  if (differences.length > 0)
    throw new StartProblem([
      `${shownUrl(to)} has another schema than the embedded database: ${differences.join('; ')}.`,
    ]);
}

/** Counts and checksums of every table on both sides, summed up at the same time. */
export async function compare(
  deps: MoveDeps,
  source: Source,
  target: Database,
  tables: Table[],
): Promise<ComparedTable[]> {
  const compared: ComparedTable[] = [];
  for (const table of tables) {
    const step = { kind: 'compare', table: table.name, total: countRows(source, table) } as const;
    const [here, there] = await Promise.all([
      sumSource(source, table, rows => {
        if (rows < step.total) deps.progress({ ...step, rows });
      }),
      sumTarget(target, table),
    ]).catch(inTable(table));
    deps.progress({ ...step, rows: step.total });
    const equal = here.rows === there.rows && here.checksum === there.checksum;
    compared.push({ name: table.name, source: here, target: there, equal });
  }
  return compared;
}

/** An error that says in which table. */
export function inTable({ name }: Table): (error: unknown) => never {
  return error => {
    throw new Error(`table ${name}: ${(error as Error).message || String(error)}`, { cause: error });
  };
}
