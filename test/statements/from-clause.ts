/** Reads a FROM clause: which tables it names, by which alias, and the conditions of its joins. */
import { type Condition, type Conditioned, conditionsOf } from './conditions.ts';
import { isSymbol, isWord, splitAt, type Token } from './tokens.ts';

export interface Relation {
  alias: string;
  /** Null for what is no table: a CTE, a subquery, a function. */
  table: string | null;
  /** Has a tenant_id. Set by who knows the schema. */
  owned: boolean;
  bound: boolean;
}

export interface Scope {
  relations: Relation[];
  parent: Scope | undefined;
}

export interface From {
  relations: Relation[];
  conditions: Condition[];
}

const joinWords = ['join', 'inner', 'left', 'right', 'full', 'cross', 'natural'];
const noAlias = [
  ...joinWords,
  'on',
  'using',
  'set',
  'where',
  'order',
  'group',
  'limit',
  'returning',
  'default',
];

export function readFrom(tokens: Token[], ctes: ReadonlySet<string>): From {
  const found: From = { relations: [], conditions: [] };
  for (const item of splitAt(tokens, token => isSymbol(token, ','))) readItem(item, ctes, found);
  return found;
}

function readItem(tokens: Token[], ctes: ReadonlySet<string>, found: From): void {
  let at = 0;
  let kind: string[] = [];
  while (at < tokens.length) {
    const before = [...found.relations];
    at = readPrimary(tokens, at, ctes, found);
    const joined = found.relations.filter(relation => !before.includes(relation));
    const end = nextJoin(tokens, at);
    const binds = bindable(kind, before, joined);
    if (isWord(tokens[at], 'on')) {
      found.conditions.push(...conditionsOf(tokens.slice(at + 1, end), binds));
    } else if (isWord(tokens[at], 'using')) {
      const columns = tokens[at + 1];
      if (columns?.kind === 'group' && columns.inside.some(token => isWord(token, 'tenant_id'))) {
        for (const left of before)
          for (const right of joined) found.conditions.push({ same: [left.alias, right.alias], binds });
      }
    }
    at = end;
    kind = [];
    while (at < tokens.length && isWord(tokens[at], ...joinWords, 'outer')) {
      const word = tokens[at++];
      if (word?.kind === 'word') kind.push(word.text);
    }
  }
}

/** The condition of an outer join leaves out rows of one side only. */
function bindable(kind: string[], before: Relation[], joined: Relation[]): Conditioned {
  if (kind.includes('full')) return [];
  if (kind.includes('left')) return joined.map(({ alias }) => alias);
  if (kind.includes('right')) return before.map(({ alias }) => alias);
  return 'all';
}

function nextJoin(tokens: Token[], from: number): number {
  const isFunction = (i: number) => isWord(tokens[i], 'left', 'right') && tokens[i + 1]?.kind === 'group';
  const next = tokens.findIndex((token, i) => i >= from && isWord(token, ...joinWords) && !isFunction(i));
  return next === -1 ? tokens.length : next;
}

/** A table, function or group with its alias; returns where the next token is. */
function readPrimary(tokens: Token[], start: number, ctes: ReadonlySet<string>, found: From): number {
  let at = start;
  while (isWord(tokens[at], 'lateral', 'only')) at++;
  const token = tokens[at++];
  let table: string | null = null;
  let alias = '';
  if (token?.kind === 'word') {
    let name = token.text;
    while (isSymbol(tokens[at], '.')) {
      const next = tokens[at + 1];
      if (next?.kind === 'word') name = next.text;
      at += 2;
    }
    alias = name;
    if (tokens[at]?.kind === 'group') at++;
    else if (!ctes.has(name)) table = name;
  } else if (token?.kind === 'group' && !isWord(token.inside[0], 'select', 'with', 'values')) {
    const inner = readFrom(token.inside, ctes);
    found.relations.push(...inner.relations);
    found.conditions.push(...inner.conditions);
    return at;
  }
  if (isWord(tokens[at], 'with') && isWord(tokens[at + 1], 'ordinality')) at += 2;
  const named = isWord(tokens[at], 'as') ? tokens[at + 1] : tokens[at];
  if (named?.kind === 'word' && !isWord(named, ...noAlias)) {
    alias = named.text;
    at += isWord(tokens[at], 'as') ? 2 : 1;
    if (tokens[at]?.kind === 'group') at++;
  }
  found.relations.push({ alias, table, owned: false, bound: false });
  return at;
}
