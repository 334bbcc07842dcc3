/** A CSV file of contacts: the heading says what each column is; a column that is none of ours is an attribute of that name. */
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import { harmless } from './csv-cells.ts';
import { type CsvRow, createCsvReader } from './csv-rows.ts';
import type { FileRow, RowReader } from './file-rows.ts';

/** What an export writes, in its order. */
export const exportColumns = [
  ...['phone', 'name', 'language', 'timeZone', 'tags', 'attributes'],
  ...['id', 'original', 'formerPhones', 'createdAt', 'updatedAt'],
] as const;

/** By the heading in lower case; undefined: told by an export, and not taken from outside. */
const members = new Map<string, string | undefined>([
  ...['phone', 'name', 'language', 'tags', 'attributes', 'country'].map(name => [name, name] as const),
  ...['timezone', 'time_zone', 'time zone'].map(name => [name, 'timeZone'] as const),
  ...['id', 'original', 'formerphones', 'createdat', 'updatedat'].map(name => [name, undefined] as const),
]);

const columnsMax = 200;

type Column = { member: string | undefined } | { attribute: string };

export function createContactCsv(): RowReader {
  const csv = createCsvReader();
  let columns: Column[] | undefined;

  function told(rows: CsvRow[]): FileRow[] | Refusal {
    const found: FileRow[] = [];
    for (const row of rows) {
      if (columns === undefined) {
        const heading = readHeading(row);
        if (isRefusal(heading)) return heading;
        columns = heading;
        // It is part of what the file says.
        found.push({ line: row.line, text: row.text, said: 'heading' });
        continue;
      }
      const said = Array.isArray(row.cells) ? readCells(row.cells, columns) : row.cells;
      if (said !== undefined) found.push({ line: row.line, text: row.text, said });
    }
    return found;
  }

  return {
    push: text => told(csv.push(text)),
    end() {
      const rows = told(csv.end());
      return columns === undefined && !isRefusal(rows)
        ? invalid('line 1', 'required', 'must name the columns; the file is empty')
        : rows;
    },
  };
}

function readHeading({ line, cells }: CsvRow): Column[] | Refusal {
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
  return names.map((name, i) =>
    name === '' || members.has(lower[i]!) ? { member: members.get(lower[i]!) } : { attribute: name },
  );
}

/** undefined for an empty row. An empty cell says nothing. */
function readCells(cells: string[], columns: Column[]): Exclude<FileRow['said'], 'heading'> | undefined {
  if (cells.every(cell => cell.trim() === '')) return undefined;
  if (cells.length !== columns.length)
    return { wrong: `has ${cells.length} columns, the heading has ${columns.length}` };
  const fields: JsonObject = {};
  let attributes: JsonObject | undefined;
  for (const [i, column] of columns.entries()) {
    const cell = harmless.read(cells[i]!.trim());
    if (cell === '') continue;
    if ('attribute' in column) {
      attributes ??= {};
      attributes[column.attribute] = cell;
    } else if (column.member === 'attributes') {
      const object = parseJson(cell);
      if (!isObject(object)) return { wrong: 'attributes must be a JSON object' };
      attributes = { ...object, ...attributes };
    } else if (column.member !== undefined) fields[column.member] = cell;
  }
  if (attributes !== undefined) fields.attributes = attributes;
  return { fields };
}
