/**
 * The way out to addresses that customers name. Nothing private may be reached by it: the URL is checked when it is saved
 * (`checkTarget`), and every connection again, since names change what they point to: its literal address, what its name resolves to,
 * and the address it has in the end.
 */
import dns from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { createNetworks, plainAddress } from './networks.ts';

export interface TargetRules {
  /** http:// to any public address; else only to networks that are allowed. */
  allowHttp: boolean;
  /** Addresses the operator allows, though they are private (WAGATE_WEBHOOK_ALLOW_NETWORKS). */
  allowed(address: string): boolean;
}

/** All addresses of a host. Throws with the code of node:dns. */
export type Resolve = (hostname: string) => Promise<string[]>;

/** The connection would lead somewhere customers may not point us to. */
export class Blocked extends Error {
  readonly code = 'WAGATE_BLOCKED';
}

export function targetRules(networks: string[], allowHttp: boolean): TargetRules {
  return { allowHttp, allowed: createNetworks(networks) };
}

/** Everything the IANA registries call special, or that carries an IPv4 address of its own. */
const special4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
];
/** Only 2000::/3 is routed: ::, ::1, IPv4-mapped, 64:ff9b::/96, fc00::/7, fe80::/10 and ff00::/8 lie outside. */
const special6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const isSpecial4 = createNetworks(special4);
const isSpecial6 = createNetworks(special6);
const routed6 = new BlockList();
routed6.addSubnet('2000::', 3, 'ipv6');

/** Whether anybody on the internet may be at this address. */
export function isPublic(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !isSpecial4(address);
  return version === 6 && !address.includes('%') && routed6.check(address, 'ipv6') && !isSpecial6(address);
}

function problemOf(address: string, protocol: string, rules: TargetRules): string | undefined {
  if (rules.allowed(address)) return undefined;
  if (!isPublic(address)) return `${address} is not a public address`;
  if (protocol === 'http:' && !rules.allowHttp) return 'it must begin with https://';
  return undefined;
}

/** A sentence that says why nothing may be posted to this URL; undefined when it may. */
export async function checkTarget(
  url: string,
  rules: TargetRules,
  resolve: Resolve = resolveHost,
): Promise<string | undefined> {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return 'The URL must begin with https://.';
  if (parsed.username !== '' || parsed.password !== '')
    return 'The URL must not hold a user name or password; give a header instead.';
  if (parsed.hash !== '') return 'The URL must not have a fragment (#…).';
  const host = bare(parsed.hostname);
  let addresses: string[];
  try {
    addresses = isIP(host) > 0 ? [host] : await resolve(host);
  } catch (error) {
    return `The host ${host} cannot be resolved (${(error as { code?: string }).code ?? String(error)}).`;
  }
  for (const address of addresses) {
    const problem = problemOf(address, parsed.protocol, rules);
    if (problem !== undefined) return `The URL may not be used: ${problem}.`;
  }
  return addresses.length === 0 ? `The host ${host} has no address.` : undefined;
}

export interface OutboundOptions {
  rules: TargetRules;
  connectTimeoutMs: number;
  resolve?: Resolve;
}

/**
 * Connections to any number of origins. An origin is forgotten with its last connection, and an idle one is closed soon, so that what
 * is held is bounded by what is in flight. Redirects are never followed; certificates are checked.
 */
export function createOutbound({ rules, connectTimeoutMs, resolve = resolveHost }: OutboundOptions): Agent {
  return new Agent({
    connect: guarded(rules, connectTimeoutMs, resolve),
    pipelining: 1,
    // Each request has a deadline of its own (webhooks/post.ts).
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 4_000,
    // Whatever the other side promises.
    keepAliveMaxTimeout: 30_000,
    maxHeaderSize: 16_384,
  });
}

function guarded(rules: TargetRules, timeout: number, resolve: Resolve): buildConnector.connector {
  const connectors = new Map<string, buildConnector.connector>();
  for (const protocol of ['http:', 'https:']) {
    const lookup = guardedLookup(rules, protocol, resolve);
    connectors.set(protocol, buildConnector({ timeout, lookup, autoSelectFamily: true }));
  }
  return (options, callback) => {
    const { hostname, protocol } = options;
    const check = (address: string) => {
      const problem = problemOf(address, protocol, rules);
      return problem === undefined ? undefined : new Blocked(problem);
    };
    // node:net asks for no look-up of a literal address.
    const blocked = isIP(bare(hostname)) > 0 ? check(bare(hostname)) : undefined;
    if (blocked !== undefined) return callback(blocked, null);
    connectors.get(protocol)!(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      const wrong = check(plainAddress(socket.remoteAddress ?? ''));
      if (wrong === undefined) return callback(null, socket);
      socket.destroy();
      callback(wrong, null);
    });
  };
}

/** One address that is refused refuses the name: who mixes them means no good. */
function guardedLookup(rules: TargetRules, protocol: string, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      addresses => {
        const found = addresses.map(address => ({ address, family: isIP(address) }));
        const problem = addresses.map(one => problemOf(one, protocol, rules)).find(one => one !== undefined);
        if (problem !== undefined) callback(new Blocked(problem), []);
        else if (found[0] === undefined) callback(noAddress(hostname), []);
        else if (options.all === true) callback(null, found);
        else callback(null, found[0].address, found[0].family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}

const noAddress = (hostname: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${hostname} has no address`), { code: dns.NODATA });

const bare = (hostname: string) => hostname.replace(/^\[|\]$/g, '');

const resolver = new dns.promises.Resolver({ timeout: 2_500, tries: 2 });
let asking: Promise<unknown> = Promise.resolve();

/**
 * By DNS itself, because getaddrinfo occupies a thread of the pool in which commits wait for the disk, for as long as a name server is
 * silent. Only what DNS does not know is asked of the system, for the sake of its hosts file, one name at a time.
 */
async function resolveHost(hostname: string): Promise<string[]> {
  if (/^(.+\.)?localhost\.?$/i.test(hostname)) return ['127.0.0.1', '::1'];
  const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const found = [four, six].flatMap(one => (one.status === 'fulfilled' ? one.value : []));
  if (found.length > 0) return found;
  const { code } = (four.status === 'rejected' ? four.reason : {}) as { code?: string };
  if (code !== dns.NOTFOUND && code !== dns.NODATA)
    throw four.status === 'rejected' ? four.reason : noAddress(hostname);
  const asked = asking.then(() => dns.promises.lookup(hostname, { all: true }));
  asking = asked.catch(() => undefined);
  return (await asked).map(({ address }) => address);
}
