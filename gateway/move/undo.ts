/** Back to the embedded database, while that can be done without sending anything twice. */
import type { Database } from '../platform/database.ts';
import { StartProblem } from '../platform/start-problem.ts';
import { compare, sameSchema } from './compare.ts';
import { readMark, removeMark } from './mark.ts';
import { readRecord, undoRecord } from './record.ts';
import { lock, type MoveDeps, withBoth, withSource } from './sides.ts';
import { hasProcess, processThere, shownUrl } from './target.ts';

/**
 * Gives the embedded database back. Only while the new place holds nothing else than what was moved there: what it sent since would
 * be sent again, what it took would be lost. `force` is for who knows better, or whose new place is gone.
 */
export async function undo(
  deps: Omit<MoveDeps, 'to'> & { to: string | undefined; force: boolean },
): Promise<void> {
  const { dataFolder, to, force, now } = deps;
  const mark = readMark(dataFolder);
  if (mark === undefined)
    throw new StartProblem([`Nothing was moved from ${dataFolder}: there is nothing to undo.`]);
  if (to === undefined) {
    if (!force)
      throw new StartProblem([
        `Give --to <URL of ${mark.to}>, so that it can be seen that nothing was sent there since; --force goes back without looking.`,
      ]);
    const unlock = lock(dataFolder);
    removeMark(dataFolder);
    unlock();
    return;
  }
  await withBoth({ ...deps, to }, async target => {
    const record = await readRecord(target);
    if (record !== undefined && record.id !== mark.id)
      throw new StartProblem([`${shownUrl(to)} is not where ${dataFolder} was moved: that is ${mark.to}.`]);
    if (record === undefined && !force && (mark.finishedAt !== null || shownUrl(to) !== mark.to))
      throw new StartProblem([
        `${shownUrl(to)} knows of no move, ${dataFolder} was moved to ${mark.to}: whether anything was sent there since cannot be seen. --force goes back without looking.`,
      ]);
    if (record !== undefined && record.finishedAt !== null && !force) await unused({ ...deps, to }, target);
    // First there: at no moment may gateways start on both.
    if (record !== undefined) await undoRecord(target, record.id, now());
    removeMark(dataFolder);
  });
}

/** Throws when something happened in the target since the move. */
async function unused(deps: MoveDeps, target: Database): Promise<void> {
  const refuse = (what: string): never => {
    throw new StartProblem([
      `${shownUrl(deps.to)} was used since the move: ${what}. Going back would send again what was sent there and lose what was taken there; --force does it nevertheless.`,
    ]);
  };
  if (await hasProcess(target)) refuse(processThere);
  await withSource(deps.dataFolder, async (source, tables) => {
    await sameSchema(deps, target, tables);
    const different = (await compare(deps, source, target, tables)).filter(({ equal }) => !equal);
    if (different.length > 0) refuse(`other rows in ${different.map(({ name }) => name).join(', ')}`);
  });
}
