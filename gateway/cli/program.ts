/** The commands, and how their ends become texts and exit codes. */
import { Command, CommanderError } from 'commander';
import { readEnvironment } from '../platform/config.ts';
import { StartProblem } from '../platform/start-problem.ts';
import { version } from '../platform/version.ts';
import { addBalance } from './balance.ts';
import { addBroadcast } from './broadcast.ts';
import { addContact } from './contact.ts';
import { addDemo } from './demo.ts';
import { addDoctor } from './doctor.ts';
import { addEndpoint } from './endpoint.ts';
import { addErase } from './erase.ts';
import { CliFailure, exitCodes } from './failure.ts';
import { addKey } from './key.ts';
import { addListen } from './listen.ts';
import { addMessages } from './messages.ts';
import { addMigrate } from './migrate.ts';
import { addMove } from './move.ts';
import { addNumber } from './number.ts';
import { addOperator } from './operator.ts';
import { addOptOut } from './opt-out.ts';
import { addPrices } from './prices.ts';
import { plain, printJson, printNote } from './print.ts';
import { addSend } from './send.ts';
import { addServe } from './serve.ts';
import type { Server } from './server.ts';
import { addSimulate } from './simulate.ts';
import { addTag } from './tag.ts';
import { addTail } from './tail.ts';
import { addTenant } from './tenant.ts';
import { addTopUp } from './top-up.ts';
import { addVersion } from './version.ts';
import { addWebhook } from './webhook.ts';
import { addWorker } from './worker.ts';

const examples = `
Commands reach the gateway at WAGATE_URL (http://127.0.0.1:3000) with the key of WAGATE_KEY or WAGATE_OPERATOR_KEY; on this
machine they fall back to the demo's keys. Exit codes: 0 done, 1 refused, 2 usage or settings, 3 no gateway answers.

First steps:
  $ wagate serve                                      # demo mode: gateway and simulator on this machine
  $ wagate send 905321234567 "Hello" --watch          # in another terminal
  $ wagate tail
  $ wagate listen --forward http://localhost:8080/webhook --format meta

With your own number:
  $ export WAGATE_OPERATOR_KEY="$(wagate operator create)"
  $ WAGATE_MODE=live wagate serve
  $ wagate tenant create "Acme Ltd"
  $ wagate number add --tenant <id> --phone-number-id <id> --waba-id <id>
  $ wagate key create --tenant <id> --name shop

Every command has --help with an example.`;

export function createProgram(server: Server): Command {
  const program = new Command('wagate')
    .description('Wagate, a WhatsApp Business messaging gateway')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'this help')
    .exitOverride()
    .showHelpAfterError('Add --help to see how it is used.')
    .addHelpText('after', examples);
  addServe(program, server);
  addSimulate(program);
  addDemo(program);
  addSend(program);
  addMessages(program);
  addTail(program);
  addListen(program);
  addEndpoint(program);
  addWebhook(program);
  addErase(program);
  addOptOut(program);
  addContact(program);
  addTag(program);
  addBroadcast(program);
  addTenant(program);
  addNumber(program);
  addKey(program);
  addOperator(program, server);
  addTopUp(program);
  addBalance(program);
  addPrices(program);
  addDoctor(program, server);
  addMigrate(program, server);
  addMove(program);
  addVersion(program);
  addWorker(program, server);
  return program;
}

/** Runs one command and answers its exit code. */
export async function run(args: string[], server: Server): Promise<number> {
  try {
    await createProgram(server).parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    return tell(error, args.includes('--json'));
  }
}

function tell(error: unknown, json: boolean): number {
  // Commander has printed its own text.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof StartProblem) {
    for (const problem of error.problems) printNote(problem);
    return exitCodes.usage;
  }
  if (error instanceof CliFailure) {
    printNote(
      error.message
        .split('\n')
        .map(line => (line.startsWith('  ') ? `  ${plain(line.trim())}` : plain(line)))
        .join('\n'),
    );
    if (json && error.problem !== undefined) printJson(error.problem);
    return error.exitCode;
  }
  printNote(unexpected(error));
  return exitCodes.failed;
}

/** A fault: its stack is for those who ask for it. */
export function unexpected(error: unknown): string {
  if (readEnvironment().WAGATE_LOG_LEVEL === 'debug')
    return error instanceof Error ? (error.stack ?? String(error)) : String(error);
  const message = error instanceof Error ? error.message : String(error);
  return `Something went wrong: ${message} (WAGATE_LOG_LEVEL=debug shows more.)`;
}
