/**
 * Which processes are alive. Each beats its row; one whose beat stands still is dead, and its claims are taken over. Beats and
 * looks are counted, not timed: clocks of several machines need not agree, a clock that is set buries nobody, and neither does a
 * database that was away for all of them.
 */
import { realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, first } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { bootId, openJournal, readJournal, removeJournal } from './journal.ts';
import { type LaneKey, lanesToSweep } from './pace.ts';

const beatEveryMsDefault = 1_000;
/** A process whose beat stood still over so many of our looks, one after each of our beats, is taken for dead. */
const silentLooksMax = 6;

export interface DeadProcess {
  id: string;
  /** The sends it had begun to write (journal.ts), undefined when that cannot be known: then all it claimed is uncertain. */
  written: Set<string> | undefined;
}

export interface PresenceDeps {
  database: Database;
  log: Log;
  dataFolder: string;
  processId: string;
  pid: number;
  now(): number;
  /** A second unless told otherwise. */
  beatEveryMs?: number;
  /** Settles what a dead process held on one lane. */
  takeOver(lane: LaneKey, dead: DeadProcess): Promise<void>;
}

export interface Presence {
  journal: ReturnType<typeof openJournal>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface ProcessRow {
  id: string;
  place: string;
  pid: number;
  beat: number;
}

export function createPresence(deps: PresenceDeps): Presence {
  const { database, log, dataFolder, processId, now } = deps;
  const journal = openJournal(dataFolder, processId);
  const place = `${hostname()} ${bootId()} ${realpathSync(dataFolder)}`;
  const beatEveryMs = deps.beatEveryMs ?? beatEveryMsDefault;
  const lastBeats = new Map<string, { beat: number; silentLooks: number }>();
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  async function beat(): Promise<void> {
    const row = await first(database, 'update processes set beat = beat + 1 where id = $1 returning beat', [
      processId,
    ]);
    // Declared dead while it was stalled: what it held is uncertain by now, and it goes on under the same name.
    if (row === undefined) await enter();
  }

  async function enter(): Promise<void> {
    await database.transact(tx =>
      tx.all(
        'insert into processes (id, place, pid, beat, started_at) values ($1, $2, $3, 0, $4) on conflict do nothing',
        [processId, place, deps.pid, now()],
      ),
    );
  }

  async function lookForDead(): Promise<void> {
    const rows = await database.all<ProcessRow>('select id, place, pid, beat from processes where id <> $1', [
      processId,
    ]);
    for (const row of rows) {
      if (isGone(row)) {
        await bury(row, row.place === place ? readJournal(dataFolder, row.id) : undefined);
        if (row.place === place) removeJournal(dataFolder, row.id);
      }
      // Silent is not gone: it may be stalled and wake up, so that nothing it claimed may be sent by another. Its journal stays,
      // for it goes on writing there.
      else if (isSilent(row)) await bury(row, undefined);
    }
    for (const id of lastBeats.keys()) if (rows.every(row => row.id !== id)) lastBeats.delete(id);
  }

  /** Certainly: the embedded database has one process at a time, and on this machine the system knows. */
  function isGone(row: ProcessRow): boolean {
    return database.engine === 'sqlite' || (row.place === place && !isRunning(row.pid, deps.pid));
  }

  function isSilent(row: ProcessRow): boolean {
    const known = lastBeats.get(row.id);
    if (known === undefined || known.beat !== row.beat) {
      lastBeats.set(row.id, { beat: row.beat, silentLooks: 0 });
      return false;
    }
    return ++known.silentLooks > silentLooksMax;
  }

  async function bury(row: ProcessRow, written: Set<string> | undefined): Promise<void> {
    const lanes = await lanesToSweep(database, Number.MAX_SAFE_INTEGER, 1_000_000);
    for (const lane of lanes) await deps.takeOver(lane, { id: row.id, written });
    await database.transact(tx => tx.all('delete from processes where id = $1', [row.id]));
    log.warn(
      { process: row.id, pid: row.pid, lanes: lanes.length, journal: written !== undefined },
      'took over from a dead process',
    );
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(beatEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        await beat();
        await lookForDead();
      } catch (error) {
        log.error({ err: error }, 'presence could not be written');
      }
    }
  }

  return {
    journal,
    async start() {
      await enter();
      await lookForDead();
      running = loop();
    },
    async stop() {
      stopping.abort();
      await running;
      await database.transact(tx => tx.all('delete from processes where id = $1', [processId]));
      journal.close();
    },
  };
}

/** A process id may be used again: by us, who are then not the one that is asked about. */
function isRunning(pid: number, own: number): boolean {
  if (pid === own) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
