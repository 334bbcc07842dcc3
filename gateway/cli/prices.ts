/** wagate prices: Meta's prices, one table for the whole installation. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { rowsOf, textOf } from './answer.ts';
import { usage } from './failure.ts';
import { printJson, printLine, printTable } from './print.ts';
import { asOperator, type ServerFlags, withServer } from './target.ts';

interface PriceFlags extends ServerFlags {
  replace?: boolean;
  csv?: boolean;
}

export function addPrices(program: Command): void {
  const prices = program.command('prices').description("Meta's prices, of all tenants (operator key)");

  withServer(
    prices.command('import').argument('<file.csv>').description('add prices, all lines or none'),
    'operator',
  )
    .option('--replace', 'remove every price that is not in the file')
    .addHelpText(
      'after',
      `
Lines of market,category,valid_from,price under that heading; market is what phone numbers there begin with, * everywhere else.

Example:
  $ printf 'market,category,valid_from,price\\n90,utility,2026-10-01,0.0053\\n' > rates.csv
  $ wagate prices import rates.csv`,
    )
    .action(async (file: string, flags: PriceFlags) => {
      const body = { csv: textOfFile(file), replace: flags.replace === true };
      const answer = await asOperator(flags).request('POST', '/api/v1/prices', body);
      if (flags.json === true) printJson(answer);
      else printLine(`Imported ${textOf(answer, 'imported')} prices; there are ${textOf(answer, 'prices')}.`);
    });

  withServer(prices.command('list').description('all prices'), 'operator')
    .option('--csv', 'in the form that can be imported')
    .addHelpText('after', '\nExample:\n  $ wagate prices list --csv > rates.csv')
    .action(async (flags: PriceFlags) => {
      const answer = await asOperator(flags).request('GET', '/api/v1/prices');
      if (flags.json === true) return printJson(answer);
      const rows = rowsOf(answer).map(one =>
        ['market', 'category', 'validFrom', 'amount'].map(name => textOf(one, name)),
      );
      if (flags.csv !== true) return printTable(['MARKET', 'CATEGORY', 'VALID FROM', 'PRICE'], rows);
      for (const row of [['market', 'category', 'valid_from', 'price'], ...rows]) printLine(row.join(','));
    });
}

function textOfFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}
