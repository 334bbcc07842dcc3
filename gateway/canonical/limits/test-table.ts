/** Tables of contents and what is wrong with them, for the tests beside. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Content } from '../content.ts';
import type { JsonObject } from '../json.ts';
import { checkContent } from '../limits.ts';

/** What is wrong, as `path rule`. */
export function wrong(content: JsonObject): string[] {
  return checkContent(content as Content).map(({ path, rule }) => `${path} ${rule}`);
}

type Case = [about: string, content: JsonObject, issues: string[]];

export function table(name: string, cases: Case[]): void {
  describe(name, () => {
    for (const [about, content, issues] of cases) it(about, () => assert.deepEqual(wrong(content), issues));
  });
}

/** A text of so many characters. */
export const of = (length: number) => 'x'.repeat(length);
