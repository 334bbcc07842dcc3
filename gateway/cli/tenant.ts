/** wagate tenant: who owns numbers, keys and messages. */
import type { Command } from 'commander';
import { rowsOf, textOf } from './answer.ts';
import { printFacts, printJson, printTable, shortTime } from './print.ts';
import { asOperator, type ServerFlags, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface TenantFlags extends ServerFlags {
  prepaid?: boolean;
  name?: string;
  billing?: string;
  lowBelow?: string;
  perSecond?: number;
  perMinute?: number;
  inheritLimits?: boolean;
}

export function addTenant(program: Command): void {
  const tenant = program
    .command('tenant')
    .description('tenants: who owns numbers, keys and messages (operator key)');

  withServer(tenant.command('create').argument('<name>').description('make a tenant'), 'operator')
    .option('--prepaid', 'it pays for its messages from a balance (wagate top-up)')
    .addHelpText('after', '\nExample:\n  $ wagate tenant create "Acme Ltd"')
    .action(async (name: string, flags: TenantFlags) => {
      const body = { name, ...(flags.prepaid === true ? { billing: 'prepaid' } : {}) };
      show(await asOperator(flags).request('POST', '/api/v1/tenants', body), flags);
    });

  withServer(
    tenant.command('change').argument('<id>').description('change a tenant; what is left out stays'),
    'operator',
  )
    .option('--name <name>', 'another name')
    .option('--billing <how>', 'prepaid: it pays for its messages from its balance; off: it does not')
    .option('--per-second <n>', 'requests per second of each of its keys', wholeNumber)
    .option('--per-minute <n>', 'requests per minute of each of its keys', wholeNumber)
    .option('--inherit-limits', 'no limits of its own: those of the installation')
    .option('--low-below <amount>', 'its balance counts as low when less is available; none: never')
    .addHelpText(
      'after',
      '\nExample:\n  $ wagate tenant change $WAGATE_TENANT_ID --billing prepaid --low-below 5.00',
    )
    .action(async (id: string, flags: TenantFlags) => {
      const { name, billing, lowBelow } = flags;
      const inherit = flags.inheritLimits === true ? 'inherit' : undefined;
      const { perSecond = inherit, perMinute = inherit } = flags;
      const path = `/api/v1/tenants/${encodeURIComponent(id)}`;
      show(
        await asOperator(flags).request('PATCH', path, { name, perSecond, perMinute, billing, lowBelow }),
        flags,
      );
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
