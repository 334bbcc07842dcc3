/** wagate send: one message through the native API. */
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { JsonObject } from '../canonical/json.ts';
import { textOf } from './answer.ts';
import { CliFailure } from './failure.ts';
import { followMessage } from './follow-message.ts';
import { printFacts, printJson, printNote } from './print.ts';
import { type SendFlags, sendBody } from './send-body.ts';
import { asTenant, type ServerFlags, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface Flags extends ServerFlags, SendFlags {
  async?: boolean;
  watch?: boolean;
  timeout: number;
}

const collect = (value: string, earlier: string[] = []) => [...earlier, value];

export function addSend(program: Command): void {
  withServer(
    program.command('send').argument('<to>').argument('[text]').description('send one message'),
    'tenant',
  )
    .option('--template <name>', 'an approved template')
    .option('--language <code>', 'its language', 'en_US')
    .option('--param <text>', 'a variable of its body, in order; may be repeated', collect)
    .option('--named <name=text>', 'a named variable of its body; may be repeated', collect)
    .option('--header <kind=value>', 'its header: text=…, image=URL, video=URL or document=URL')
    .option(
      '--button <text>',
      'the variable end of a URL button, in order or as index=text; may be repeated',
      collect,
    )
    .option('--body <json>', "any content as Meta writes it ('-' reads it from stdin)")
    .option('--number <id>', "which of the tenant's numbers sends")
    .option('--campaign <name>', 'to find it by later')
    .option('--callback-data <text>', 'given back with the message')
    .option('--send-at <time>', 'later: ISO 8601 with an offset')
    .option('--ttl <seconds>', 'how long it may wait to be sent', wholeNumber)
    .option('--fake', 'everything but the call to Meta')
    .option('--async', "do not wait for Meta's answer")
    .option('--watch', 'show what happens to it until it is read')
    .option('--timeout <seconds>', 'how long to watch', wholeNumber, 120)
    .addHelpText(
      'after',
      `
Examples:
  $ wagate send +905321234567 "Hello" --watch
  $ wagate send 905321234567 --template shipping_update --param Jo --param A-1042 --param Friday
  $ wagate send 905321234567 --body '{"type":"image","image":{"link":"https://example.com/a.jpg"}}'`,
    )
    .action(send);
}

async function send(to: string, text: string | undefined, flags: Flags): Promise<void> {
  const client = asTenant(flags);
  const body = sendBody(
    to,
    text,
    flags.body === '-' ? { ...flags, body: await readAll(process.stdin) } : flags,
  );
  let answer: JsonObject;
  try {
    answer = await client.request(
      'POST',
      '/api/v1/messages',
      body,
      flags.async === true ? { prefer: 'respond-async' } : {},
    );
  } catch (error) {
    // Kept and still on its way: with --watch there is something to watch.
    const pending = error instanceof CliFailure ? messageIdOf(error) : undefined;
    if (pending === undefined || flags.watch !== true) throw error;
    printNote((error as CliFailure).message);
    answer = { id: pending, status: 'queued' };
  }
  if (flags.watch !== true) {
    if (flags.json === true) return printJson(answer);
    const { id, status, wamid } = answer;
    return printFacts({ id, status, wamid } as Record<string, string>);
  }
  const message = await followMessage(client, textOf(answer, 'id'), flags.timeout, flags.json === true);
  if (flags.json === true) printJson(message);
}

function messageIdOf({ problem }: CliFailure): string | undefined {
  const { code, messageId } = (problem ?? {}) as { code?: unknown; messageId?: unknown };
  return code === 'answer_pending' && typeof messageId === 'string' ? messageId : undefined;
}
