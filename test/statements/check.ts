/**
 * Does a statement name its tenant? Every tenant-owned table it reads or writes, wherever it stands (a join, a CTE, a subquery),
 * must be bound to one: `tenant_id = $n` among its conditions, or equal to the tenant_id of a table that is bound, or
 * inserted as a parameter. And all of them to the same one. What the check does not understand counts as unbound.
 */
import { conditionsOf, type Equality, equalitiesOf, tenantColumn, tenantConstant } from './conditions.ts';
import { type Relation, readFrom, type Scope } from './from-clause.ts';
import { isSymbol, isWord, parseStatements, splitAt, type Token } from './tokens.ts';

export interface Checked {
  /** Every table named, tenant-owned or not. */
  tables: Set<string>;
  problems: string[];
}

interface Context extends Checked {
  owned: ReadonlySet<string>;
  tenants: Set<string>;
}

/** `owned`: the tables that have a tenant_id. */
export function checkStatement(text: string, owned: ReadonlySet<string>): Checked {
  const context: Context = { owned, tables: new Set(), problems: [], tenants: new Set() };
  for (const statement of parseStatements(text)) {
    context.tenants.clear();
    checkQuery(statement, { context, ctes: new Set(), parent: undefined });
    if (context.tenants.size > 1)
      context.problems.push(`it names several tenants: ${[...context.tenants].join(', ')}`);
  }
  return { tables: context.tables, problems: context.problems };
}

interface Surroundings {
  context: Context;
  ctes: ReadonlySet<string>;
  parent: Scope | undefined;
}

const reads = ['select', 'with', 'values'];
const writes = ['insert', 'replace', 'update', 'delete'];
/** Change the schema, a session or a transaction, not a tenant's rows. */
const noRows = [
  ...['create', 'alter', 'drop', 'comment', 'analyze', 'vacuum', 'reindex', 'grant', 'pragma', 'lock'],
  ...[
    'begin',
    'start',
    'commit',
    'end',
    'rollback',
    'savepoint',
    'release',
    'set',
    'reset',
    'show',
    'checkpoint',
  ],
  ...['listen', 'notify', 'unlisten', 'deallocate', 'discard'],
];

/** `tenantAt`: which column of the result is stored as a tenant_id. */
function checkQuery(tokens: Token[], around: Surroundings, tenantAt?: number): void {
  const [head] = tokens;
  if (head?.kind === 'group') checkSelect(tokens, around, tenantAt);
  else if (isWord(head, 'explain')) {
    checkQuery(tokens.slice(tokens.findIndex(token => isWord(token, ...reads, ...writes))), around);
  } else if (isWord(head, 'with')) checkWith(tokens, around, tenantAt);
  else if (isWord(head, 'select', 'values')) checkSelect(tokens, around, tenantAt);
  else if (isWord(head, 'insert', 'replace')) checkInsert(tokens, around);
  else if (isWord(head, 'update')) checkUpdate(tokens, around);
  else if (isWord(head, 'delete')) checkDelete(tokens, around);
  else if (isWord(head, ...noRows)) {
    const query = tokens.findIndex(token => isWord(token, ...reads));
    if (isWord(head, 'create') && query > 0) checkQuery(tokens.slice(query), around);
  } else {
    const mentioned = words(tokens).find(word => around.context.owned.has(word));
    if (mentioned !== undefined) around.context.problems.push(`${mentioned}: this form is not understood`);
  }
}

function checkWith(tokens: Token[], around: Surroundings, tenantAt: number | undefined): void {
  const ctes = new Set(around.ctes);
  let at = isWord(tokens[1], 'recursive') ? 2 : 1;
  for (;;) {
    const name = tokens[at];
    const body = tokens.findIndex((token, i) => i > at && token.kind === 'group' && !isColumnList(tokens, i));
    const group = tokens[body];
    if (name?.kind !== 'word' || group?.kind !== 'group') throw new Error('a WITH without a body');
    // Known inside itself only when recursive; there a table of the same name cannot be meant.
    if (isWord(tokens[1], 'recursive')) ctes.add(name.text);
    checkQuery(group.inside, { ...around, ctes });
    ctes.add(name.text);
    at = body + 2;
    if (isSymbol(tokens[body + 1], ',')) continue;
    checkQuery(tokens.slice(body + 1), { ...around, ctes }, tenantAt);
    return;
  }
}

const isColumnList = (tokens: Token[], i: number) => isWord(tokens[i + 1], 'as');

function checkSelect(tokens: Token[], around: Surroundings, tenantAt: number | undefined): void {
  const isSetOperator = (token: Token) => isWord(token, 'union', 'intersect', 'except');
  for (const part of splitAt(tokens, isSetOperator)) {
    const block = isWord(part[0], 'all', 'distinct') ? part.slice(1) : part;
    const [head] = block;
    if (head?.kind === 'group') checkQuery(head.inside, around, tenantAt);
    else if (isWord(head, 'values')) checkValues(block.slice(1), around, tenantAt);
    else checkBlock(block, around, tenantAt);
  }
}

