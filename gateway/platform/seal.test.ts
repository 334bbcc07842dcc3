import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSeal, masterKey } from './seal.ts';

const key = Buffer.alloc(32, 7);

test('what is sealed opens with the same key and context, and looks different each time', () => {
  const seal = createSeal(key);
  fc.assert(
    fc.property(fc.string(), fc.string(), (plain, context) => {
      const sealed = seal.seal(plain, context);
      assert.notEqual(sealed, seal.seal(plain, context));
      assert.equal(seal.open(sealed, context), plain);
    }),
  );
});

test('another key, another row or a changed byte does not open', () => {
  const seal = createSeal(key);
  const sealed = seal.seal('EAAG-token', 'number:1:access_token');
  assert.throws(() => createSeal(Buffer.alloc(32, 8)).open(sealed, 'number:1:access_token'));
  assert.throws(() => seal.open(sealed, 'number:2:access_token'));
  const bytes = Buffer.from(sealed.slice(3), 'base64');
  bytes[bytes.length - 1]! ^= 1;
  assert.throws(() => seal.open(`v1.${bytes.toString('base64')}`, 'number:1:access_token'));
});

test('without a setting a master key is made once, readable by its owner only', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wagate-seal-'));
  assert.throws(() => masterKey(null, folder, false), /master\.key is missing, and the numbers/);
  const made = masterKey(null, folder, true);
  assert.equal(made.length, 32);
  assert.deepEqual(masterKey(null, folder, false), made);
  assert.equal(statSync(join(folder, 'master.key')).mode & 0o777, 0o600);
  assert.match(readFileSync(join(folder, 'master.key'), 'utf8'), /^[0-9a-f]{64}\n$/);
  assert.deepEqual(masterKey(made.toString('base64'), folder, false), made);
  rmSync(folder, { recursive: true });
});

test('a digest is the same for the same key, text and context only', () => {
  const seal = createSeal(Buffer.alloc(32, 7));
  const digest = seal.digest('905321234567', 'erasure:a');
  assert.equal(createSeal(Buffer.alloc(32, 7)).digest('905321234567', 'erasure:a'), digest);
  const others = [
    seal.digest('905321234567', 'erasure:b'),
    seal.digest('905321234568', 'erasure:a'),
    createSeal(Buffer.alloc(32, 8)).digest('905321234567', 'erasure:a'),
  ];
  assert.equal(new Set([digest, ...others]).size, 4);
});
