/** Answers in CSV, RFC 4180. */
import { csvLine } from '../contacts/csv-cells.ts';
import type { Streaming } from './route.ts';

export function wantsCsv(format: string | undefined, accept: string | string[] | undefined): boolean {
  return format === 'csv' || (format === undefined && String(accept ?? '').includes('text/csv'));
}

export function csvAnswer(rows: string[][]): Streaming {
  return textAnswer(rows.map(csvLine).join(''));
}

/** Of text that is CSV already. */
export function textAnswer(text: string): Streaming {
  return {
    stream(raw) {
      raw.writeHead(200, { 'content-type': 'text/csv; charset=utf-8' }).end(`${text.trimEnd()}\r\n`);
    },
  };
}
