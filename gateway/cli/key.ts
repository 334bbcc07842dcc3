/** wagate key: API keys of a tenant. */
import type { Command } from 'commander';
import { rowsOf, textOf } from './answer.ts';
import { printFacts, printJson, printLine, printNote, printTable, shortTime } from './print.ts';
import { asOperator, type ServerFlags, tenantIdOf, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface KeyFlags extends ServerFlags {
  tenant?: string;
  name: string;
  number?: number;
  expires?: string;
}

const tenantFlag = ['--tenant <id>', 'the tenant (WAGATE_TENANT_ID)'] as const;
const pathOf = (flags: KeyFlags) => `/api/v1/tenants/${encodeURIComponent(tenantIdOf(flags))}/api-keys`;

export function addKey(program: Command): void {
  const key = program.command('key').description('API keys of a tenant (operator key)');

  withServer(key.command('create').description('make an API key and show it once'), 'operator')
    .option(...tenantFlag)
    .option('--name <name>', 'what it is for', 'key')
    .option('--number <id>', 'bind it to this number', wholeNumber)
    .option('--expires <time>', 'ISO 8601 with an offset, as 2027-01-01T00:00:00Z')
    .addHelpText(
      'after',
      '\nThe key alone goes to stdout.\n\nExample:\n  $ export WAGATE_KEY="$(wagate key create --tenant $WAGATE_TENANT_ID --name shop)"',
    )
    .action(async (flags: KeyFlags) => {
      const body = { name: flags.name, numberId: flags.number, expiresAt: flags.expires };
      const answer = await asOperator(flags).request('POST', pathOf(flags), body);
      if (flags.json === true) return printJson(answer);
      printLine(textOf(answer, 'key'));
      printNote(`Keep it: it is shown this once. Its id is ${textOf(answer, 'id')}.`);
    });

  withServer(key.command('list').description("a tenant's API keys, without the keys themselves"), 'operator')
    .option(...tenantFlag)
    .addHelpText('after', '\nExample:\n  $ wagate key list')
    .action(async (flags: KeyFlags) => {
      const answer = await asOperator(flags).request('GET', pathOf(flags));
      if (flags.json === true) return printJson(answer);
      printTable(
        ['ID', 'NAME', 'ENDS IN', 'NUMBER', 'CREATED', 'EXPIRES', 'REVOKED'],
        rowsOf(answer).map(one => [
          ...[textOf(one, 'id'), textOf(one, 'name'), `…${textOf(one, 'hint')}`, textOf(one, 'numberId')],
          ...['createdAt', 'expiresAt', 'revokedAt'].map(name => shortTime(textOf(one, name))),
        ]),
      );
    });

  withServer(key.command('revoke').argument('<keyId>').description('revoke an API key'), 'operator')
    .option(...tenantFlag)
    .addHelpText('after', '\nExample:\n  $ wagate key revoke 01M7WDFWEHBCA4FKFEDV4DYQYZ')
    .action(async (id: string, flags: KeyFlags) => {
      const answer = await asOperator(flags).request('DELETE', `${pathOf(flags)}/${encodeURIComponent(id)}`);
      if (flags.json === true) printJson(answer);
      else printFacts(answer as Record<string, string>);
    });
}
