/** Dependencies point one way (ARCHITECTURE.md, "Layers"); nobody imports upward, and programs do not import each other. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');

/** Lowest first. Folders of one row may import each other's lower rows only, never each other. */
const layers: string[][] = [
  ['gateway/canonical', 'gateway/platform'],
  ['gateway/meta', 'gateway/dialects', 'gateway/billing'],
  ['gateway/tenants'],
  ['gateway/webhooks', 'gateway/contacts'],
  ['gateway/messages'],
  ['gateway/broadcasts'],
  ['gateway/inbound', 'gateway/move'],
  ['gateway/retention'],
  ['gateway/http'],
  ['gateway/api'],
  ['gateway/demo'],
  ['gateway/preflight.ts'],
  ['gateway/groundwork.ts'],
  ['gateway/gateway.ts'],
  ['gateway/prepare-workers.ts'],
  ['gateway/doctor.ts'],
  ['gateway/cli'],
  ['gateway/main.ts'],
];

const layerOf = (file: string) =>
  layers.findIndex(folders => folders.some(folder => file === folder || file.startsWith(`${folder}/`)));
const folderOf = (file: string) =>
  layers.flat().find(folder => file === folder || file.startsWith(`${folder}/`));

function imports(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  return [...source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, path]) =>
    normalize(join(dirname(file), path!)),
  );
}

test('no import points upward', () => {
  const upward: string[] = [];
  for (const file of globSync('gateway/**/*.ts', { cwd: root }).filter(name => !name.endsWith('.test.ts'))) {
    assert.notEqual(layerOf(file), -1, `${file} is in no layer`);
    for (const target of imports(file)) {
      const [from, to] = [layerOf(file), layerOf(target)];
      if (to > from || (to === from && folderOf(file) !== folderOf(target)))
        upward.push(`${file} → ${target}`);
    }
  }
  assert.deepEqual(upward, []);
});

test('the simulator imports nothing of the gateway, and the gateway nothing of the simulator', () => {
  const crossing = globSync(['gateway/**/*.ts', 'simulator/**/*.ts'], { cwd: root }).flatMap(file =>
    imports(file)
      .filter(target => target.split('/')[0] !== file.split('/')[0])
      .map(target => `${file} → ${target}`),
  );
  assert.deepEqual(crossing, []);
});

test('a dialect imports only the canonical language and its own folder', () => {
  const impure: string[] = [];
  for (const file of globSync('gateway/dialects/*/*.ts', { cwd: root }).filter(
    name => !name.endsWith('.test.ts'),
  )) {
    for (const target of imports(file)) {
      const allowed =
        target.startsWith('gateway/canonical/') ||
        dirname(target) === 'gateway/dialects' ||
        dirname(target) === dirname(file);
      if (!allowed) impure.push(`${file} → ${target}`);
    }
  }
  assert.deepEqual(impure, []);
});

test('process.env is read in one file, the clock in one file', () => {
  const offenders: string[] = [];
  for (const file of globSync('gateway/**/*.ts', { cwd: root }).filter(name => !name.endsWith('.test.ts'))) {
    const code = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    if (/process\.env/.test(code) && file !== 'gateway/platform/config.ts')
      offenders.push(`${file}: process.env`);
    if (/Date\.now\(|performance\.now\(/.test(code) && file !== 'gateway/platform/clock.ts')
      offenders.push(`${file}: clock`);
  }
  assert.deepEqual(offenders, []);
});
