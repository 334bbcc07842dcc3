/**
 * What this process has begun to write to Meta, on local disk. When it is killed, its claims that do not stand here were never
 * written and go back to the queue; only those that do are uncertain (docs/decisions/0008-journal.md).
 *
 * Appended without fsync: that survives the end of the process, which is what it is for. It does not survive the end of the
 * machine, so the first line names the boot it belongs to and a journal of an earlier boot counts as unreadable.
 */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { hostname, uptime } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../platform/clock.ts';

export interface Journal {
  /** Throws when the disk does not take it; then the message must not be sent. `send`: of `sendName`. */
  begin(send: string): void;
  /** The send's fate is in the database. */
  end(send: string): void;
  close(): void;
}

/** A message may be sent again after a clear no; each of its sends has a name of its own. `tries` counts this one. */
export const sendName = (id: string, tries: number) => `${id}.${tries}`;

/** Lines after which the file is written anew with what is still open. */
const linesMax = 50_000;

export function openJournal(dataFolder: string, processId: string): Journal {
  mkdirSync(join(dataFolder, 'journals'), { recursive: true });
  const path = journalPath(dataFolder, processId);
  const open = new Set<string>();
  let lines = 0;
  let { file, size } = startFile(path, open);

  return {
    begin(send) {
      if (lines >= linesMax) {
        const full = file;
        ({ file, size } = startFile(path, open));
        closeSync(full);
        lines = open.size;
      }
      // At its place rather than at the end: what a full disk took of a line that failed is written over.
      size = writeWhole(file, `${send}\n`, size);
      lines++;
      open.add(send);
    },
    end(send) {
      open.delete(send);
    },
    close() {
      closeSync(file);
      if (open.size === 0) rmSync(path, { force: true });
    },
  };
}

/** Replaces the file in one step: whoever reads it finds the old or the new one, whole. */
function startFile(path: string, open: Set<string>): { file: number; size: number } {
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    const size = writeWhole(file, [bootId(), ...open, ''].join('\n'), 0);
    renameSync(`${path}.new`, path);
    return { file, size };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Returns where it ends. A disk that fills up takes a part and says so in the count only; it is the rest that throws. */
function writeWhole(file: number, text: string, at: number): number {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; )
    written += writeSync(file, bytes, written, bytes.length - written, at + written);
  return at + bytes.length;
}

/** Sends that a process of this machine had begun to write; undefined when that cannot be known. */
export function readJournal(dataFolder: string, processId: string): Set<string> | undefined {
  try {
    // What follows the last line end was not written whole, and so its send not begun.
    const [boot, ...sends] = readFileSync(journalPath(dataFolder, processId), 'utf8')
      .split('\n')
      .slice(0, -1);
    return boot === bootId() ? new Set(sends) : undefined;
  } catch {
    return undefined;
  }
}

export function removeJournal(dataFolder: string, processId: string): void {
  rmSync(journalPath(dataFolder, processId), { force: true });
}

const journalPath = (dataFolder: string, processId: string) => join(dataFolder, 'journals', processId);

/** Another value after every start of the machine. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Without Linux's own id: the minute of the boot, which a step of the clock may change; then the journal counts as unreadable.
    return `${hostname()}-${Math.round((systemClock.now() / 1000 - uptime()) / 60)}`;
  }
}
