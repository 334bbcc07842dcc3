/** Rows of a file of contacts as they come, whatever its format. */
import type { JsonObject } from '../canonical/json.ts';
import type { Refusal } from '../canonical/refusal.ts';

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
  /** Rows that are complete by now; a refusal when the file is none of contacts. */
  push(text: string): FileRow[] | Refusal;
  end(): FileRow[] | Refusal;
}

/** Characters of one row; as many are held at most, beside the part that was pushed last. */
export const rowMax = 64 * 1024;
export const tooLong = `is longer than ${rowMax} characters`;
