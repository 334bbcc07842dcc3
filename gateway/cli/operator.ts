/**
 * wagate operator: keys that manage tenants, numbers and keys. create needs the database and not a running server, so that there is a way
 * in where no key is known; list and revoke ask the server as everything else does.
 */
import type { Command } from 'commander';
import { systemClock } from '../platform/clock.ts';
import { insertOperatorKey, newOperatorKeyText } from '../tenants/operator-keys.ts';
import { rowsOf, textOf } from './answer.ts';
import { printFacts, printJson, printLine, printNote, printTable, shortTime } from './print.ts';
import type { Server } from './server.ts';
import { withDatabase } from './settings.ts';
import { asOperator, type ServerFlags, withServer } from './target.ts';

const path = '/api/v1/operator-keys';

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

  withServer(
    operator.command('list').description('the operator keys, without the keys themselves'),
    'operator',
  )
    .addHelpText('after', '\nExample:\n  $ wagate operator list')
    .action(async (flags: ServerFlags) => {
      const answer = await asOperator(flags).request('GET', path);
      if (flags.json === true) return printJson(answer);
      printTable(
        ['ID', 'NAME', 'ENDS IN', 'CREATED'],
        rowsOf(answer).map(one => [
          ...[textOf(one, 'id'), textOf(one, 'name'), one.hint === null ? '' : `…${textOf(one, 'hint')}`],
          shortTime(textOf(one, 'createdAt')),
        ]),
      );
    });

  withServer(operator.command('revoke').argument('<keyId>').description('revoke an operator key'), 'operator')
    .addHelpText(
      'after',
      '\nThe id is that of `wagate operator list`.\n\nExample:\n  $ wagate operator revoke 9f86d081884c7d65',
    )
    .action(async (id: string, flags: ServerFlags) => {
      const answer = await asOperator(flags).request('DELETE', `${path}/${encodeURIComponent(id)}`);
      if (flags.json === true) printJson(answer);
      else printFacts(answer as Record<string, string>);
    });
}
