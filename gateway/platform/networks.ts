/** Addresses and networks of IPv4 and IPv6: `10.0.0.0/8`, `2001:db8::/32`, and a single address as the network of itself. */
import { BlockList, isIP } from 'node:net';

const bits = { 4: 32, 6: 128 } as const;
const families = { 4: 'ipv4', 6: 'ipv6' } as const;

/** What a network is written as, for sentences. */
export const networkForm = 'an address or a network as 10.0.0.0/8 or 2001:db8::/32';

interface Network {
  address: string;
  version: 4 | 6;
  prefix: number;
}

export function isNetwork(text: string): boolean {
  return readNetwork(text) !== undefined;
}

/** Whether an address is in one of the networks. What is no address is in none, and so is everything when a network is none. */
export function createNetworks(texts: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const text of texts) {
    const network = readNetwork(text);
    if (network !== undefined) list.addSubnet(network.address, network.prefix, families[network.version]);
  }
  return address => {
    const plain = plainAddress(address);
    const version = versionOf(plain);
    return version !== undefined && list.check(plain, families[version]);
  };
}

function readNetwork(text: string): Network | undefined {
  const [, address = '', digits] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = versionOf(address);
  if (version === undefined) return undefined;
  const prefix = digits === undefined ? bits[version] : Number(digits);
  return prefix <= bits[version] ? { address, version, prefix } : undefined;
}

function versionOf(address: string): 4 | 6 | undefined {
  const version = isIP(address);
  return version === 4 || version === 6 ? version : undefined;
}

/** A listener on `::` sees IPv4 callers as `::ffff:10.0.0.1`, and a link-local address carries the name of its interface. */
export function plainAddress(address: string): string {
  const [plain = ''] = address.split('%');
  return /^::ffff:(?=[\d.]+$)/i.test(plain) ? plain.slice('::ffff:'.length) : plain;
}
