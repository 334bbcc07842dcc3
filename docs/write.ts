/** Writes the pages that are made from the source (`npm run docs`); test/docs.test.ts sees that they are up to date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EventType, eventTypes } from '../gateway/canonical/event.ts';
import { refusals } from '../gateway/canonical/refusal.ts';
import { errorTable } from '../gateway/meta/error-table.ts';
import { type Setting, settings } from '../gateway/platform/settings.ts';
import { type EndpointFormat, endpointFormats } from '../gateway/tenants/endpoints.ts';
import { newEndpoint, secretSamples, signing } from '../gateway/webhooks/formats/endpoint-samples.ts';
import { eventSamples } from '../gateway/webhooks/formats/event-samples.ts';
import { hasWords, render } from '../gateway/webhooks/formats/render.ts';
import { problems } from '../gateway/webhooks/outcome.ts';

/** What each page is to be, given what it is. */
const pages: Record<string, (before: string) => string> = {
  'configuration.md': configurationPage,
  'errors.md': errorsPage,
  'events.md': eventsPage,
  'webhooks.md': before => withPart(before, 'gateway/webhooks/outcome.ts', problemTable()),
};

/** A page by hand with a part from the source, between two marks. */
function withPart(page: string, source: string, part: string): string {
  const mark = `<!-- Written from ${source} by \`npm run docs\`. -->\n`;
  const [before, rest] = page.split(mark);
  const [, after] = rest?.split('<!-- Until here. -->\n') ?? [];
  if (after === undefined) throw new Error(`a page has no marks around what is written from ${source}`);
  return `${before}${mark}${part}<!-- Until here. -->\n${after}`;
}

function problemTable(): string {
  const rows = Object.entries(problems).map(([problem, text]) => `| \`${problem}\` | ${text} |\n`);
  return `\n| \`problem\` | |\n|---|---|\n${rows.join('')}\n`;
}

function configurationPage(): string {
  const rows = Object.values<Setting>(settings).map(
    ({ env, kind, default: fallback, choices, about }) =>
      `| \`${env}\` | ${choices === undefined ? kind : choices.map(choice => `\`${choice}\``).join(' ')} | ${fallback === null ? '–' : `\`${fallback}\``} | ${about} |`,
  );
  return `# Configuration

Every setting is an environment variable. None is needed to start. Written from gateway/platform/settings.ts by \`npm run docs\`.

| variable | kind | default | what it does |
|---|---|---|---|
${rows.join('\n')}

All problems are told at once, a sentence each, and the program does not start with any of them. A misspelt \`WAGATE_…\` name is
a problem too.
`;
}

function errorsPage(): string {
  const ours = Object.entries(refusals).map(
    ([code, { status, title }]) => `| <a id="${code}"></a>\`${code}\` | ${status} | ${title} |`,
  );
  const metas = Object.entries(errorTable).map(([code, rule]) => {
    const later =
      rule.later === undefined
        ? 'no'
        : `after ${rule.later.firstMs / 1000} s, growing ×${rule.later.factor}; rests: ${rule.later.pause}`;
    return `| ${code} | ${rule.title} | ${later} | ${rule.action} |`;
  });
  return `# Errors

Written from gateway/canonical/refusal.ts and gateway/meta/error-table.ts by \`npm run docs\`.

## What Wagate refuses

One closed list. Each dialect tells each refusal in its own vendor's envelope (docs/dialects/); the native API answers
\`application/problem+json\` (RFC 9457) with the code and status below.

| code | status | meaning |
|---|---|---|
${ours.join('\n')}

## What Meta refuses

Meta's code reaches the caller (\`meta_rejected\`), the message's row and its timeline. Where the table says "after", Wagate sends the
message again by itself, with jitter, until its time to live is over; "rests" says what waits meanwhile: the message, the pair
of number and recipient, the number's whole lane, or only its bulk.

| code | title | sent again | what to do |
|---|---|---|---|
${metas.join('\n')}

A code that is not listed is a plain refusal. An answer that never came, or cannot be read, is neither: the message becomes
\`uncertain\`, is never sent again, and is settled by the statuses Meta sends for it.
`;
}

function eventsPage(): string {
  const types = (Object.keys(eventTypes) as EventType[]).map(type => {
    const [meta, connectly] = (['meta', 'connectly'] as const).map(format =>
      hasWords(format, eventSamples[type]) ? 'yes' : '–',
    );
    return `| \`${type}\` | ${eventTypes[type]} | ${meta} | ${connectly} |`;
  });
  return `# Events

Written from gateway/canonical/event.ts and gateway/webhooks/formats/ by \`npm run docs\`. How they reach you: [webhooks](webhooks.md).

The \`standard\` format tells every event. An endpoint of another format is not told of what that format has no words for.

| type | when | \`meta\` | \`connectly\` |
|---|---|---|---|
${types.join('\n')}

## The same two events in each format

Each body is one line, to the byte, and the secret is the one named: a verifier can be tried on it.

${endpointFormats.map(format => `### ${format}\n\nSecret: \`${secretSamples[format]}\`\n\n${['message.delivered', 'message.received'].map(type => example(format, type as EventType)).join('\n')}`).join('\n')}`;
}

function example(format: EndpointFormat, type: EventType): string {
  const { headers, body } = render(
    format,
    [eventSamples[type]],
    newEndpoint(format),
    signing({ secrets: [secretSamples[format]] }),
  )!;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return ['```http', ...lines, '', body, '```', ''].join('\n');
}

const file = (name: string) => join(import.meta.dirname, name);
const read = (name: string) => readFileSync(file(name), 'utf8');

if (process.argv[1] === import.meta.filename) {
  for (const [name, page] of Object.entries(pages)) writeFileSync(file(name), page(read(name)));
}

/** Pages whose file differs from what the source says. */
export function stalePages(): string[] {
  return Object.entries(pages)
    .filter(([name, page]) => page(read(name)) !== read(name))
    .map(([name]) => name);
}
