/** wagate contact: people a tenant keeps, one by one and as files. */
import type { Command } from 'commander';
import type { JsonObject } from '../canonical/json.ts';
import { rowsOf, textOf } from './answer.ts';
import type { Client } from './client.ts';
import { addContactExport } from './contact-export.ts';
import { type FilterFlags, filterOf, pairOf, several, severalNumbers, withFilter } from './contact-filter.ts';
import { addContactImport } from './contact-import.ts';
import { failed, usage } from './failure.ts';
import { printFacts, printJson, printNote, printTable, shortTime } from './print.ts';
import { asTenant, type ServerFlags, withServer } from './target.ts';
import { wholeNumber } from './whole-number.ts';

interface ContactFlags extends ServerFlags {
  name?: string;
  country?: string;
  tag?: number[];
  language?: string;
  timeZone?: string;
  attribute?: string[];
}

const path = '/api/v1/contacts';

export function addContact(program: Command): void {
  const contact = program.command('contact').description('people you keep, with tags and attributes');
  addContactImport(contact);
  addContactExport(contact);

  withFilter(withServer(contact.command('list').description('contacts, by id'), 'tenant'))
    .option('--limit <n>', 'at most this many, up to 1000', wholeNumber, 100)
    .option('--cursor <cursor>', 'read on where an earlier list ended')
    .addHelpText(
      'after',
      '\nExamples:\n  $ wagate contact list --tag 42\n  $ wagate contact list --name ayse',
    )
    .action(async (flags: FilterFlags & { limit: number; cursor?: string }) => {
      const query = filterOf(flags);
      query.set('limit', String(flags.limit));
      if (flags.cursor !== undefined) query.set('cursor', flags.cursor);
      const answer = await asTenant(flags).request('GET', `${path}?${query}`);
      if (flags.json === true) return printJson(answer);
      printTable(
        ['ID', 'PHONE', 'NAME', 'TAGS', 'UPDATED'],
        rowsOf(answer).map(one => [
          ...[textOf(one, 'id'), textOf(one, 'phone'), textOf(one, 'name'), listText(one, 'tags')],
          shortTime(textOf(one, 'updatedAt')),
        ]),
      );
      if (answer.next !== null) printNote(`More: --cursor ${textOf(answer, 'next')}`);
    });

  withServer(
    contact.command('show').argument('<contact>', 'id or phone').description('one contact'),
    'tenant',
  )
    .addHelpText('after', '\nExample:\n  $ wagate contact show +254712345678')
    .action(async (which: string, flags: ServerFlags) => {
      const client = asTenant(flags);
      show(await client.request('GET', `${path}/${await idOf(client, which)}`), flags);
    });

  withServer(contact.command('add').argument('<phone>').description('keep a person'), 'tenant')
    .option('--name <name>', 'what the person is called')
    .option('--country <code>', 'of a number without country code, as TR')
    .option('--tag <id>', 'a tag; may be repeated', severalNumbers)
    .option('--language <code>', 'as Meta writes it: tr, pt_BR')
    .option('--time-zone <zone>', 'as Europe/Istanbul')
    .option('--attribute <name=value>', 'may be repeated', several<string>)
    .addHelpText(
      'after',
      '\nExample:\n  $ wagate contact add "0532 123 45 67" --country TR --name Ayşe --tag 42 --attribute city=Ankara',
    )
    .action(async (phone: string, flags: ContactFlags) => {
      const { name, country, tag: tags, language, timeZone } = flags;
      const attributes = Object.fromEntries((flags.attribute ?? []).map(pairOf));
      const body = { phone, name, country, tags, language, timeZone, attributes };
      show(await asTenant(flags).request('POST', path, body), flags);
    });

  withServer(
    contact.command('remove').argument('<contact>', 'id or phone').description('remove a contact'),
    'tenant',
  )
    .addHelpText(
      'after',
      '\nThe contact only; `wagate erase` removes all that names a person.\n\nExample:\n  $ wagate contact remove 7',
    )
    .action(async (which: string, flags: ServerFlags) => {
      const client = asTenant(flags);
      show(await client.request('DELETE', `${path}/${await idOf(client, which)}`), flags);
    });

  for (const [verb, method, about] of [
    ['tag', 'PUT', 'give a contact a tag'],
    ['untag', 'DELETE', 'take a tag from a contact'],
  ] as const) {
    const member = method === 'PUT' ? 'add' : 'remove';
    withFilter(
      withServer(
        contact.command(verb).argument('<tagId>').argument('[contact]', 'id or phone').description(about),
        'tenant',
      ),
    )
      .option('--all', 'every contact that the filter finds')
      .addHelpText(
        'after',
        `\nExamples:\n  $ wagate contact ${verb} 42 +254712345678\n  $ wagate contact ${verb} 42 --all --attribute city=Ankara`,
      )
      .action(async (tagId: string, which: string | undefined, flags: FilterFlags & { all?: boolean }) => {
        const client = asTenant(flags);
        const tag = wholeNumber(tagId);
        if (which !== undefined) {
          const at = `${path}/${await idOf(client, which)}/tags/${tag}`;
          show(await client.request(method, at), flags);
        } else if (flags.all === true) await changeAll(client, { [member]: [tag] }, flags);
        else throw usage('Name a contact, or --all with what it is to be narrowed by.');
      });
  }
}

/** Step by step until the filter finds no more. */
async function changeAll(client: Client, change: JsonObject, flags: FilterFlags): Promise<void> {
  const { phone, name, tag, attribute } = flags;
  const filter = { phone, name, tag, attributes: Object.fromEntries((attribute ?? []).map(pairOf)) };
  const sum = { matched: 0, added: 0, removed: 0 };
  for (let cursor: unknown; cursor !== null; ) {
    const step: JsonObject = await client.request('POST', `${path}/tags`, { filter, ...change, cursor });
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += Number(step[key]);
    cursor = step.next ?? null;
  }
  if (flags.json === true) printJson(sum);
  else printFacts(sum);
}

/** An id is short; anything longer, or with a +, is a phone. */
async function idOf(client: Client, which: string): Promise<string> {
  if (/^\d{1,6}$/.test(which)) return which;
  const digits = which.replace(/\D/g, '');
  const found = rowsOf(
    await client.request('GET', `${path}?${new URLSearchParams({ phone: digits, limit: '2' })}`),
  );
  const exact = found.find(one => textOf(one, 'phone') === digits);
  if (exact === undefined) throw failed(`No contact has the phone ${which}.`);
  return textOf(exact, 'id');
}

const listText = (object: JsonObject, name: string) =>
  Array.isArray(object[name]) ? object[name].join(', ') : '';

function show(answer: JsonObject, flags: ServerFlags): void {
  if (flags.json === true) {
    printJson(answer);
    return;
  }
  const facts = Object.entries(answer).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : JSON.stringify(value) === '{}' ? '' : textOf(answer, name),
  ]);
  printFacts(Object.fromEntries(facts));
}