/** One SELECT between set operators. */
function checkBlock(tokens: Token[], around: Surroundings, tenantAt: number | undefined): void {
  const clauses = clausesOf(tokens);
  const { relations, conditions } = readFrom(clauses.get('from') ?? [], around.ctes);
  const scope = bind(relations, [...conditions, ...conditionsOf(clauses.get('where'))], around);
  checkNested(tokens, { ...around, parent: scope });
  const list = (clauses.get('select') ?? []).filter(token => !isWord(token, 'distinct', 'all'));
  const items = splitAt(list, isComma);
  checkStars(items, scope, around);
  if (tenantAt !== undefined) checkTenantValue(items[tenantAt] ?? [], scope, around);
}

/** A prepared statement with `*` fails in the version before as soon as a migration adds a column (migrations/README.md). */
function checkStars(items: Token[][], { relations }: Scope, { context }: Surroundings): void {
  for (const item of items.filter(
    one => isSymbol(one.at(-1), '*') && (one.length === 1 || isSymbol(one[1], '.')),
  )) {
    const of = relations.find(({ owned, alias }) => owned && (item.length === 1 || isWord(item[0], alias)));
    if (of !== undefined) context.problems.push(`it reads * of ${of.table}: name the columns`);
  }
}

function checkValues(tokens: Token[], around: Surroundings, tenantAt: number | undefined): void {
  for (const row of tokens) {
    if (row.kind !== 'group') continue;
    if (tenantAt !== undefined)
      checkTenantValue(splitAt(row.inside, isComma)[tenantAt] ?? [], around.parent, around);
  }
  checkNested(tokens, around);
}

/** What is stored as a tenant_id must be a parameter, or come from a row whose tenant is bound. */
function checkTenantValue(tokens: Token[], scope: Scope | undefined, { context }: Surroundings): void {
  const named = isWord(tokens.at(-2), 'as') ? tokens.slice(0, -2) : tokens;
  const constant = tenantConstant(named);
  if (constant !== undefined) context.tenants.add(constant);
  else {
    const column = tenantColumn(named);
    const relation = column && resolve(column.alias, scope);
    if (relation?.bound !== true) context.problems.push('the tenant_id that is inserted is no parameter');
  }
}

function checkInsert(tokens: Token[], around: Surroundings): void {
  const { context } = around;
  const into = tokens.findIndex(token => isWord(token, 'into'));
  const { relations, rest } = readTarget(tokens.slice(into + 1), around);
  const [target] = relations;
  const conflict = rest.findIndex((token, i) => isWord(token, 'on') && isWord(rest[i + 1], 'conflict'));
  const returning = rest.findIndex(token => isWord(token, 'returning'));
  const tail = [conflict, returning].filter(i => i >= 0).reduce((a, b) => Math.min(a, b), rest.length);
  const [columns] = rest;
  const hasColumns = columns?.kind === 'group' && !isWord(columns.inside[0], ...reads);
  const source = rest.slice(hasColumns ? 1 : 0, tail);
  const tenantAt = hasColumns
    ? splitAt(columns.inside, isComma).findIndex(([name]) => isWord(name, 'tenant_id'))
    : -1;
  const isOwned = target?.owned === true;
  if (isOwned && tenantAt === -1) context.problems.push(`${target.table}: inserted without tenant_id`);
  checkQuery(source, around, isOwned && tenantAt >= 0 ? tenantAt : undefined);
  for (const relation of relations) relation.bound = true;
  const after = rest.slice(tail);
  checkAssignments(clausesOf(after).get('set') ?? [], around);
  checkNested(after, { ...around, parent: { relations, parent: around.parent } });
}

function checkUpdate(tokens: Token[], around: Surroundings): void {
  const set = tokens.findIndex(token => isWord(token, 'set'));
  const { relations: targets } = readTarget(tokens.slice(1, set), around);
  const clauses = clausesOf(tokens.slice(set));
  const { relations, conditions } = readFrom(clauses.get('from') ?? [], around.ctes);
  const scope = bind(
    [...targets, ...relations],
    [...conditions, ...conditionsOf(clauses.get('where'))],
    around,
  );
  if (targets.some(({ owned }) => owned)) checkAssignments(clauses.get('set') ?? [], around);
  checkNested(tokens, { ...around, parent: scope });
}

