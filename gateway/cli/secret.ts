/** Secrets of a command: by flag, by environment, or asked for on a terminal without echo. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { readEnvironment } from '../platform/config.ts';
import { usage } from './failure.ts';

export interface SecretSource {
  name: string;
  flag: string;
  variable: string;
  given: string | undefined;
}

export async function readSecrets(sources: SecretSource[]): Promise<string[]> {
  const found = sources.map(source => source.given ?? givenBy(source.variable));
  const missing = sources.filter((_, i) => found[i] === undefined);
  if (missing.length > 0 && !process.stdin.isTTY) {
    throw usage(
      missing
        .map(({ name, flag, variable }) => `The ${name} is missing: set ${variable} or give ${flag}.`)
        .join('\n'),
    );
  }
  const secrets: string[] = [];
  for (const [i, source] of sources.entries())
    secrets.push(found[i] ?? (await ask(`${capitalized(source.name)}: `)));
  return secrets;
}

/** What a variable holds; set to nothing counts as unset. */
export function givenBy(variable: string): string | undefined {
  return readEnvironment()[variable]?.trim() || undefined;
}

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

async function ask(label: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  terminal.once('SIGINT', () => process.exit(130));
  process.stderr.write(label);
  try {
    return (await terminal.question('')).trim();
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
