/**
 * What an API key may do. No powers at all means everything its tenant may; each member takes something away. Kept as JSON with the
 * key; what cannot be read lets nothing through, since a member we do not know may be a restriction of a newer version.
 */
import { isObject, type Json, type JsonObject, parseJson } from '../canonical/json.ts';
import { createNetworks, isNetwork } from '../platform/networks.ts';

export interface KeyPowers {
  /** read: nothing but reading. send: nothing but sending. */
  access?: 'read' | 'send';
  /** Names of the only templates it may send; then it sends nothing but templates. */
  templates?: string[];
  /** Ids of the only numbers it may use and see. */
  numbers?: number[];
  /** In one day of UTC, recipients counted one by one. */
  messagesPerDay?: number;
  /** Micros in one day of UTC, counted as they are held. */
  microsPerDay?: number;
  /** Addresses and networks it may be used from. */
  addresses?: string[];
}

/** What a request is about to do. Of a send, what is left out is not known yet and not checked; template null: it sends none. */
export type Deed = { ip: string } & (
  | { what: 'read' | 'manage' }
  | { what: 'mark_read'; numberId?: number }
  | { what: 'send'; numberId?: number; template?: string | null }
);

/** Why a key may not do this, as the end of "This API key may not do this: …", or undefined. */
export function mayNot(powers: KeyPowers, deed: Deed): string | undefined {
  if (powers === everyPower) return undefined;
  const { access, templates, addresses } = powers;
  if (addresses !== undefined && !holdsOf(addresses)(deed.ip))
    return `it may not be used from ${deed.ip === '' ? 'an unknown address' : deed.ip}`;
  if (access === 'read' && deed.what !== 'read') return 'it may only read';
  if (access === 'send' && deed.what !== 'send' && deed.what !== 'mark_read') return 'it may only send';
  const numberId = 'numberId' in deed ? deed.numberId : undefined;
  const reason = numberId === undefined ? undefined : mayNotUse(powers, numberId);
  if (reason !== undefined) return reason;
  if (deed.what === 'send' && templates !== undefined && deed.template !== undefined) {
    if (deed.template === null || !templates.includes(deed.template))
      return `it may only send the ${listOf('template', templates)}`;
  }
  return undefined;
}

/** Why a key may not use this number of its tenant, or undefined. */
export function mayNotUse({ numbers }: KeyPowers, numberId: number): string | undefined {
  if (numbers === undefined || numbers.includes(numberId)) return undefined;
  return `it may only use ${listOf('number', numbers)}`;
}

export const everyPower: KeyPowers = Object.freeze({});

/** The caps that are counted in the accept transaction (messages/policy/caps.ts), null where there are none. */
export function capsOf({ messagesPerDay, microsPerDay }: KeyPowers): DayCaps | null {
  if (messagesPerDay === undefined && microsPerDay === undefined) return null;
  return { messages: messagesPerDay ?? null, micros: microsPerDay ?? null };
}

/** Most that a key may use up in one day of UTC; null: no such cap. */
export interface DayCaps {
  messages: number | null;
  micros: number | null;
}

/** As kept; undefined when it cannot be read. */
export function readPowers(text: string | null): KeyPowers | undefined {
  if (text === null) return everyPower;
  const json = parseJson(text);
  if (!isObject(json)) return undefined;
  const isKnown = Object.entries(json).every(([name, value]) => {
    const check = checks[name as keyof KeyPowers];
    return Object.hasOwn(checks, name) && value !== undefined && check(value);
  });
  return isKnown ? (json as JsonObject & KeyPowers) : undefined;
}

/** null for a key that may do everything, so that its row says so at a glance. */
export function writePowers(powers: KeyPowers): string | null {
  return Object.keys(powers).length === 0 ? null : JSON.stringify(powers);
}

const isListOf = (check: (value: Json) => boolean) => (value: Json) =>
  Array.isArray(value) && value.length > 0 && value.every(check);
const isAmount = (value: Json) => Number.isSafeInteger(value) && Number(value) >= 0;

const checks: Record<keyof KeyPowers, (value: Json) => boolean> = {
  access: value => value === 'read' || value === 'send',
  templates: isListOf(value => typeof value === 'string'),
  numbers: isListOf(value => Number.isSafeInteger(value)),
  messagesPerDay: isAmount,
  microsPerDay: isAmount,
  addresses: isListOf(value => typeof value === 'string' && isNetwork(value)),
};

/** One for each list: powers are kept for as long as their key is remembered, and asked at every request. */
const networks = new WeakMap<readonly string[], (address: string) => boolean>();

function holdsOf(addresses: readonly string[]): (address: string) => boolean {
  let holds = networks.get(addresses);
  if (holds === undefined) {
    holds = createNetworks(addresses);
    networks.set(addresses, holds);
  }
  return holds;
}

const namedMax = 5;

/** `number 7`, `numbers 7, 8`; of many the first few. */
function listOf(noun: string, names: readonly (string | number)[]): string {
  if (names.length === 1) return `${noun} ${names[0]}`;
  const rest = names.length - namedMax;
  return `${noun}s ${names.slice(0, namedMax).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
