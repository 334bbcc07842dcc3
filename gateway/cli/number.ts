/** wagate number: WhatsApp senders and their Meta credentials. */
import { type Command, Option } from 'commander';
import type { JsonObject } from '../canonical/json.ts';
import { rowsOf, textOf } from './answer.ts';
import { printFacts, printJson, printNote, printTable } from './print.ts';
import { givenBy, readSecrets } from './secret.ts';
import { asOperator, asTenant, type ServerFlags, tenantIdOf, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface NumberFlags extends ServerFlags {
  tenant?: string;
  phoneNumberId: string;
  wabaId: string;
  accessToken?: string;
  appSecret?: string;
  verifyToken?: string;
  perSecond?: number;
  window?: string;
}

const tenantFlag = ['--tenant <id>', 'the tenant (WAGATE_TENANT_ID)'] as const;
const secretsNote = `
Access token and app secret are read from META_ACCESS_TOKEN and META_APP_SECRET, else asked for without echo; the flags
show them to everybody who sees the list of processes.`;

function withSecrets(command: Command): Command {
  return command
    .option('--access-token <token>', "Meta's access token (META_ACCESS_TOKEN)")
    .option('--app-secret <secret>', "the Meta app's secret (META_APP_SECRET)")
    .option('--verify-token <token>', 'for the webhook handshake (META_VERIFY_TOKEN)')
    .option(
      '--per-second <n>',
      "messages per second, where Meta's throughput level does not tell (coexistence: 20)",
      wholeNumber,
    )
    .addOption(
      new Option(
        '--window <policy>',
        'outside the 24-hour window: refuse free-form messages here, or let Meta decide',
      ).choices(['check', 'meta']),
    );
}

export function addNumber(program: Command): void {
  const number = program
    .command('number')
    .description('numbers: WhatsApp senders with their Meta credentials (operator key)');

  withSecrets(
    withServer(number.command('add').description('connect a number to a tenant'), 'operator').option(
      ...tenantFlag,
    ),
  )
    .requiredOption('--phone-number-id <id>', "Meta's id of the phone number")
    .requiredOption('--waba-id <id>', "Meta's id of the WhatsApp Business Account")
    .addHelpText(
      'after',
      `${secretsNote} A verify token is made when none is given.

Example:
  $ wagate number add --tenant $WAGATE_TENANT_ID --phone-number-id 106540352242922 --waba-id 102290129340398`,
    )
    .action(async (flags: NumberFlags) => {
      const path = `/api/v1/tenants/${encodeURIComponent(tenantIdOf(flags))}/numbers`;
      const client = asOperator(flags);
      const [accessToken, appSecret] = await readSecrets([
        {
          name: 'access token',
          flag: '--access-token',
          variable: 'META_ACCESS_TOKEN',
          given: flags.accessToken,
        },
        { name: 'app secret', flag: '--app-secret', variable: 'META_APP_SECRET', given: flags.appSecret },
      ]);
      const { phoneNumberId, wabaId, perSecond, window: windowPolicy } = flags;
      const verifyToken = flags.verifyToken ?? givenBy('META_VERIFY_TOKEN');
      show(
        await client.request('POST', path, {
          phoneNumberId,
          wabaId,
          accessToken,
          appSecret,
          verifyToken,
          perSecond,
          windowPolicy,
        }),
        flags,
      );
      if (flags.json !== true) {
        printNote(
          '\nUnless the gateway runs with WAGATE_PUBLIC_URL (then it has told Meta already), set two things in the Meta app: the callback URL\nhttps://<your host>/webhooks/meta and the verify token above.',
        );
      }
    });

  withServer(number.command('list').description("a tenant's numbers"), 'operator', 'tenant')
    .option('--tenant <id>', 'of this tenant, with the operator key; without it: the numbers of the API key')
    .addHelpText(
      'after',
      '\nExamples:\n  $ wagate number list\n  $ wagate number list --tenant $WAGATE_TENANT_ID',
    )
    .action(async (flags: NumberFlags) => {
      const answer =
        flags.tenant === undefined
          ? await asTenant(flags).request('GET', '/api/v1/numbers')
          : await asOperator(flags).request(
              'GET',
              `/api/v1/tenants/${encodeURIComponent(flags.tenant)}/numbers`,
            );
      if (flags.json === true) return printJson(answer);
      const columns = [
        'id',
        'displayNumber',
        'verifiedName',
        'status',
        'perSecond',
        'windowPolicy',
        'phoneNumberId',
        'wabaId',
        'reason',
      ];
      printTable(
        ['ID', 'NUMBER', 'NAME', 'STATUS', 'PER SECOND', 'WINDOW', 'PHONE NUMBER ID', 'WABA ID', ''],
        rowsOf(answer).map(one => columns.map(column => textOf(one, column))),
      );
    });

  withServer(number.command('show').argument('<id>').description('one number'), 'operator')
    .option(...tenantFlag)
    .addHelpText('after', '\nExample:\n  $ wagate number show 123')
    .action(async (id: string, flags: NumberFlags) =>
      show(await asOperator(flags).request('GET', pathOf(flags, id)), flags),
    );

  withSecrets(
    withServer(
      number.command('connect').argument('<id>').description('give a number new credentials'),
      'operator',
    ).option(...tenantFlag),
  )
    .addHelpText(
      'after',
      `
What is left out stays as it is; with nothing given the stored credentials are tried again. What waited in the number's queue is
sent once Meta takes them. The secrets are also read from META_ACCESS_TOKEN, META_APP_SECRET and META_VERIFY_TOKEN.

Example:
  $ META_ACCESS_TOKEN=EAAG… wagate number connect 123`,
    )
    .action(async (id: string, flags: NumberFlags) => {
      const change = {
        accessToken: flags.accessToken ?? givenBy('META_ACCESS_TOKEN'),
        appSecret: flags.appSecret ?? givenBy('META_APP_SECRET'),
        verifyToken: flags.verifyToken ?? givenBy('META_VERIFY_TOKEN'),
        perSecond: flags.perSecond,
        windowPolicy: flags.window,
      };
      show(await asOperator(flags).request('PATCH', pathOf(flags, id), change), flags);
    });

  withServer(
    number
      .command('pull-templates')
      .argument('<id>')
      .description("pull the templates of the number's account"),
    'operator',
  )
    .option(...tenantFlag)
    .addHelpText('after', '\nExample:\n  $ wagate number pull-templates 123')
    .action(async (id: string, flags: NumberFlags) =>
      show(await asOperator(flags).request('POST', `${pathOf(flags, id)}/templates/pull`), flags),
    );
}

function pathOf(flags: NumberFlags, id: string): string {
  return `/api/v1/tenants/${encodeURIComponent(tenantIdOf(flags))}/numbers/${encodeURIComponent(id)}`;
}

function show(answer: JsonObject, flags: ServerFlags): void {
  if (flags.json === true) {
    printJson(answer);
    return;
  }
  const { warnings, ...facts } = answer;
  printFacts(facts as Record<string, string>);
  if (Array.isArray(warnings)) for (const warning of warnings) printNote(`Warning: ${String(warning)}`);
}
