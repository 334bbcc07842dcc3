/**
 * The move of an embedded database to PostgreSQL, on one screen: claims settled, rows copied, both sides compared, and only then the
 * new place may be used. From the first row on until then no gateway works on either side.
 */
import { realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { newId } from '../canonical/ids.ts';
import type { Database } from '../platform/database.ts';
import { StartProblem } from '../platform/start-problem.ts';
import { type ComparedTable, compare, inTable, sameSchema } from './compare.ts';
import { copyTable } from './copy.ts';
import { readMark, writeMark } from './mark.ts';
import { migrateOrTell, prepareSource } from './prepare.ts';
import { beginRecord, finishRecord, readRecord } from './record.ts';
import { quoted, type Table } from './schema.ts';
import { type MoveDeps, withBoth, withSource } from './sides.ts';
import { countRows } from './source.ts';
import { foreignData, hasProcess, processThere, shownUrl } from './target.ts';

export type MoveEnd =
  | { kind: 'moved' | 'different'; tables: ComparedTable[] }
  /** By an earlier call. */
  | { kind: 'moved_before'; at: number };

/** Moves, or goes on with a move that was interrupted. Throws `StartProblem` with what a person has to put right. */
export async function move(deps: MoveDeps): Promise<MoveEnd> {
  const { dataFolder, now } = deps;
  return withBoth(deps, async target => {
    const finishedAt = await finishedBefore(deps, target);
    if (finishedAt !== undefined) return { kind: 'moved_before', at: finishedAt };
    await prepareSource(deps);
    return withSource(dataFolder, async (source, tables) => {
      const id = await admit(deps, target, tables);
      for (const table of tables) {
        const total = countRows(source, table);
        const told = (rows: number) => deps.progress({ kind: 'copy', table: table.name, rows, total });
        await copyTable(source, target, table, told).catch(inTable(table));
        // Else the first plans are made for empty tables.
        await target.all(`analyze ${quoted(table.name)}`);
      }
      const compared = await compare(deps, source, target, tables);
      if (compared.some(({ equal }) => !equal)) return { kind: 'different', tables: compared };
      await nobodyThere(deps, target);
      const finished = now();
      await finishRecord(target, id, finished);
      finishMark(dataFolder, finished);
      return { kind: 'moved', tables: compared };
    });
  });
}

/** When the move was finished that is asked for; also sets the mark straight that a kill at the very end left open. */
async function finishedBefore({ dataFolder, to }: MoveDeps, target: Database): Promise<number | undefined> {
  const mark = readMark(dataFolder);
  if (mark === undefined) return undefined;
  const record = await readRecord(target);
  if (record?.id === mark.id && record.undoneAt === null && record.finishedAt !== null) {
    finishMark(dataFolder, record.finishedAt);
    return record.finishedAt;
  }
  if (record === undefined && (mark.finishedAt !== null || mark.to !== shownUrl(to)))
    throw new StartProblem([
      `The database of ${dataFolder} ${mark.finishedAt === null ? 'is being' : 'was'} moved to ${mark.to}: name that one, or take it back first with wagate move --undo --to <its URL>.`,
    ]);
  return undefined;
}

/** The id of the move into the target: a new one into an empty database, or ours that goes on. */
async function admit(deps: MoveDeps, target: Database, tables: Table[]): Promise<string> {
  const { dataFolder, to, now } = deps;
  const shown = shownUrl(to);
  const mark = readMark(dataFolder);
  const record = await readRecord(target);
  if (record === undefined) {
    const foreign = await foreignData(target, tables);
    if (foreign !== undefined)
      throw new StartProblem([
        `${shown} is not empty: ${foreign}. Name an empty database (createdb wagate).`,
      ]);
  } else if (record.undoneAt !== null || record.id !== mark?.id) {
    const of = record.undoneAt !== null ? 'that was undone' : 'of another database';
    throw new StartProblem([
      `${shown} holds a move ${of} (from ${record.source}): name an empty database, or make this one anew (dropdb, createdb).`,
    ]);
  }
  const id = mark?.id ?? newId();
  // Before the first row: from here on no gateway starts on this folder.
  if (mark === undefined) writeMark(dataFolder, { id, to: shown, startedAt: now(), finishedAt: null });
  if (record === undefined) {
    const place = `${hostname()}:${realpathSync(dataFolder)}`;
    await target.transact(tx => beginRecord(tx, id, place, now()));
  }
  await migrateOrTell(target, now());
  await sameSchema(deps, target, tables);
  await nobodyThere(deps, target);
  return id;
}

/** A gateway that looked just before the record was there has started nevertheless. */
async function nobodyThere({ to }: MoveDeps, target: Database): Promise<void> {
  if (await hasProcess(target))
    throw new StartProblem([
      `${shownUrl(to)}: ${processThere}. Stop it and repeat this command; if none runs, make the database anew.`,
    ]);
}

function finishMark(dataFolder: string, finishedAt: number): void {
  const mark = readMark(dataFolder);
  if (mark !== undefined) writeMark(dataFolder, { ...mark, finishedAt });
}
