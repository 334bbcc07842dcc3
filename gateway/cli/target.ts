/** Which gateway a command talks to and with which key: by flag, else by environment, else the demo of this machine. */
import type { Command } from 'commander';
import { demo } from '../demo/demo.ts';
import { readEnvironment } from '../platform/config.ts';
import { type Client, createClient } from './client.ts';
import { usage } from './failure.ts';

export interface ServerFlags {
  url?: string;
  key?: string;
  operatorKey?: string;
  json?: boolean;
}

const keyFlags = {
  tenant: { flags: '--key <key>', about: "the tenant's API key, pk_… (WAGATE_KEY)" },
  operator: { flags: '--operator-key <key>', about: 'the operator key (WAGATE_OPERATOR_KEY)' },
};

export function withServer(command: Command, ...kinds: (keyof typeof keyFlags)[]): Command {
  command.option('--url <url>', 'the gateway (WAGATE_URL; default http://127.0.0.1:3000)');
  for (const kind of kinds) command.option(keyFlags[kind].flags, keyFlags[kind].about);
  return command.option('--json', 'print the answer as JSON');
}

export function asTenant(flags: ServerFlags): Client {
  const url = urlOf(flags);
  const { WAGATE_KEY } = readEnvironment();
  return connect(url, flags.key ?? WAGATE_KEY, demo.key, '--key or WAGATE_KEY');
}

export function asOperator(flags: ServerFlags): Client {
  const url = urlOf(flags);
  const { WAGATE_OPERATOR_KEY } = readEnvironment();
  return connect(
    url,
    flags.operatorKey ?? WAGATE_OPERATOR_KEY,
    demo.operatorKey,
    '--operator-key or WAGATE_OPERATOR_KEY',
  );
}

/** The demo's keys are published, so they are only tried on this machine; a gateway in live mode refuses them. */
function connect(url: string, key: string | undefined, demoKey: string, where: string): Client {
  if (key !== undefined && key !== '') return createClient({ url, key });
  if (!isLocal(url)) throw usage(`No key for ${url}: give ${where}.`);
  return createClient({ url, key: demoKey, hint: `The demo's key was tried; give your own with ${where}.` });
}

function urlOf(flags: ServerFlags): string {
  const text = flags.url || readEnvironment().WAGATE_URL || 'http://127.0.0.1:3000';
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw usage(`The URL ${text} must begin with http:// or https://.`);
  return text.replace(/\/+$/, '');
}

function isLocal(url: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}

/** The tenant an operator's command is about. */
export function tenantIdOf(flags: { tenant?: string }): string {
  const id = flags.tenant ?? readEnvironment().WAGATE_TENANT_ID;
  if (id === undefined || id === '')
    throw usage('Give --tenant <id> or set WAGATE_TENANT_ID; `wagate tenant list` shows the ids.');
  return id;
}
