/** Answers in CSV, RFC 4180. */
import type { Streaming } from './route.ts';

export function wantsCsv(format: string | undefined, accept: string | string[] | undefined): boolean {
  return format === 'csv' || (format === undefined && String(accept ?? '').includes('text/csv'));
}

export function csvAnswer(rows: string[][]): Streaming {
  return textAnswer(rows.map(row => row.map(cell).join(',')).join('\r\n'));
}

/** Of text that is CSV already. */
export function textAnswer(text: string): Streaming {
  return {
    stream(raw) {
      raw.writeHead(200, { 'content-type': 'text/csv; charset=utf-8' }).end(`${text.trimEnd()}\r\n`);
    },
  };
}

/** A campaign is a caller's text: a spreadsheet must not run it as a formula. */
function cell(text: string): string {
  const harmless = /^[=+@\t\r]|^-(?![\d.]+$)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
