import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';

const problems = (env: Record<string, string>) => {
  const read = readConfig(env);
  return 'problems' in read ? read.problems : [];
};

test('nothing set is enough', () => {
  const read = readConfig({});
  assert.ok('config' in read);
  assert.equal(read.config.port, 3000);
  assert.equal(read.config.databaseUrl, null);
  assert.equal(read.config.mode, 'auto');
});

test('an empty value is no value', () => {
  assert.deepEqual(problems({ PORT: '', DATABASE_URL: '  ' }), []);
});

test('every kind says what it wants', () => {
  assert.deepEqual(
    problems({
      PORT: '70000',
      META_GRAPH_URL: 'graph.facebook.com',
      META_GRAPH_VERSION: '25',
      DATABASE_URL: 'mysql://x',
      WAGATE_MODE: 'test',
      WAGATE_MASTER_KEY: 'short',
      WAGATE_OPERATOR_KEY: 'short',
      WAGATE_MESSAGE_TTL: '-1',
      WAGATE_TRUSTED_PROXIES: '10.0.0.0/8, loopback',
      WAGATE_NONSENSE: '1',
    }),
    [
      'PORT must be a port number from 0 to 65535, is "70000".',
      'DATABASE_URL must begin with postgres:// or postgresql://.',
      'WAGATE_MODE must be one of auto, demo, live, is "test".',
      'WAGATE_MASTER_KEY must be 32 bytes as 64 hex digits or as base64.',
      'WAGATE_OPERATOR_KEY must have at least 24 characters, has 5.',
      'META_GRAPH_URL must be an http:// or https:// URL, is "graph.facebook.com".',
      'META_GRAPH_VERSION must look like v25.0, is "25".',
      'WAGATE_MESSAGE_TTL must be a whole number of at least 1, is "-1".',
      'WAGATE_TRUSTED_PROXIES must be a list with commas, each an address or a network as 10.0.0.0/8 or 2001:db8::/32; "loopback" is none.',
      'WAGATE_NONSENSE is not a setting of Wagate; docs/configuration.md lists them all.',
    ],
  );
});

test('a secret is never told back', () => {
  assert.ok(!problems({ WAGATE_OPERATOR_KEY: 'hunter2' }).join().includes('hunter2'));
});
