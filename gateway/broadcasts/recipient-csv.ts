/**
 * A CSV file of recipients: the column `phone`, and one for each variable, named as the content names it; or all of them as JSON in a
 * column `variables`, as an export writes them, beside which the other columns mean nothing.
 */
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { type CellsReader, createCsvTable } from '../contacts/csv-table.ts';
import type { RowReader } from '../contacts/file-rows.ts';

export function createRecipientCsv(): RowReader {
  return createCsvTable(names => {
    const lower = names.map(name => name.toLowerCase());
    const phoneAt = lower.indexOf('phone');
    const variablesAt = lower.indexOf('variables');
    return variablesAt === -1 ? besidePhone(names, phoneAt) : asObject(phoneAt, variablesAt);
  });
}

const besidePhone =
  (names: string[], phoneAt: number): CellsReader =>
  cells => {
    const variables: JsonObject = {};
    for (const [i, name] of names.entries())
      if (i !== phoneAt && name !== '' && cells[i] !== '') variables[name] = cells[i]!;
    return { fields: { phone: cells[phoneAt]!, variables } };
  };

const asObject =
  (phoneAt: number, variablesAt: number): CellsReader =>
  cells => {
    const text = cells[variablesAt]!;
    const variables = text === '' ? {} : parseJson(text);
    return isObject(variables)
      ? { fields: { phone: cells[phoneAt]!, variables } }
      : { wrong: 'variables must be a JSON object' };
  };
