/** A CSV file of contacts: the heading says what each column is; a column that is none of ours is an attribute of that name. */
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { createCsvTable } from './csv-table.ts';
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

type Column = { member: string | undefined } | { attribute: string };

export function createContactCsv(): RowReader {
  return createCsvTable(names => {
    const columns = names.map(columnOf);
    return cells => readCells(cells, columns);
  });
}

function columnOf(name: string): Column {
  const lower = name.toLowerCase();
  return name === '' || members.has(lower) ? { member: members.get(lower) } : { attribute: name };
}

function readCells(cells: string[], columns: Column[]): Exclude<FileRow['said'], 'heading'> {
  const fields: JsonObject = {};
  let attributes: JsonObject | undefined;
  for (const [i, column] of columns.entries()) {
    const cell = cells[i]!;
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
