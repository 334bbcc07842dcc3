import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNetworks, isNetwork } from './networks.ts';

for (const text of ['10.0.0.0/8', '0.0.0.0/0', '192.0.2.7', '2001:db8::/32', '::1', '::/0', '10.1.2.3/8'])
  test(`${text} is a network`, () => assert.ok(isNetwork(text)));

for (const text of [
  '',
  '10.0.0.0/33',
  '10.0.0/8',
  '2001:db8::/129',
  '10.0.0.0/',
  '/8',
  '10.0.0.0/-1',
  'loopback',
  '10.0.0.0/8/8',
  'fe80::1%eth0',
  ' 10.0.0.1',
])
  test(`"${text}" is none`, () => assert.ok(!isNetwork(text)));

for (const [network, inside, outside] of [
  ['10.0.0.0/8', '10.255.0.1', '11.0.0.1'],
  ['10.1.2.3/8', '10.9.9.9', '9.9.9.9'],
  ['192.0.2.7', '192.0.2.7', '192.0.2.8'],
  ['192.0.2.0/24', '::ffff:192.0.2.9', '::ffff:192.0.3.9'],
  ['2001:db8::/32', '2001:db8:ffff::1', '2001:db9::1'],
  ['::1', '::1', '127.0.0.1'],
  ['fe80::/10', 'fe80::1%eth0', 'fec0::1'],
  ['0.0.0.0/0', '203.0.113.9', '2001:db8::1'],
] as const) {
  test(`${network} holds ${inside} and not ${outside}`, () => {
    const holds = createNetworks(['198.51.100.0/24', network]);
    assert.equal(holds(inside), true);
    assert.equal(holds(outside), false);
  });
}

test('what is no address is in no network', () => {
  const holds = createNetworks(['0.0.0.0/0', '::/0']);
  for (const text of ['', 'unknown', '1.2.3.4:80', '[::1]', '1.2.3', '_hidden'])
    assert.equal(holds(text), false);
});

test('every IPv4 network holds just the addresses that begin with its bits', () => {
  const text = (bits: number) => [24, 16, 8, 0].map(shift => (bits >>> shift) & 255).join('.');
  const begins = (bits: number, prefix: number) => (prefix === 0 ? 0 : bits >>> (32 - prefix));
  fc.assert(
    fc.property(
      fc.nat(0xff_ff_ff_ff),
      fc.integer({ min: 0, max: 32 }),
      fc.nat(31),
      (network, prefix, flipped) => {
        const holds = createNetworks([`${text(network)}/${prefix}`]);
        const other = (network ^ (1 << flipped)) >>> 0;
        assert.equal(holds(text(network)), true);
        assert.equal(holds(text(other)), begins(other, prefix) === begins(network, prefix));
      },
    ),
  );
});
