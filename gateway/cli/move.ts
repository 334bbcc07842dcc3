/** wagate move: from the embedded database to PostgreSQL, compared on both sides. */
import { type Command, Option } from 'commander';
import type { ComparedTable } from '../move/compare.ts';
import type { MoveDeps } from '../move/sides.ts';
import { isoTime, systemClock } from '../platform/clock.ts';
import type { Config } from '../platform/config.ts';
import { createLog } from '../platform/log.ts';
import { StartProblem } from '../platform/start-problem.ts';
import { failed, usage } from './failure.ts';
import { createMoveProgress, grouped } from './move-progress.ts';
import { printJson, printNote, printTable, shortTime } from './print.ts';
import { configOrProblems } from './settings.ts';

interface MoveFlags {
  to?: string;
  verify?: boolean;
  undo?: boolean;
  force?: boolean;
  json?: boolean;
}

const about = `
Copies every table of the embedded database in WAGATE_DATA to an empty PostgreSQL database, compares counts and checksums of both
sides, and only then lets gateways start there. Stop the gateway first. If the move is interrupted, repeat the command: it goes on
where it stopped. The embedded database stays as it was; it is only marked, so that no gateway starts on it by mistake.

Examples:
  $ wagate move --to postgres://wagate:secret@db/wagate
  $ DATABASE_URL=postgres://wagate:secret@db/wagate wagate serve      # the same WAGATE_DATA: master.key is there

  $ wagate move --verify --to postgres://wagate:secret@db/wagate      # compare again
  $ wagate move --undo --to postgres://wagate:secret@db/wagate        # back, while nothing was sent there`;

export function addMove(program: Command): void {
  program
    .command('move')
    .description('move the embedded database to PostgreSQL; repeat it to go on after an interruption')
    .option('--to <url>', 'an empty PostgreSQL database (default: DATABASE_URL)')
    .addOption(new Option('--verify', 'only compare both sides').conflicts('undo'))
    .option('--undo', 'use the embedded database again; refused when the other was used since')
    .option('--force', 'with --undo: whatever happened there since')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', about)
    .action(act);
}

async function act(flags: MoveFlags): Promise<void> {
  const config = configOrProblems();
  if (flags.force === true && flags.undo !== true) throw usage('--force goes with --undo only.');
  // Whatever the source: a move always leaves WAGATE_DATA.
  const to = flags.to ?? config.databaseUrl ?? undefined;
  const deps = {
    dataFolder: config.dataFolder,
    uncertainMs: config.uncertainSeconds * 1000,
    now: systemClock.now,
    log: createLog('silent', null),
  };
  if (flags.undo === true) return undoMove(deps, to, flags);
  if (to === undefined)
    throw usage('Give --to postgres://user:password@host:5432/database, or set DATABASE_URL.');
  if (flags.verify === true) await verifyMove({ ...deps, to }, flags);
  else await runMove({ ...deps, to }, config, flags);
}

type Deps = Omit<MoveDeps, 'progress' | 'to'>;

/** The lines that tell how far it is have ended before anything else is printed. */
async function watched<T>(work: (progress: MoveDeps['progress']) => Promise<T>): Promise<T> {
  const { step, end } = createMoveProgress(systemClock.now);
  return work(step).finally(end);
}

async function runMove(deps: Deps & { to: string }, config: Config, { json }: MoveFlags): Promise<void> {
  const { move, notMoved, shownUrl } = await moving();
  const startedAt = deps.now();
  const shown = shownUrl(deps.to);
  printNote(`Moving ${config.dataFolder}/wagate.db to ${shown}`);
  const end = await watched(progress => move({ ...deps, progress })).catch(goOn);
  if (end.kind === 'moved_before') {
    if (json === true) return printJson({ to: shown, moved: true, movedAt: isoTime(end.at) });
    printNote(
      `It was moved there already, ${shortTime(isoTime(end.at))}. wagate move --verify compares, wagate move --undo goes back.`,
    );
    return;
  }
  const seconds = (deps.now() - startedAt) / 1000;
  const moved = end.kind === 'moved';
  if (json === true) printJson({ to: shown, moved, seconds, tables: end.tables });
  else {
    printComparison(end.tables);
    for (const [table, reason] of notMoved) printNote(`Not moved: ${table} (${reason}).`);
  }
  if (!moved) throw failed(differenceText(end.tables, 'Do not use it: make it anew and move again.'));
  const rows = end.tables.reduce((sum, { source }) => sum + source.rows, 0);
  printNote(`\nMoved ${grouped(rows)} rows in ${seconds.toFixed(1)} s; both sides are equal.\n`);
  printNote(closingText(config, shown, shown === deps.to));
}

