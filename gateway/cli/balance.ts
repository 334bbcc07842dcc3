/** wagate balance and wagate statement: what a tenant has left, and what its messages cost. */
import type { Command } from 'commander';
import { isObject, type JsonObject } from '../canonical/json.ts';
import { rowsOf, textOf } from './answer.ts';
import { printFacts, printJson, printTable, shortTime } from './print.ts';
import { asOperator, asTenant, type ServerFlags, withServer } from './target.ts';

interface MoneyFlags extends ServerFlags {
  tenant?: string;
  from?: string;
  to?: string;
  by?: string;
}

const tenantFlag = ['--tenant <id>', 'of this tenant, with the operator key'] as const;

/** The tenant's own key, or the operator's where a tenant is named. */
function read(flags: MoneyFlags, path: string): Promise<JsonObject> {
  if (flags.tenant === undefined) return asTenant(flags).request('GET', `/api/v1/${path}`);
  return asOperator(flags).request('GET', `/api/v1/tenants/${encodeURIComponent(flags.tenant)}/${path}`);
}

const amountOf = (object: JsonObject, name: string): string =>
  isObject(object[name]) ? textOf(object[name], 'amount') : '';

export function addBalance(program: Command): void {
  withServer(program.command('balance').description('what a tenant has left'), 'tenant', 'operator')
    .option(...tenantFlag)
    .addHelpText('after', '\nExample:\n  $ wagate balance')
    .action(async (flags: MoneyFlags) => {
      const answer = await read(flags, 'balance');
      if (flags.json === true) return printJson(answer);
      const facts = ['available', 'toppedUp', 'charged', 'held', 'lowBelow'].map(name => [
        name,
        amountOf(answer, name),
      ]);
      printFacts({
        ...{ billing: textOf(answer, 'billing'), currency: textOf(answer, 'currency') },
        ...Object.fromEntries(facts),
        lowSince: shortTime(textOf(answer, 'lowSince')),
      });
    });

  withServer(program.command('statement').description('what messages cost'), 'tenant', 'operator')
    .option(...tenantFlag)
    .option('--from <time>', 'ISO 8601 with an offset; 31 days back when left out')
    .option('--to <time>', 'not itself included; now when left out')
    .option('--by <group>', 'day, category, number or campaign', 'day')
    .addHelpText('after', '\nExample:\n  $ wagate statement --from 2026-11-01T00:00:00Z --by category')
    .action(async (flags: MoneyFlags) => {
      const given = Object.entries({ from: flags.from, to: flags.to, by: flags.by });
      const query = new URLSearchParams(given.filter((one): one is [string, string] => one[1] !== undefined));
      const answer = await read(flags, `statement?${query}`);
      if (flags.json === true) return printJson(answer);
      const cells = (line: JsonObject) => [
        textOf(line, 'messages'),
        ...['fees', 'prices', 'total', 'held'].map(name => amountOf(line, name)),
      ];
      const sum = isObject(answer.sum) ? answer.sum : {};
      const rows = rowsOf(answer).map(line => [textOf(line, 'key'), ...cells(line)]);
      printTable(
        [(flags.by ?? 'day').toUpperCase(), 'MESSAGES', 'FEES', 'PRICES', 'TOTAL', 'HELD'],
        rows.length === 0 ? rows : [...rows, [`sum ${textOf(answer, 'currency')}`, ...cells(sum)]],
      );
    });
}
