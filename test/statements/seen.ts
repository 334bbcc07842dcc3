/** What a test run executed, read back and judged: does every statement name its tenant, and was every table touched? */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../../gateway/platform/database.ts';
import { checkStatement } from './check.ts';
import { type Exception, exceptions } from './exceptions.ts';
import type { SeenStatement } from './watch.ts';

export interface Schema {
  tables: string[];
  /** Those with a tenant_id. */
  owned: Set<string>;
}

export async function readSchema(database: Database): Promise<Schema> {
  const text =
    database.engine === 'sqlite'
      ? `select m.name as t, c.name as c from sqlite_schema m join pragma_table_info(m.name) c on true where m.type = 'table'`
      : 'select table_name as t, column_name as c from information_schema.columns where table_schema = current_schema()';
  const columns = await database.all<{ t: string; c: string }>(text);
  return {
    tables: [...new Set(columns.map(({ t }) => t))].sort(),
    owned: new Set(columns.filter(({ c }) => c === 'tenant_id').map(({ t }) => t)),
  };
}

/** Distinct texts by engine: white space single, parameters as $n. */
export function readSeen(folder: string): Map<SeenStatement['engine'], Set<string>> {
  const seen = new Map<SeenStatement['engine'], Set<string>>();
  for (const file of readdirSync(folder).filter(name => name.endsWith('.jsonl'))) {
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      // A process that was killed amid its last line has told the rest before.
      const statement = line.endsWith('}') ? (JSON.parse(line) as SeenStatement) : undefined;
      if (statement === undefined) continue;
      const texts = seen.get(statement.engine) ?? new Set();
      seen.set(statement.engine, texts.add(plain(statement.text)));
    }
  }
  return seen;
}

const plain = (text: string) =>
  text
    .replace(/\s+/g, ' ')
    .replace(/\?(\d+)/g, '$$$1')
    .trim();

export interface Judgement {
  /** One line per engine, for people. */
  summary: string[];
  problems: string[];
}

export interface JudgeOptions {
  /** The whole suite ran: every table and every exception must have been met. */
  complete: boolean;
  schemas: Map<SeenStatement['engine'], Schema>;
  /** A statement that a test wrote itself looks across tenants on purpose. */
  isOfTest(text: string): boolean;
  allowed?: Exception[];
}

export function judge(
  seen: Map<SeenStatement['engine'], Set<string>>,
  { complete, schemas, isOfTest, allowed = exceptions }: JudgeOptions,
): Judgement {
  const judgement: Judgement = { summary: [], problems: [] };
  const used = new Set<Exception>();
  for (const [engine, schema] of schemas) {
    const touched = new Set<string>();
    const count = { all: 0, owned: 0, excepted: 0, ofTests: 0 };
    for (const text of seen.get(engine) ?? []) {
      count.all++;
      const { tables, problems } = checkStatement(text, schema.owned);
      const ofTest = problems.length > 0 && isOfTest(text);
      // What a test does itself proves nothing about the product.
      if (!ofTest) for (const table of tables) touched.add(table);
      if ([...tables].some(table => schema.owned.has(table))) count.owned++;
      if (problems.length === 0) continue;
      const exception = allowed.find(({ statement }) => statement.test(text));
      if (exception !== undefined) used.add(exception);
      if (exception !== undefined) count.excepted++;
      else if (ofTest) count.ofTests++;
      else judgement.problems.push(`${engine}: ${problems.join('; ')}:\n    ${text}`);
    }
    const untouched = schema.tables.filter(table => !touched.has(table));
    if (complete && untouched.length > 0) {
      judgement.problems.push(
        `${engine}: no statement was seen on ${untouched.join(', ')}; is test/statements/watch.ts still loaded everywhere, or does nothing use it?`,
      );
    }
    judgement.summary.push(
      `${engine}: ${count.all} distinct statements seen, ${count.owned} on tenant-owned tables; ${count.excepted} by a named exception, ${count.ofTests} tests' own; ${schema.tables.length - untouched.length} of ${schema.tables.length} tables touched`,
    );
  }
  for (const exception of complete ? allowed.filter(one => !used.has(one)) : []) {
    judgement.problems.push(
      `no statement needs this exception any more, remove it from test/statements/exceptions.ts: ${exception.statement}`,
    );
  }
  return judgement;
}

/** Whether a statement is written in a test, and nowhere in the product. */
export function textsOfTests(root: string): (text: string) => boolean {
  const read = (files: string[]) =>
    plain(files.map(file => readFileSync(join(root, file), 'utf8')).join('\n'));
  const isTest = (file: string) => !file.startsWith('gateway') || file.endsWith('.test.ts');
  const files = globSync('{gateway,test,torture,bench}/**/*.ts', { cwd: root });
  const tests = read(files.filter(isTest));
  const product = read(files.filter(file => !isTest(file)));
  return text => tests.includes(text) && !product.includes(text);
}
