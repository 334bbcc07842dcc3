/** wagate tenant: who owns numbers, keys and messages. */
import type { Command } from 'commander';
import { rowsOf, textOf } from './answer.ts';
import { printFacts, printJson, printTable, shortTime } from './print.ts';
import { asOperator, type ServerFlags, withServer } from './target.ts';

export function addTenant(program: Command): void {
  const tenant = program
    .command('tenant')
    .description('tenants: who owns numbers, keys and messages (operator key)');

  withServer(tenant.command('create').argument('<name>').description('make a tenant'), 'operator')
    .addHelpText('after', '\nExample:\n  $ wagate tenant create "Acme Ltd"')
    .action(async (name: string, flags: ServerFlags) => {
      show(await asOperator(flags).request('POST', '/api/v1/tenants', { name }), flags);
    });

  withServer(tenant.command('list').description('all tenants'), 'operator')
    .addHelpText('after', '\nExample:\n  $ wagate tenant list --json')
    .action(async (flags: ServerFlags) => {
      const answer = await asOperator(flags).request('GET', '/api/v1/tenants');
      if (flags.json === true) return printJson(answer);
      const rows = rowsOf(answer).map(one => [
        textOf(one, 'id'),
        textOf(one, 'name'),
        shortTime(textOf(one, 'createdAt')),
      ]);
      printTable(['ID', 'NAME', 'CREATED'], rows);
    });

  withServer(tenant.command('show').argument('<id>').description('one tenant'), 'operator')
    .addHelpText('after', '\nExample:\n  $ wagate tenant show b5a1f6c2-7d0e-4f7a-9c3b-2f1e0d9c8b7a')
    .action(async (id: string, flags: ServerFlags) => {
      show(await asOperator(flags).request('GET', `/api/v1/tenants/${encodeURIComponent(id)}`), flags);
    });
}

function show(tenant: Record<string, unknown>, flags: ServerFlags): void {
  if (flags.json === true) printJson(tenant);
  else printFacts(tenant as Record<string, string>);
}
