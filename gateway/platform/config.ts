/** Settings in two pure steps: environment → texts → checked config. The only file that reads process.env. */
import { isNetwork, networkForm } from './networks.ts';
import { type Setting, type SettingName, settings } from './settings.ts';

type Value<S extends { kind: string; default: string | null }> =
  | (S['kind'] extends 'port' | 'count' | 'milliseconds' | 'seconds' | 'days' | 'micros' ? number : string)
  | (S['default'] extends null ? null : never);

export type Config = {
  -readonly [N in Exclude<SettingName, 'mode'>]: Value<(typeof settings)[N]>;
} & { mode: 'auto' | 'demo' | 'live' };

export type Environment = Record<string, string | undefined>;

export function readEnvironment(): Environment {
  return process.env;
}

/** All problems at once, one sentence each; or the config. Unknown WAGATE_* names are problems too: they are typing errors. */
export function readConfig(
  env: Environment,
): { config: Config } | { problems: string[]; partial: Partial<Config> } {
  const problems: string[] = [];
  const config: Record<string, string | number | null> = {};
  for (const [name, setting] of Object.entries<Setting>(settings)) {
    const text = env[setting.env]?.trim() || setting.default;
    if (text === null) {
      config[name] = null;
      continue;
    }
    const value = readValue(setting, text);
    if (typeof value === 'object') problems.push(`${setting.env} ${value.problem}.`);
    else config[name] = value;
  }
  const known = new Set(Object.values<Setting>(settings).map(setting => setting.env));
  for (const env_ of Object.keys(env)) {
    if (env_.startsWith('WAGATE_') && !known.has(env_) && !clientVariables.has(env_)) {
      problems.push(`${env_} is not a setting of Wagate; docs/configuration.md lists them all.`);
    }
  }
  return problems.length > 0
    ? { problems, partial: config as Partial<Config> }
    : { config: config as Config };
}

/** Read by the CLI and written by `wagate demo --env`; not settings of the server. */
const clientVariables = new Set([
  'WAGATE_URL',
  'WAGATE_SIMULATOR_URL',
  'WAGATE_KEY',
  'WAGATE_TENANT_ID',
  'WAGATE_NUMBER_ID',
  'WAGATE_PHONE_NUMBER_ID',
  'WAGATE_WABA_ID',
  'WAGATE_TAG_ID',
  'WAGATE_TEMPLATE_ID',
  'WAGATE_RECIPIENT',
  'WAGATE_TEST_REQUIRE',
]);

function readValue(setting: Setting, text: string): string | number | { problem: string } {
  switch (setting.kind) {
    case 'port':
      return (
        wholeNumber(text, 0, 65535) ?? { problem: `must be a port number from 0 to 65535, is "${text}"` }
      );
    case 'count':
    case 'milliseconds':
    case 'seconds':
      return (
        wholeNumber(text, 1, 2 ** 31 - 1) ?? { problem: `must be a whole number of at least 1, is "${text}"` }
      );
    case 'days':
      return (
        wholeNumber(text, 0, 36_500) ?? {
          problem: `must be a whole number of days, 0 for ever, is "${text}"`,
        }
      );
    case 'micros':
      return (
        wholeNumber(text, 0, 1_000_000_000) ?? {
          problem: `must be a whole number of millionths from 0 to 1000000000, is "${text}"`,
        }
      );
    case 'currency':
      return /^[A-Z]{3}$/.test(text)
        ? text
        : { problem: `must be three capital letters such as USD, is "${text}"` };
    case 'url':
      return /^https?:$/.test(URL.parse(text)?.protocol ?? '')
        ? text.replace(/\/+$/, '')
        : { problem: `must be an http:// or https:// URL, is "${text}"` };
    case 'version':
      return /^v\d+\.\d+$/.test(text) ? text : { problem: `must look like v25.0, is "${text}"` };
    case 'choice':
      return setting.choices?.includes(text)
        ? text
        : { problem: `must be one of ${setting.choices?.join(', ')}, is "${text}"` };
    case 'networks': {
      const wrong = networksOf(text).find(one => !isNetwork(one));
      return wrong === undefined
        ? text
        : { problem: `must be a list with commas, each ${networkForm}; "${wrong}" is none` };
    }
    case 'secondsList':
      return secondsOf(text).every(seconds => seconds >= 1 && seconds <= 2_592_000)
        ? text
        : { problem: `must be a list of seconds with commas, each from 1 to 2592000, is "${text}"` };
    case 'secret':
      return secretProblem(setting.env, text) ?? text;
    case 'text':
      if (/^DATABASE_/.test(setting.env) && !/^postgres(ql)?:\/\//.test(text)) {
        return { problem: 'must begin with postgres:// or postgresql://' };
      }
      return text;
  }
}

/** The networks of a setting of that kind. */
export function networksOf(text: string): string[] {
  return text.split(',').map(one => one.trim());
}

/** The numbers of a setting of that kind. */
export function secondsOf(text: string): number[] {
  return text.split(',').map(one => (/^\s*\d+\s*$/.test(one) ? Number(one) : Number.NaN));
}

function secretProblem(env: string, text: string): { problem: string } | undefined {
  if (env === 'WAGATE_MASTER_KEY' && masterKeyBytes(text) === undefined) {
    return { problem: 'must be 32 bytes as 64 hex digits or as base64' };
  }
  if (env === 'WAGATE_OPERATOR_KEY' && text.length < 24) {
    return { problem: `must have at least 24 characters, has ${text.length}` };
  }
  return undefined;
}

/** The 32 bytes of a master key written as hex or base64, or undefined. */
export function masterKeyBytes(text: string): Buffer | undefined {
  const bytes = /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  return bytes.length === 32 ? bytes : undefined;
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= least && value <= most ? value : undefined;
}