function checkDelete(tokens: Token[], around: Surroundings): void {
  const clauses = clausesOf(tokens);
  const { relations: targets } = readTarget(clauses.get('from') ?? [], around);
  const { relations, conditions } = readFrom(clauses.get('using') ?? [], around.ctes);
  const all = [...conditions, ...conditionsOf(clauses.get('where'))];
  const scope = bind([...targets, ...relations], all, around);
  checkNested(tokens, { ...around, parent: scope });
}

function checkAssignments(tokens: Token[], { context }: Surroundings): void {
  for (const [column] of splitAt(tokens, isComma)) {
    if (isWord(column, 'tenant_id')) context.problems.push('it gives a row another tenant');
  }
}

/** The table that is written, with its alias; `rest` is what follows. */
function readTarget(tokens: Token[], around: Surroundings): { relations: Relation[]; rest: Token[] } {
  const end = tokens.findIndex(
    (token, i) => i > 0 && (token.kind === 'group' || isWord(token, ...reads, 'default')),
  );
  const name = end === -1 ? tokens : tokens.slice(0, end);
  const { relations } = readFrom(name, new Set());
  for (const relation of relations) note(relation, around.context);
  return { relations, rest: end === -1 ? [] : tokens.slice(end) };
}

function note(relation: Relation, context: Context): void {
  if (relation.table === null) return;
  context.tables.add(relation.table);
  relation.owned = context.owned.has(relation.table);
}

/** Which of a query's tables are bound to a tenant; those that should be and are not are problems. */
function bind(
  relations: Relation[],
  conditions: ReturnType<typeof conditionsOf>,
  { context, parent }: Surroundings,
): Scope {
  for (const relation of relations) note(relation, context);
  const scope: Scope = { relations, parent };
  const equalities: Equality[] = conditions.flatMap(equalitiesOf);
  // From table to table until nothing changes: a = b, b = $1.
  for (let changed = true; changed; ) {
    changed = false;
    for (const { column, other, binds } of equalities) {
      const relation = resolve(column, scope);
      if (relation === undefined || relation.bound || !relations.includes(relation)) continue;
      if (binds !== 'all' && !binds.includes(relation.alias)) continue;
      if ('column' in other && resolve(other.column, scope)?.bound !== true) continue;
      relation.bound = true;
      changed = true;
    }
  }
  // Also where it binds nothing new: a second, different tenant is a mistake as well.
  for (const { other } of equalities) if ('constant' in other) context.tenants.add(other.constant);
  for (const { owned, bound, table, alias } of relations) {
    const name = table === alias ? table : `${table} ${alias}`;
    if (owned && !bound) context.problems.push(`${name} is read or written without its tenant`);
  }
  return scope;
}

/** The table that `alias.tenant_id` or a bare `tenant_id` belongs to: looked for here, then outside. */
function resolve(alias: string | undefined, scope: Scope | undefined): Relation | undefined {
  if (scope === undefined) return undefined;
  const found = scope.relations.filter(one => (alias === undefined ? one.owned : one.alias === alias));
  // A bare name that could be of two tables is of none.
  return found.length > 1 ? undefined : (found[0] ?? resolve(alias, scope.parent));
}

/** Queries in parentheses anywhere: in conditions, lists and the FROM clause. */
function checkNested(tokens: Token[], around: Surroundings): void {
  for (const token of tokens) {
    if (token.kind !== 'group') continue;
    if (isWord(token.inside[0], ...reads)) checkQuery(token.inside, around);
    else checkNested(token.inside, around);
  }
}

const clauseWords = [
  'select',
  'from',
  'where',
  'having',
  'window',
  'limit',
  'offset',
  'fetch',
  'returning',
  'set',
  'using',
];

/** The clauses of one statement or SELECT by their first word; of several of the same, the first. */
function clausesOf(tokens: Token[]): Map<string, Token[]> {
  const clauses = new Map<string, Token[]>();
  let current: Token[] = [];
  for (const [i, token] of tokens.entries()) {
    const isComparison = isWord(token, 'from') && isWord(tokens[i - 1], 'distinct');
    const starts =
      (isWord(token, ...clauseWords) && !isComparison) ||
      (isWord(token, 'group', 'order') && isWord(tokens[i + 1], 'by')) ||
      (isWord(token, 'for') && isWord(tokens[i + 1], 'update', 'no', 'share', 'key'));
    if (starts && token.kind === 'word') {
      // USING inside FROM belongs to a join there; of its own it is DELETE's.
      if (token.text === 'using' && tokens[i + 1]?.kind === 'group') {
        current.push(token);
        continue;
      }
      current = [];
      if (!clauses.has(token.text)) clauses.set(token.text, current);
    } else current.push(token);
  }
  return clauses;
}

const isComma = (token: Token) => isSymbol(token, ',');

function words(tokens: Token[]): string[] {
  return tokens.flatMap(token =>
    token.kind === 'group' ? words(token.inside) : token.kind === 'word' ? [token.text] : [],
  );
}
