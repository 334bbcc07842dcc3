/** What a WHERE or ON says about tenants: the equalities that hold for every row that passes. */
import { isSymbol, isWord, splitAt, type Token } from './tokens.ts';

/** The aliases whose rows a condition leaves out when it does not hold. */
export type Conditioned = 'all' | string[];

export type Condition =
  | { tokens: Token[]; binds: Conditioned }
  /** Two tables joined USING (tenant_id, …). */
  | { same: [string, string]; binds: Conditioned };

export interface Equality {
  /** Alias of the table whose tenant_id it is, undefined when the name stands alone. */
  column: string | undefined;
  other: { constant: string } | { column: string | undefined };
  binds: Conditioned;
}

/** The conditions that must all hold; none where an OR leaves that open. */
export function conditionsOf(tokens: Token[] | undefined, binds: Conditioned = 'all'): Condition[] {
  if (tokens === undefined) return [];
  const parts: Token[][] = [[]];
  let cases = 0;
  for (const token of tokens) {
    if (isWord(token, 'case')) cases++;
    if (isWord(token, 'end')) cases--;
    if (cases === 0 && isWord(token, 'or')) return [];
    if (cases === 0 && isWord(token, 'and')) parts.push([]);
    else parts.at(-1)!.push(token);
  }
  return parts.flatMap(part => {
    const [only] = part;
    const isGroup = part.length === 1 && only?.kind === 'group' && !isWord(only.inside[0], 'select', 'with');
    return isGroup ? conditionsOf(only.inside, binds) : [{ tokens: part, binds }];
  });
}

export function equalitiesOf(condition: Condition): Equality[] {
  const { binds } = condition;
  if ('same' in condition) {
    const [left, right] = condition.same;
    return [
      { column: left, other: { column: right }, binds },
      { column: right, other: { column: left }, binds },
    ];
  }
  const sides = splitAt(condition.tokens, token => isSymbol(token, '='));
  const [left, right] = sides;
  if (sides.length !== 2 || left === undefined || right === undefined) return [];
  return rows(left, right).flatMap(([a, b]) => [...equality(a, b, binds), ...equality(b, a, binds)]);
}

/** `(tenant_id, id) = ($1, $2)` is two equalities. */
function rows(left: Token[], right: Token[]): [Token[], Token[]][] {
  const [a] = left;
  const [b] = right;
  if (left.length !== 1 || right.length !== 1 || a?.kind !== 'group' || b?.kind !== 'group')
    return [[left, right]];
  const isComma = (token: Token) => isSymbol(token, ',');
  const values = splitAt(b.inside, isComma);
  return splitAt(a.inside, isComma).map((part, i) => [part, values[i] ?? []]);
}

function equality(left: Token[], right: Token[], binds: Conditioned): Equality[] {
  const column = tenantColumn(left);
  if (column === undefined) return [];
  const constant = tenantConstant(right);
  if (constant !== undefined) return [{ column: column.alias, other: { constant }, binds }];
  const other = tenantColumn(right);
  return other === undefined ? [] : [{ column: column.alias, other: { column: other.alias }, binds }];
}

/** `tenant_id` or `alias.tenant_id`. */
export function tenantColumn(tokens: Token[]): { alias: string | undefined } | undefined {
  if (tokens.length === 1 && isWord(tokens[0], 'tenant_id')) return { alias: undefined };
  const [alias, dot, name] = tokens;
  return tokens.length === 3 && alias?.kind === 'word' && isSymbol(dot, '.') && isWord(name, 'tenant_id')
    ? { alias: alias.text }
    : undefined;
}

/** A parameter or a literal, cast or not; undefined for anything that can differ from row to row. */
export function tenantConstant(tokens: Token[]): string | undefined {
  const [first, second] = tokens;
  if (first === undefined) return undefined;
  if (isWord(first, 'cast') && second?.kind === 'group' && tokens.length === 2)
    return tenantConstant(
      second.inside.slice(
        0,
        second.inside.findIndex(token => isWord(token, 'as')),
      ),
    );
  const isCast = tokens.length === 3 && isSymbol(second, '::');
  if (tokens.length > 1 && !isCast) return undefined;
  if (first.kind === 'group') return tenantConstant(first.inside);
  return first.kind === 'parameter' || first.kind === 'string' ? first.text : undefined;
}
