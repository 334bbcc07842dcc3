/** wagate key: API keys of a tenant, with their limits and powers. */
import type { Command } from 'commander';
import { isObject, type JsonObject } from '../canonical/json.ts';
import { tellAmount } from '../canonical/money.ts';
import { rowsOf, textOf } from './answer.ts';
import { type PowerFlags, powersOf, powersText, withPowers } from './key-powers.ts';
import { printFacts, printJson, printLine, printNote, printTable, shortTime } from './print.ts';
import { asOperator, type ServerFlags, tenantIdOf, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface KeyFlags extends ServerFlags, PowerFlags {
  tenant?: string;
  name?: string;
  expires?: string;
  perSecond?: number;
  perMinute?: number;
  overlap?: number;
  inheritLimits?: boolean;
  everyPower?: boolean;
}

const tenantFlag = ['--tenant <id>', 'the tenant (WAGATE_TENANT_ID)'] as const;
const pathOf = (flags: KeyFlags) => `/api/v1/tenants/${encodeURIComponent(tenantIdOf(flags))}/api-keys`;
const keyPath = (flags: KeyFlags, id: string) => `${pathOf(flags)}/${encodeURIComponent(id)}`;

const withLimits = (command: Command) =>
  command
    .option('--per-second <n>', 'requests per second, instead of those of its tenant', wholeNumber)
    .option('--per-minute <n>', 'requests per minute, instead of those of its tenant', wholeNumber);

export function addKey(program: Command): void {
  const key = program.command('key').description('API keys of a tenant (operator key)');

  withPowers(
    withLimits(
      withServer(key.command('create').description('make an API key and show it once'), 'operator')
        .option(...tenantFlag)
        .option('--name <name>', 'what it is for', 'key')
        .option('--expires <time>', 'ISO 8601 with an offset, as 2027-01-01T00:00:00Z'),
    ),
  )
    .addHelpText(
      'after',
      `
The key alone goes to stdout. What is not restricted it may do (docs/api-keys.md).

Examples:
  $ export WAGATE_KEY="$(wagate key create --tenant $WAGATE_TENANT_ID --name shop)"
  $ wagate key create --name till --send-only --template receipt --number 123 --daily-count 5000 --ip 203.0.113.0/24
  $ wagate key create --name reports --read-only --per-second 5 --expires 2027-01-01T00:00:00Z`,
    )
    .action(async (flags: KeyFlags) => {
      const { name, expires: expiresAt, perSecond, perMinute } = flags;
      const [only, ...more] = flags.number ?? [];
      // One number binds the key, which also versions before powers understand.
      const bound = more.length === 0 ? only : undefined;
      const powers = powersOf(bound === undefined ? flags : { ...flags, number: undefined });
      const body = { name, numberId: bound, expiresAt, perSecond, perMinute, powers };
      showSecret(await asOperator(flags).request('POST', pathOf(flags), body), flags);
    });

  withServer(key.command('list').description("a tenant's API keys, without the keys themselves"), 'operator')
    .option(...tenantFlag)
    .addHelpText('after', '\nExample:\n  $ wagate key list')
    .action(async (flags: KeyFlags) => {
      const answer = await asOperator(flags).request('GET', pathOf(flags));
      if (flags.json === true) return printJson(answer);
      printTable(
        ['ID', 'NAME', 'ENDS IN', 'NUMBER', 'LIMITS', 'POWERS', 'CREATED', 'EXPIRES', 'REVOKED'],
        rowsOf(answer).map(one => [
          ...[textOf(one, 'id'), textOf(one, 'name'), `…${textOf(one, 'hint')}`, textOf(one, 'numberId')],
          ...[limitsText(one), powersText(one.powers)],
          ...['createdAt', 'expiresAt', 'revokedAt'].map(name => shortTime(textOf(one, name))),
        ]),
      );
    });

  withServer(key.command('show').argument('<keyId>').description('one API key, with its powers'), 'operator')
    .option(...tenantFlag)
    .addHelpText('after', '\nExample:\n  $ wagate key show 01M7WDFWEHBCA4FKFEDV4DYQYZ')
    .action(async (id: string, flags: KeyFlags) => {
      show(await asOperator(flags).request('GET', keyPath(flags, id)), flags);
    });

  withPowers(
    withLimits(
      withServer(
        key
          .command('change')
          .argument('<keyId>')
          .description("change an API key's limits, powers, name or end"),
        'operator',
      )
        .option(...tenantFlag)
        .option('--name <name>', 'what it is for')
        .option('--expires <time>', 'ISO 8601 with an offset, or never')
        .option('--inherit-limits', 'no limits of its own: those of its tenant')
        .option('--every-power', 'everything its tenant may'),
    ),
  )
    .addHelpText(
      'after',
      `
What is not named stays as it is. But powers go together: those given here replace all that the key had.

Examples:
  $ wagate key change 01M7WDFWEHBCA4FKFEDV4DYQYZ --per-second 20 --per-minute 600
  $ wagate key change 01M7WDFWEHBCA4FKFEDV4DYQYZ --send-only --daily-spend 5.00
  $ wagate key change 01M7WDFWEHBCA4FKFEDV4DYQYZ --every-power`,
    )
    .action(async (id: string, flags: KeyFlags) => {
      const inherit = flags.inheritLimits === true ? 'inherit' : undefined;
      const body = {
        ...{ name: flags.name, expiresAt: flags.expires },
        ...{ perSecond: flags.perSecond ?? inherit, perMinute: flags.perMinute ?? inherit },
        powers: flags.everyPower === true ? {} : powersOf(flags),
      };
      show(await asOperator(flags).request('PATCH', keyPath(flags, id), body), flags);
    });

  withServer(
    key.command('rotate').argument('<keyId>').description('give an API key a new secret and show it once'),
    'operator',
  )
    .option(...tenantFlag)
    .option(
      '--overlap <seconds>',
      'how long the secret it has now works on (default: 86400, one day)',
      seconds,
    )
    .addHelpText(
      'after',
      `
Id, limits, powers and what was used up stay. --overlap 0 ends the old secret at once.

Example:
  $ export WAGATE_KEY="$(wagate key rotate 01M7WDFWEHBCA4FKFEDV4DYQYZ --overlap 3600)"`,
    )
    .action(async (id: string, flags: KeyFlags) => {
      const body = { overlapSeconds: flags.overlap };
      showSecret(await asOperator(flags).request('POST', `${keyPath(flags, id)}/rotate`, body), flags);
    });

  withServer(key.command('revoke').argument('<keyId>').description('revoke an API key'), 'operator')
    .option(...tenantFlag)
    .addHelpText('after', '\nExample:\n  $ wagate key revoke 01M7WDFWEHBCA4FKFEDV4DYQYZ')
    .action(async (id: string, flags: KeyFlags) => {
      const answer = await asOperator(flags).request('DELETE', keyPath(flags, id));
      if (flags.json === true) printJson(answer);
      else printFacts(answer as Record<string, string>);
    });
}

function seconds(text: string): number {
  return text === '0' ? 0 : wholeNumber(text);
}

function showSecret(answer: JsonObject, flags: ServerFlags): void {
  if (flags.json === true) {
    printJson(answer);
    return;
  }
  printLine(textOf(answer, 'key'));
  printNote(`Keep it: it is shown this once. Its id is ${textOf(answer, 'id')}.`);
  if (isObject(answer.former))
    printNote(
      `The one before, …${textOf(answer.former, 'hint')}, works until ${shortTime(textOf(answer.former, 'until'))}.`,
    );
}

function show(answer: JsonObject, flags: ServerFlags): void {
  if (flags.json === true) {
    printJson(answer);
    return;
  }
  const { hint, powers, former, today, perSecond, perMinute, ...rest } = answer;
  const { id, name, ...more } = rest as Record<string, string>;
  printFacts({
    ...{ id, name, secret: `…${String(hint)}` },
    former: isObject(former)
      ? `…${textOf(former, 'hint')} until ${shortTime(textOf(former, 'until'))}`
      : null,
    ...more,
    limits: limitsText({ perSecond: perSecond ?? null, perMinute: perMinute ?? null }),
    powers: powersText(powers),
    today: isObject(today)
      ? `${textOf(today, 'messages')} messages, ${tellAmount(Number(today.micros))} spent`
      : null,
  });
}

/** `20/s 600/min`; nothing for what is inherited. */
function limitsText({ perSecond, perMinute }: JsonObject): string {
  const own = [
    ...(typeof perSecond === 'number' ? [`${perSecond}/s`] : []),
    ...(typeof perMinute === 'number' ? [`${perMinute}/min`] : []),
  ];
  return own.length === 0 ? 'inherited' : own.join(' ');
}
