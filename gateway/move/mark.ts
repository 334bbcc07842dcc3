/**
 * The mark of a move in the data folder it leaves: from the first row that is copied on, no gateway may work on that folder, or two
 * would send the same messages. A file and not a row, so that the database stays as it was.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, parseJson } from '../canonical/json.ts';
import { isoTime } from '../platform/clock.ts';
import { StartProblem } from '../platform/start-problem.ts';

export interface MoveMark {
  id: string;
  /** Where to, without the password. */
  to: string;
  startedAt: number;
  finishedAt: number | null;
}

const markPath = (dataFolder: string) => join(dataFolder, 'move.json');

export function readMark(dataFolder: string): MoveMark | undefined {
  let text: string;
  try {
    text = readFileSync(markPath(dataFolder), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const mark = parseJson(text);
  if (!isObject(mark) || typeof mark.id !== 'string' || typeof mark.to !== 'string')
    throw new StartProblem([`${markPath(dataFolder)} is not the mark of a move: restore it or remove it.`]);
  const { id, to, startedAt, finishedAt } = mark;
  return {
    id,
    to,
    startedAt: Number(startedAt),
    finishedAt: finishedAt === null ? null : Number(finishedAt),
  };
}

/** In one step and on the disk when it returns: what follows relies on it. */
export function writeMark(dataFolder: string, mark: MoveMark): void {
  const path = markPath(dataFolder);
  const file = openSync(`${path}.new`, 'w', 0o600);
  writeSync(file, `${JSON.stringify(mark, null, 2)}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.new`, path);
  const folder = openSync(dataFolder, 'r');
  fsyncSync(folder);
  closeSync(folder);
}

export function removeMark(dataFolder: string): void {
  rmSync(markPath(dataFolder), { force: true });
}

/** Throws `StartProblem` when the embedded database of this folder was moved away, or its move has begun. */
export function refuseMoved(dataFolder: string): void {
  const mark = readMark(dataFolder);
  if (mark === undefined) return;
  const back = 'To use the embedded database again: wagate move --undo --to <the same URL>';
  throw new StartProblem([
    mark.finishedAt === null
      ? `The database of ${dataFolder} is being moved to ${mark.to} since ${isoTime(mark.startedAt)}: finish it with wagate move --to <the same URL>. ${back}.`
      : `The database of ${dataFolder} was moved to ${mark.to} at ${isoTime(mark.finishedAt)}: start with DATABASE_URL set to it. ${back}.`,
  ]);
}
