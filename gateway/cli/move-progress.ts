/** How far a move is: on a terminal one line per table that counts up, elsewhere one line when a table is done. On stderr. */
import type { Step } from '../move/sides.ts';
import { printNote } from './print.ts';

const redrawEveryMs = 100;
const clearLine = '\r\x1b[2K';

export function createMoveProgress(now: () => number): { step(step: Step): void; end(): void } {
  const terminal = process.stderr.isTTY === true;
  let current = '';
  let startedAt = 0;
  let rowsBefore = 0;
  let drawnAt = 0;
  let open = false;
  let comparing = false;

  /** A table of what was compared follows: its lines need not stay. */
  function end(): void {
    if (open) process.stderr.write(comparing ? clearLine : '\n');
    open = false;
  }

  return {
    step(step) {
      const compares = step.kind === 'compare';
      if (compares && !comparing) {
        end();
        comparing = true;
        printNote('Comparing both sides …');
      }
      if (terminal) draw(step);
      else if (!compares) note(step);
    },
    end,
  };

  function draw(step: Step): void {
    begin(step);
    const done = step.rows >= step.total;
    if (!done && now() - drawnAt < redrawEveryMs) return;
    drawnAt = now();
    process.stderr.write(`${clearLine}${lineOf(step)}`);
    open = true;
  }

  function note(step: Step): void {
    begin(step);
    if (step.rows >= step.total) printNote(lineOf(step));
  }

  function begin({ kind, table, rows, total }: Step): void {
    if (current === `${kind} ${table}`) return;
    end();
    current = `${kind} ${table}`;
    startedAt = now();
    drawnAt = 0;
    // A move that goes on: what is there already says nothing about the rate.
    rowsBefore = rows;
    if (kind === 'copy' && rows > 0 && rows < total)
      printNote(`${table}: ${grouped(rows)} of ${grouped(total)} rows are there already`);
  }

  function lineOf({ kind, table, rows, total }: Step): string {
    const ms = now() - startedAt;
    const rate = ms < 500 ? '' : `  ${grouped(Math.round(((rows - rowsBefore) / ms) * 1000))}/s`;
    const of = rows < total ? ` of ${grouped(total)}` : '';
    const verb = kind === 'copy' ? 'copied' : 'compared';
    return `${verb.padEnd(8)}  ${table.padEnd(18)} ${grouped(rows).padStart(13)}${of} rows${rate}`;
  }
}

/** 1,234,567 */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
