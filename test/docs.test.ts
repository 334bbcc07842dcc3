/** What the documents promise about the source, looked up in the source. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stalePages } from '../docs/write.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('the pages made from the source are up to date (npm run docs)', () => {
  assert.deepEqual(stalePages(), []);
});

test('every relative link of the documents leads somewhere', () => {
  const broken: string[] = [];
  for (const page of globSync(['*.md', 'docs/**/*.md', 'conformance/*.md', 'simulator/*.md'], {
    cwd: root,
  })) {
    for (const [, target] of read(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      const found = globSync(join(page, '..', target!), { cwd: root });
      if (found.length === 0) broken.push(`${page} → ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('every file the documents name in code style exists', () => {
  const missing: string[] = [];
  for (const page of globSync(['*.md', 'docs/**/*.md'], { cwd: root })) {
    for (const [, path] of read(page).matchAll(
      /`((?:gateway|simulator|test|migrations|conformance|docs)\/[\w./-]+)`/g,
    )) {
      if (globSync(path!, { cwd: root }).length === 0) missing.push(`${page} → ${path}`);
    }
  }
  assert.deepEqual(missing, []);
});
