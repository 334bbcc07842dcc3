/**
 * CSV (RFC 4180) as spreadsheets of all countries write it: commas, semicolons or tabs by what the heading uses, CRLF or LF, with or
 * without a byte order mark, quotes inside an unquoted cell taken as they are.
 *
 * A row whose quotes are wrong costs its first line and nothing more: reading goes on in the next line. Parsers at hand (csv-parse 7.0)
 * lose the rows behind it, up to the whole rest of the file.
 */
import { rowMax, tooLong } from './file-rows.ts';

export interface CsvRow {
  line: number;
  text: string;
  cells: string[] | { wrong: string };
}

export interface CsvReader {
  push(text: string): CsvRow[];
  end(): CsvRow[];
}

const unclosed = 'has a quote that is not closed';
const misplaced = 'has a quote that closes before the end of its cell';

/** `max`: characters of one row. */
export function createCsvReader(max = rowMax): CsvReader {
  let rest = '';
  let line = 1;
  let delimiter: string | undefined;
  let begun = false;
  /** Amid a line that was too long, and has been told. */
  let dropping = false;

  function read(last: boolean): CsvRow[] {
    const rows: CsvRow[] = [];
    let at = 0;
    while (at < rest.length) {
      const newline = rest.indexOf('\n', at);
      if (dropping) {
        at = newline === -1 ? rest.length : newline + 1;
        if (newline !== -1) {
          dropping = false;
          line++;
        }
        continue;
      }
      const isWhole = newline !== -1 || last;
      const lineEnd = newline === -1 ? rest.length : newline;
      if (lineEnd - at > max) {
        rows.push({ line, text: rest.slice(at, at + max), cells: { wrong: tooLong } });
        dropping = true;
        continue;
      }
      if (!isWhole) break;
      const text = withoutReturn(rest.slice(at, lineEnd));
      const next = lineEnd + 1;
      if (text.trim() === '') {
        at = next;
        line++;
        continue;
      }
      delimiter ??= delimiterOf(text);
      if (rows.length === 0 && delimiter === namedDelimiter(text)) {
        at = next;
        line++;
        continue;
      }
      if (!text.includes('"')) {
        rows.push({ line, text, cells: text.split(delimiter) });
        at = next;
        line++;
        continue;
      }
      const record = readQuoted(rest, at, { delimiter, limit: at + max, last });
      // Two more: whether a quote is doubled, and what follows it.
      if (record === 'more' && !last && rest.length - at <= max + 2) break;
      if (typeof record === 'object') {
        rows.push({ line, text: rest.slice(at, record.end), cells: record.cells });
        line += record.lines;
        at = record.end;
      } else {
        rows.push({ line, text, cells: { wrong: record === 'misplaced' ? misplaced : unclosed } });
        at = next;
        line++;
      }
    }
    rest = rest.slice(at);
    return rows;
  }

  return {
    push(text) {
      rest += begun ? text : text.replace(/^\uFEFF/, '');
      begun ||= text !== '';
      return read(false);
    },
    end: () => read(true),
  };
}

const withoutReturn = (text: string) => (text.endsWith('\r') ? text.slice(0, -1) : text);

/** Excel's own first line: `sep=;` */
const namedDelimiter = (text: string) => /^sep=(.)$/i.exec(text)?.[1];

function delimiterOf(heading: string): string {
  const named = namedDelimiter(heading);
  if (named !== undefined) return named;
  const outside = heading.replace(/"[^"]*"/g, '');
  const count = (one: string) => outside.split(one).length;
  return [',', ';', '\t'].reduce((most, one) => (count(one) > count(most) ? one : most));
}

/** `end`: behind the line break. 'more': the text ends, or the limit is reached, within the row. */
type Quoted = { cells: string[]; end: number; lines: number } | 'more' | 'misplaced';

interface Bounds {
  delimiter: string;
  /** Where a row must have ended. */
  limit: number;
  last: boolean;
}

function readQuoted(text: string, from: number, { delimiter, limit, last }: Bounds): Quoted {
  const cells: string[] = [];
  let lines = 1;
  let at = from;
  for (;;) {
    if (at > limit) return 'more';
    let cell: string;
    if (text[at] === '"') {
      cell = '';
      let part = at + 1;
      for (;;) {
        const quote = text.indexOf('"', part);
        // Whether it is doubled, and what follows, is only known with the next characters.
        if (quote === -1 || quote >= limit || (!last && quote + 2 >= text.length)) return 'more';
        cell += text.slice(part, quote);
        part = quote + 2;
        at = quote + 1;
        if (text[at] !== '"') break;
        cell += '"';
      }
      for (let i = cell.indexOf('\n'); i !== -1; i = cell.indexOf('\n', i + 1)) lines++;
      if (text[at] === '\r' && (text[at + 1] === '\n' || at + 1 === text.length)) at++;
    } else {
      const start = at;
      while (at < text.length && at < limit && text[at] !== delimiter && text[at] !== '\n') at++;
      if (at === text.length ? !last : at >= limit && text[at] !== '\n') return 'more';
      cell = text.slice(start, at);
      if (text[at] !== delimiter) cell = withoutReturn(cell);
    }
    cells.push(cell);
    if (at >= text.length) return { cells, end: text.length, lines };
    if (text[at] === '\n') return { cells, end: at + 1, lines };
    if (text[at] !== delimiter) return 'misplaced';
    at++;
  }
}
