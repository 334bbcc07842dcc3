/** What commands print: tables and facts for people, JSON for scripts. Answers on stdout, everything else on stderr. */
import { stripVTControlCharacters } from 'node:util';

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

export function printNote(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, 2));
}

export type Cell = string | number | boolean | null | undefined;

/** Columns as wide as their widest cell; the heading is left out of an empty table, which says so on stderr instead. */
export function printTable(headings: string[], rows: Cell[][]): void {
  if (rows.length === 0) printNote('None.');
  else for (const line of tableLines([headings, ...rows])) printLine(line);
}

/** `name   value` lines; what is null or undefined is left out. */
export function printFacts(facts: Record<string, Cell>): void {
  const given = Object.entries(facts).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  );
  for (const line of tableLines(given)) printLine(line);
}

export function tableLines(rows: Cell[][]): string[] {
  const texts = rows.map(row => row.map(cell => plain(cell)));
  const widths: number[] = [];
  for (const row of texts) {
    for (const [i, text] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, text.length);
  }
  return texts.map(row =>
    row
      .map((text, i) => text.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}

/** Names and reasons come from others: nothing of theirs steers the terminal or breaks a line. */
export function plain(cell: Cell): string {
  return stripVTControlCharacters(String(cell ?? ''))
    .replace(/\s+/g, ' ')
    .replace(/\p{Cc}/gu, '');
}

/** `2026-11-20T12:04:24.149Z` → `2026-11-20 12:04:24Z` */
export function shortTime(iso: string | null): string {
  return iso === null ? '' : iso.replace('T', ' ').replace(/\.\d+/, '');
}
