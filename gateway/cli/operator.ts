/** wagate operator create: a key that manages tenants, numbers and keys; needs the database, not a running server. */
import type { Command } from 'commander';
import { systemClock } from '../platform/clock.ts';
import { insertOperatorKey, newOperatorKeyText } from '../tenants/operator-keys.ts';
import { printJson, printLine, printNote } from './print.ts';
import type { Server } from './server.ts';
import { withDatabase } from './settings.ts';

export function addOperator(program: Command, server: Server): void {
  const operator = program
    .command('operator')
    .description('operator keys, which manage tenants, numbers and API keys');
  operator
    .command('create')
    .description(
      'make an operator key in the database of the settings (WAGATE_DATA or DATABASE_URL) and show it once',
    )
    .option('--name <name>', 'whose key it is', 'operator')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', '\nExample:\n  $ export WAGATE_OPERATOR_KEY="$(wagate operator create --name ada)"')
    .action(async ({ name, json }: { name: string; json?: boolean }) => {
      const key = newOperatorKeyText();
      await withDatabase(server, database =>
        database.transact(tx => insertOperatorKey(tx, key, name, systemClock.now())),
      );
      if (json === true) printJson({ name, key });
      else {
        printLine(key);
        printNote('Keep it: it is shown this once. Commands read it from WAGATE_OPERATOR_KEY.');
      }
    });
}
