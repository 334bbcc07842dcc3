/** wagate erase: removes a person's data, and the receipts of that. */
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { isObject, type JsonObject } from '../canonical/json.ts';
import { systemClock } from '../platform/clock.ts';
import { rowsOf, textOf } from './answer.ts';
import type { Client } from './client.ts';
import { failed, usage } from './failure.ts';
import { printFacts, printJson, printLine, printNote, printTable, shortTime } from './print.ts';
import { asOperator, asTenant, type ServerFlags, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface TenantFlags extends ServerFlags {
  tenant?: string;
}

interface EraseFlags extends TenantFlags {
  yes?: boolean;
  async?: boolean;
  timeout: number;
}

const tenantFlag = ['--tenant <id>', 'the tenant, with an operator key'] as const;

export function addErase(program: Command): void {
  withServer(
    program
      .command('erase')
      .argument('<recipient>')
      .description("erase a person's data: messages, incoming messages, windows, contacts"),
    'tenant',
    'operator',
  )
    .option(...tenantFlag)
    .option('--yes', 'do not ask')
    .option('--async', 'do not wait for the end of a long history')
    .option('--timeout <seconds>', 'how long to wait', wholeNumber, 600)
    .addHelpText(
      'after',
      `
What is queued to the person is canceled first. It cannot be undone; the receipt that remains names nobody.

Examples:
  $ wagate erase "+90 532 123 45 67"
  $ wagate erase 905321234567 --yes --json > receipt.json
  $ wagate erase 905321234567 --tenant <id> --operator-key op_…`,
    )
    .action(erase);

  const erasures = program.command('erasures').description('receipts of what was erased');
  withServer(erasures.command('list').description('receipts, newest first'), 'tenant', 'operator')
    .option(...tenantFlag)
    .option('--recipient <recipient>', 'only those of this person')
    .option('--limit <n>', 'at most this many, up to 200', wholeNumber, 20)
    .option('--cursor <cursor>', 'read on where an earlier list ended')
    .addHelpText('after', '\nExample:\n  $ wagate erasures list --recipient "+90 532 123 45 67"')
    .action(async (flags: TenantFlags & { recipient?: string; limit: number; cursor?: string }) => {
      const query = new URLSearchParams({ limit: String(flags.limit) });
      for (const name of ['recipient', 'cursor'] as const) {
        const value = flags[name];
        if (value !== undefined) query.set(name, value);
      }
      const { client, path } = targetOf(flags);
      const answer = await client.request('GET', `${path}?${query}`);
      if (flags.json === true) return printJson(answer);
      printTable(
        ['REQUESTED', 'STATUS', 'MESSAGES', 'INCOMING', 'BY', 'ID'],
        rowsOf(answer).map(one => {
          const counts = isObject(one.counts) ? one.counts : {};
          return [
            shortTime(textOf(one, 'requestedAt')),
            textOf(one, 'status'),
            ...['messages', 'incoming'].map(name => textOf(counts, name)),
            ...['requestedBy', 'id'].map(name => textOf(one, name)),
          ];
        }),
      );
      if (answer.next !== null) printNote(`More: --cursor ${textOf(answer, 'next')}`);
    });

  withServer(erasures.command('show').argument('<id>').description('one receipt'), 'tenant', 'operator')
    .option(...tenantFlag)
    .addHelpText('after', '\nExample:\n  $ wagate erasures show 01M7WDFWEN0JD8D3E49N7NDHVC')
    .action(async (id: string, flags: TenantFlags) => {
      const { client, path } = targetOf(flags);
      show(await client.request('GET', `${path}/${encodeURIComponent(id)}`), flags);
    });
}

async function erase(recipient: string, flags: EraseFlags): Promise<void> {
  const { client, path } = targetOf(flags);
  if (flags.yes !== true && !(await isMeant(recipient, client.url))) throw failed('Nothing was erased.');
  const until = systemClock.now() + flags.timeout * 1000;
  let receipt = await client.request('POST', path, { recipient });
  const id = textOf(receipt, 'id');
  if (flags.async !== true) {
    while (receipt.status !== 'done') {
      if (systemClock.now() > until)
        throw failed(
          `Erasure ${id} is not done after ${flags.timeout} s and goes on: wagate erasures show ${id}`,
          receipt,
        );
      await sleep(500);
      receipt = await client.request('GET', `${path}/${id}`);
    }
  }
  show(receipt, flags);
}

async function isMeant(recipient: string, url: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw usage('Erasing cannot be undone, and there is no terminal to ask on: add --yes.');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  terminal.once('SIGINT', () => process.exit(130));
  try {
    const answer = await terminal.question(
      `Everything about ${recipient} at ${url} will be erased, which cannot be undone. Type yes to go on: `,
    );
    return answer.trim().toLowerCase() === 'yes';
  } finally {
    terminal.close();
  }
}

/** With --tenant the operator asks, else the tenant. */
function targetOf(flags: TenantFlags): { client: Client; path: string } {
  if (flags.tenant === undefined) return { client: asTenant(flags), path: '/api/v1/erasures' };
  const path = `/api/v1/tenants/${encodeURIComponent(flags.tenant)}/erasures`;
  return { client: asOperator(flags), path };
}

function show(receipt: JsonObject, flags: ServerFlags): void {
  if (flags.json === true) {
    printJson(receipt);
    return;
  }
  const { counts, ...facts } = receipt;
  printFacts(Object.fromEntries(Object.keys(facts).map(name => [name, textOf(facts, name)])));
  printLine();
  printFacts(counts as Record<string, number>);
}
