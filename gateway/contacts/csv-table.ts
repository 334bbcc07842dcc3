/** A CSV file with a heading and a column `phone`, whatever else its columns mean. */
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import { harmless } from './csv-cells.ts';
import { type CsvRow, createCsvReader } from './csv-rows.ts';
import type { FileRow, RowReader } from './file-rows.ts';

/** What a row says; its cells stand in the order of the heading, and an empty one says nothing. */
export type CellsReader = (cells: string[]) => Exclude<FileRow['said'], 'heading'>;

const columnsMax = 200;

/** `readerFor` is asked once, for what the heading names. */
export function createCsvTable(readerFor: (names: string[]) => CellsReader): RowReader {
  const csv = createCsvReader();
  let heading: { width: number; read: CellsReader } | undefined;

  function told(rows: CsvRow[]): FileRow[] | Refusal {
    const found: FileRow[] = [];
    for (const row of rows) {
      if (heading === undefined) {
        const names = readHeading(row);
        if (isRefusal(names)) return names;
        heading = { width: names.length, read: readerFor(names) };
        // It is part of what the file says.
        found.push({ line: row.line, text: row.text, said: 'heading' });
        continue;
      }
      const said = Array.isArray(row.cells) ? readRow(row.cells, heading) : row.cells;
      if (said !== undefined) found.push({ line: row.line, text: row.text, said });
    }
    return found;
  }

  return {
    push: text => told(csv.push(text)),
    end() {
      const rows = told(csv.end());
      return heading === undefined && !isRefusal(rows)
        ? invalid('line 1', 'required', 'must name the columns; the file is empty')
        : rows;
    },
  };
}

function readHeading({ line, cells }: CsvRow): string[] | Refusal {
  const at = `line ${line}`;
  if (!Array.isArray(cells)) return invalid(at, 'format', cells.wrong);
  if (cells.length > columnsMax)
    return invalid(at, 'count', `has ${cells.length} columns, at most ${columnsMax}`);
  const names = cells.map(cell => cell.trim());
  const lower = names.map(name => name.toLowerCase());
  if (!lower.includes('phone'))
    return invalid(at, 'required', 'must name the columns, one of them `phone`, in UTF-8');
  const twice = lower.find((name, i) => name !== '' && lower.indexOf(name) !== i);
  if (twice !== undefined) return invalid(at, 'unique', `names the column ${twice.slice(0, 60)} twice`);
  return names;
}

/** undefined for an empty row. */
function readRow(cells: string[], { width, read }: { width: number; read: CellsReader }) {
  if (cells.every(cell => cell.trim() === '')) return undefined;
  if (cells.length !== width) return { wrong: `has ${cells.length} columns, the heading has ${width}` };
  return read(cells.map(cell => harmless.read(cell.trim())));
}
