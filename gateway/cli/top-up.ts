/** wagate top-up: puts money into a tenant's balance. */
import type { Command } from 'commander';
import { isObject } from '../canonical/json.ts';
import { textOf } from './answer.ts';
import { plain, printJson, printLine, printNote } from './print.ts';
import { asOperator, type ServerFlags, withServer } from './target.ts';

interface TopUpFlags extends ServerFlags {
  note?: string;
  id?: string;
}

export function addTopUp(program: Command): void {
  withServer(
    program
      .command('top-up')
      .argument('<tenantId>')
      .argument('<amount>')
      .description("put money into a tenant's balance (operator key)"),
    'operator',
  )
    .option('--note <text>', 'what it is for')
    .option('--id <id>', 'your id of the payment: the same id tops up once')
    .addHelpText(
      'after',
      '\nAn amount below 0 takes a mistake back; write it after --.\n\nExamples:\n  $ wagate top-up $WAGATE_TENANT_ID 25 --id invoice-7\n  $ wagate top-up --note "typing error" -- $WAGATE_TENANT_ID -2.50',
    )
    .action(async (tenantId: string, amount: string, flags: TopUpFlags) => {
      const { note, id } = flags;
      const path = `/api/v1/tenants/${encodeURIComponent(tenantId)}`;
      const answer = await asOperator(flags).request('POST', `${path}/top-ups`, { amount, note, id });
      if (flags.json === true) return printJson(answer);
      const available = isObject(answer.available) ? textOf(answer.available, 'amount') : '';
      printLine(
        `Topped up by ${textOf(answer, 'amount')} (${plain(textOf(answer, 'id'))}); ${available} is available.`,
      );
      if (answer.billing === 'off')
        printNote(
          `This tenant does not pay for its messages yet: wagate tenant change ${plain(tenantId)} --billing prepaid`,
        );
    });
}