function closingText(config: Config, shown: string, whole: boolean): string {
  const key =
    config.masterKey === null
      ? `The same master key must be there: ${config.dataFolder}/master.key. Keep WAGATE_DATA as it is, or on other machines set
WAGATE_MASTER_KEY to what stands in that file. Without it the access tokens of your numbers cannot be opened.`
      : 'Set the same WAGATE_MASTER_KEY there. Without it the access tokens of your numbers cannot be opened.';
  return `Start it there:
  DATABASE_URL=${shown} npx wagate serve${whole ? '' : '      (the URL with its password and options)'}

${key}
Nothing else has to go along: what killed processes left in ${config.dataFolder}/journals is settled.

${config.dataFolder}/wagate.db stays as it was, and no gateway starts on it any more. wagate move --undo goes back, as long as nothing
was sent from the new place. Later, when it has served as a backup, delete wagate.db: it is full of messages.`;
}

async function verifyMove(deps: Deps & { to: string }, { json }: MoveFlags): Promise<void> {
  const { verify } = await moving();
  const tables = await watched(progress => verify({ ...deps, progress }));
  const equal = tables.every(one => one.equal);
  if (json === true) printJson({ equal, tables });
  else printComparison(tables);
  if (!equal) {
    throw failed(
      differenceText(tables, 'A gateway that has run on one of them since the move is a good reason.'),
    );
  }
  printNote('Both sides are equal.');
}

async function undoMove(deps: Deps, to: string | undefined, flags: MoveFlags): Promise<void> {
  const { undo } = await moving();
  // With --force only the database that is named is asked: it may be gone.
  const how = flags.force === true ? { to: flags.to, force: true } : { to, force: false };
  await watched(progress => undo({ ...deps, ...how, progress }));
  if (flags.json === true) return printJson({ undone: true });
  printNote(
    `Undone: the embedded database in ${deps.dataFolder} is the one in use again. Start it without DATABASE_URL: wagate serve`,
  );
}

function printComparison(tables: ComparedTable[]): void {
  printTable(
    ['TABLE', 'ROWS HERE', 'ROWS THERE', 'CHECKSUM HERE', 'CHECKSUM THERE', ''],
    tables.map(({ name, source, target, equal }) => [
      name,
      grouped(source.rows),
      grouped(target.rows),
      source.checksum.slice(0, 16),
      target.checksum.slice(0, 16),
      equal ? 'equal' : 'DIFFERENT',
    ]),
  );
}

function differenceText(tables: ComparedTable[], advice: string): string {
  const names = tables.filter(({ equal }) => !equal).map(({ name }) => name);
  return `The two sides differ in ${names.join(', ')}. ${advice}`;
}

function goOn(error: unknown): never {
  if (error instanceof StartProblem) throw error;
  const message = error instanceof Error ? error.message : String(error);
  throw failed(`The move stopped: ${message}.\nRepeat the same command: it goes on where it stopped.`);
}

/** PostgreSQL's client and the rest, for this command only. */
async function moving() {
  const [{ move }, { verify }, { undo }, { notMoved }, { shownUrl }] = await Promise.all([
    import('../move/move.ts'),
    import('../move/compare.ts'),
    import('../move/undo.ts'),
    import('../move/schema.ts'),
    import('../move/target.ts'),
  ]);
  return { move, undo, verify, notMoved, shownUrl };
}
