/** Every statement on a tenant-owned table names its tenant: isolation today, the distribution key tomorrow. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');

/** Read before a tenant is known, or about no tenant at all. */
const shared = new Set([
  'tenants',
  'operator_keys',
  'api_keys',
  'number_directory',
  'lanes',
  'processes',
  'schema_versions',
]);

function tables(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of globSync('migrations/*.sql', { cwd: root })) {
    for (const [, name, columns] of readFileSync(join(root, file), 'utf8').matchAll(
      /create table (\w+) \(([\s\S]*?)\n\);/g,
    )) {
      found.set(name!, columns!);
    }
  }
  return found;
}

const owned = [...tables().keys()].filter(name => !shared.has(name));

test("every tenant-owned table's key starts with tenant_id", () => {
  assert.ok(owned.length >= 9, owned.join());
  for (const name of owned) assert.match(tables().get(name)!, /primary key \(tenant_id,/, name);
});

test('every statement on such a table names the tenant', () => {
  const unscoped: string[] = [];
  let seen = 0;
  const statement = new RegExp(`\\b(?:from|into|update|join)\\s+(?:${owned.join('|')})\\b`);
  for (const file of globSync('gateway/**/*.ts', { cwd: root }).filter(name => !name.endsWith('.test.ts'))) {
    const source = readFileSync(join(root, file), 'utf8');
    for (const [literal] of source.matchAll(/`(?:[^`\\]|\\.)*`|'(?:[^'\\\n]|\\.)*'/g)) {
      // A statement is written in one literal; a comment or a sentence has no SQL verb before the table.
      if (!/\b(?:select|insert|update|delete)\b/.test(literal) || !statement.test(literal)) continue;
      seen++;
      const names = /\btenant_id = \$\d|\(tenant_id,|select \$1,/.test(literal);
      if (!names) unscoped.push(`${file}: ${literal.slice(0, 120)}`);
    }
  }
  assert.ok(seen > 25, `only ${seen} statements found`);
  assert.deepEqual(unscoped, []);
});
