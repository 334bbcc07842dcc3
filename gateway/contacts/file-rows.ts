/** Rows of a file of people as they come, whatever its format. */
import type { JsonObject } from '../canonical/json.ts';
import type { Refusal } from '../canonical/refusal.ts';

export const fileFormats = ['csv', 'ndjson'] as const;
export type FileFormat = (typeof fileFormats)[number];

export interface FileRow {
  /** In which the row begins; the first of the file is 1. */
  line: number;
  /** As it stands in the file. A row that is too long is cut off. */
  text: string;
  /** What it says, or why nobody can tell. */
  said: { fields: JsonObject } | { wrong: string } | 'heading';
}

/** Fed with a file's text in parts of any size. What it answers depends on the text alone. */
export interface RowReader {
  /** Rows that are complete by now; a refusal when the file is none of people. */
  push(text: string): FileRow[] | Refusal;
  end(): FileRow[] | Refusal;
}

/** Characters of one row; as many are held at most, beside the part that was pushed last. */
export const rowMax = 64 * 1024;
export const tooLong = `is longer than ${rowMax} characters`;

/** The rows of a file as its bytes come, UTF-8; a refusal is the last that comes. */
export async function* rowsOf(
  source: AsyncIterable<Uint8Array>,
  reader: RowReader,
): AsyncGenerator<FileRow[] | Refusal> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for await (const bytes of source) yield reader.push(decoder.decode(bytes, { stream: true }));
  yield reader.push(decoder.decode());
  yield reader.end();
}
