/** wagate endpoint: where events are posted. */
import type { Command } from 'commander';
import type { JsonObject } from '../canonical/json.ts';
import { rowsOf, textOf } from './answer.ts';
import { usage } from './failure.ts';
import { printFacts, printJson, printLine, printNote, printTable, shortTime } from './print.ts';
import { asTenant, type ServerFlags, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface AddFlags extends ServerFlags {
  format: string;
  events?: string[];
  number?: number;
  description?: string;
  unordered?: boolean;
  batch?: number;
  perSecond?: number;
  header?: string[];
  secret?: string;
}

const path = '/api/v1/endpoints';
export const endpointPath = (id: string, rest = '') => `${path}/${encodeURIComponent(id)}${rest}`;

const example = (line: string) => `\nExample:\n  $ wagate endpoint ${line} 01M7WDFWEHBCA4FKFEDV4DYQYZ`;

export function addEndpoint(program: Command): void {
  const endpoint = program.command('endpoint').description('where events are posted (webhooks)');

  withServer(endpoint.command('add').argument('<url>').description('have events posted to a URL'), 'tenant')
    .option('--format <format>', 'standard, meta or connectly', 'standard')
    .option('--events <patterns...>', 'as message.failed or message.*; everything by default')
    .option('--number <id>', "only of this number, by the gateway's id", wholeNumber)
    .option('--description <text>', 'what it is for')
    .option('--unordered', 'do not keep the events of a conversation in order')
    .option('--batch <n>', 'events in one POST at most, in formats that have room for several', wholeNumber)
    .option('--per-second <n>', 'events per second at most', wholeNumber)
    .option('--header <name: value...>', 'sent with every POST')
    .option('--secret <secret>', 'a signing secret of your own')
    .addHelpText(
      'after',
      `
The signing secret alone goes to stdout, this once.

Examples:
  $ wagate endpoint add https://shop.example/hooks --events message.failed message.received
  $ wagate endpoint add http://localhost:8080/webhook --format meta --header "X-Tenant: 7"`,
    )
    .action(async (url: string, flags: AddFlags) => {
      const { format, events, number, description, unordered, batch, perSecond, header, secret } = flags;
      const body = {
        ...{ url, format, events, numberId: number, description, batchMax: batch, perSecond, secret },
        ordered: unordered === true ? false : undefined,
        headers: header && Object.fromEntries(header.map(headerOf)),
      };
      showSecret(await asTenant(flags).request('POST', path, body), flags);
    });

  withServer(endpoint.command('list').description('all endpoints'), 'tenant')
    .addHelpText('after', '\nExample:\n  $ wagate endpoint list')
    .action(async (flags: ServerFlags) => {
      const answer = await asTenant(flags).request('GET', path);
      if (flags.json === true) return printJson(answer);
      printTable(
        ['ID', 'STATUS', 'FORMAT', 'NUMBER', 'URL', 'EVENTS'],
        rowsOf(answer).map(one => [
          ...['id', 'status', 'format', 'numberId'].map(name => textOf(one, name)),
          ...[one.url === null ? '(listener)' : textOf(one, 'url'), listText(one.events)],
        ]),
      );
    });

  withServer(
    endpoint.command('show').argument('<id>').description('one endpoint, and how the posting to it goes'),
    'tenant',
  )
    .addHelpText('after', example('show'))
    .action(async (id: string, flags: ServerFlags) =>
      show(await asTenant(flags).request('GET', endpointPath(id)), flags),
    );

  const simple = (name: string, about: string) =>
    withServer(endpoint.command(name).argument('<id>').description(about), 'tenant')
      .addHelpText('after', example(name))
      .action(async (id: string, flags: ServerFlags) =>
        show(await asTenant(flags).request('POST', endpointPath(id, `/${name}`), {}), flags),
      );
  simple('pause', 'post nothing to it for now; events are kept');
  simple('resume', 'post to a paused one again, what was kept first');

  withServer(
    endpoint.command('enable').argument('<id>').description('post to one that was disabled'),
    'tenant',
  )
    .option('--skip-pending', 'do not post what was kept; it can be replayed')
    .addHelpText('after', example('enable'))
    .action(async (id: string, flags: ServerFlags & { skipPending?: boolean }) => {
      const body = { pending: flags.skipPending === true ? 'skip' : 'deliver' };
      show(await asTenant(flags).request('POST', endpointPath(id, '/enable'), body), flags);
    });

  withServer(
    endpoint.command('rotate').argument('<id>').description('give it a new signing secret and show it once'),
    'tenant',
  )
    .option(
      '--overlap <seconds>',
      'how long the secret it has now signs too (default: 86400, one day)',
      text => (text === '0' ? 0 : wholeNumber(text)),
    )
    .addHelpText('after', example('rotate'))
    .action(async (id: string, flags: ServerFlags & { overlap?: number }) => {
      const body = { overlapSeconds: flags.overlap };
      showSecret(await asTenant(flags).request('POST', endpointPath(id, '/rotate-secret'), body), flags);
    });

  withServer(endpoint.command('test').argument('<id>').description('post a test event'), 'tenant')
    .option('--text <text>', 'what it says')
    .addHelpText('after', `${example('test')}\n\nwagate webhook attempts <id> shows what came of it.`)
    .action(async (id: string, flags: ServerFlags & { text?: string }) =>
      show(await asTenant(flags).request('POST', endpointPath(id, '/test'), { text: flags.text }), flags),
    );

  withServer(
    endpoint.command('remove').argument('<id>').description('post nothing more to it, nor what waits'),
    'tenant',
  )
    .addHelpText('after', example('remove'))
    .action(async (id: string, flags: ServerFlags) =>
      show(await asTenant(flags).request('DELETE', endpointPath(id)), flags),
    );
}

function headerOf(text: string): [string, string] {
  const colon = text.indexOf(':');
  if (colon < 1) throw usage(`A header is "Name: value", ${JSON.stringify(text)} is not.`);
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}

function showSecret(answer: JsonObject, flags: ServerFlags): void {
  if (flags.json === true) {
    printJson(answer);
    return;
  }
  printLine(textOf(answer, 'secret'));
  printNote(`Keep it: it is shown this once. The endpoint is ${textOf(answer, 'id')}.`);
}

const listText = (value: unknown) => (Array.isArray(value) ? value.join(' ') : '');

function show(answer: JsonObject, flags: ServerFlags): void {
  if (flags.json === true) {
    printJson(answer);
    return;
  }
  const { events, headerNames, secrets, ...rest } = answer;
  const facts = Object.fromEntries(
    Object.keys(rest).map(name => [
      name,
      /(At|Since|Until)$/.test(name) ? shortTime(textOf(rest, name)) : textOf(rest, name),
    ]),
  );
  const hints = rowsOf({ data: secrets ?? null }).map(one => `…${textOf(one, 'hint')}`);
  printFacts({
    ...facts,
    events: listText(events),
    headers: listText(headerNames),
    secrets: hints.join(' '),
  });
}
