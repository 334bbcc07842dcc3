/** wagate broadcast: one content to many people. */
import { type Command, Option } from 'commander';
import { rowsOf, textOf } from './answer.ts';
import { countOf, printBroadcast, printForecast } from './broadcast-print.ts';
import { addBroadcastRecipients } from './broadcast-recipients.ts';
import { addBroadcastRun, path } from './broadcast-run.ts';
import { watchBroadcast } from './broadcast-watch.ts';
import { printJson, printNote, printTable, shortTime } from './print.ts';
import { asTenant, type ServerFlags, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface Flags extends ServerFlags {
  limit?: number;
  watch?: boolean;
}

export function addBroadcast(program: Command): void {
  const broadcast = program
    .command('broadcast')
    .description('one content to many people: paced, paused, resumed, retried');
  addBroadcastRun(broadcast);
  addBroadcastRecipients(broadcast);

  withServer(broadcast.command('list').description('broadcasts, newest first'), 'tenant')
    .addOption(
      new Option('--state <state>').choices([
        ...['draft', 'scheduled', 'running', 'paused', 'completed', 'canceled'],
      ]),
    )
    .option('--name <name>', 'of exactly this name')
    .option('--limit <n>', 'at most this many, up to 200', wholeNumber, 50)
    .option('--cursor <cursor>', 'read on where an earlier list ended')
    .addHelpText('after', '\nExample:\n  $ wagate broadcast list --state running')
    .action(
      async (flags: ServerFlags & { state?: string; name?: string; limit: number; cursor?: string }) => {
        const query = new URLSearchParams({ limit: String(flags.limit) });
        for (const name of ['state', 'name', 'cursor'] as const)
          if (flags[name] !== undefined) query.set(name, flags[name]);
        const answer = await asTenant(flags).request('GET', `${path}?${query}`);
        if (flags.json === true) return printJson(answer);
        printTable(
          ['ID', 'NAME', 'STATE', 'REASON', 'RECIPIENTS', 'CREATED'],
          rowsOf(answer).map(one => [
            ...[textOf(one, 'id'), textOf(one, 'name'), textOf(one, 'state'), textOf(one, 'reason')],
            ...[countOf(one, 'recipients'), shortTime(textOf(one, 'createdAt'))],
          ]),
        );
        if (answer.next !== null) printNote(`More: --cursor ${textOf(answer, 'next')}`);
      },
    );

  withServer(broadcast.command('show').argument('<id>').description('how one stands'), 'tenant')
    .option('--watch', 'and how it goes on, until it has ended')
    .addHelpText('after', '\nExample:\n  $ wagate broadcast show <id> --watch')
    .action(async (id: string, flags: Flags) => {
      const client = asTenant(flags);
      if (flags.watch === true) return watchBroadcast(client, encodeURIComponent(id), flags.json === true);
      const answer = await client.request('GET', at(id));
      if (flags.json === true) printJson(answer);
      else printBroadcast(answer);
    });

  withServer(
    broadcast.command('forecast').argument('<id>').description('what a draft would come to'),
    'tenant',
  )
    .option('--limit <n>', 'as if it were launched for so many messages', wholeNumber)
    .addHelpText('after', '\nExample:\n  $ wagate broadcast forecast <id>')
    .action(async (id: string, flags: Flags) => {
      const query = flags.limit === undefined ? '' : `?limit=${flags.limit}`;
      const answer = await asTenant(flags).request('GET', `${at(id)}/forecast${query}`);
      if (flags.json === true) printJson(answer);
      else printForecast(answer);
    });

  for (const [verb, about] of [
    ['launch', 'send a draft, now or at its time'],
    ['pause', 'send nothing more of it until it is resumed'],
    ['resume', 'go on'],
    ['cancel', 'end it: who has no message yet gets none'],
    ['retry', 'a new one for those whom one that has ended failed'],
  ] as const)
    addMove(broadcast, verb, about);

  withServer(broadcast.command('rm').argument('<id>').description('remove a draft'), 'tenant')
    .addHelpText('after', '\nExample:\n  $ wagate broadcast rm <id>')
    .action(async (id: string, flags: ServerFlags) => {
      const answer = await asTenant(flags).request('DELETE', at(id));
      if (flags.json === true) printJson(answer);
      else printNote(`Removed ${textOf(answer, 'id')}.`);
    });
}

const at = (id: string) => `${path}/${encodeURIComponent(id)}`;

function addMove(
  broadcast: Command,
  verb: 'launch' | 'pause' | 'resume' | 'cancel' | 'retry',
  about: string,
): void {
  const command = withServer(broadcast.command(verb).argument('<id>').description(about), 'tenant');
  const sends = verb !== 'pause' && verb !== 'cancel';
  if (sends)
    command
      .option('--limit <n>', 'pause when so many have their message', wholeNumber)
      .option('--watch', 'show how it goes until it has ended');
  if (verb === 'retry')
    command
      .option('--name <name>', 'of the new one')
      .option('--canceled', 'also those whom a broadcast that was canceled left without a message');
  command
    .addHelpText('after', `\nExample:\n  $ wagate broadcast ${verb} <id>${sends ? ' --watch' : ''}`)
    .action(async (id: string, flags: Flags & { name?: string; canceled?: boolean }) => {
      const client = asTenant(flags);
      const { limit, name, canceled } = flags;
      const answer = await client.request('POST', `${at(id)}/${verb}`, { limit, name, canceled });
      if (flags.watch === true) return watchBroadcast(client, textOf(answer, 'id'), flags.json === true);
      if (flags.json === true) printJson(answer);
      else printBroadcast(answer);
    });
}
