/** SQL text as a tree: words, strings, parameters and symbols, with what stands in parentheses as one group. */
export type Token =
  /** Keywords and names, in lower case; a quoted name keeps its case. */
  | { kind: 'word'; text: string }
  | { kind: 'string'; text: string }
  | { kind: 'number'; text: string }
  /** `$1`, and SQLite's `?1`, both as `$1`. */
  | { kind: 'parameter'; text: string }
  | { kind: 'symbol'; text: string }
  | { kind: 'group'; inside: Token[] };

const pattern =
  /\s+|--[^\n]*|\/\*[\s\S]*?\*\/|(?<string>[eE]?'(?:[^']|'')*')|"(?<quoted>(?:[^"]|"")+)"|(?<parameter>[$?]\d+)|(?<number>\d+(?:\.\d+)?)|(?<word>[a-zA-Z_][\w$]*)|(?<symbol>->>|->|::|<>|<=|>=|!=|\|\||@>|<@|.)/gsu;

/** The statements of a text, each as a tree. Throws when parentheses do not match. */
export function parseStatements(text: string): Token[][] {
  const statements: Token[][] = [[]];
  const open: Token[][] = [statements[0]!];
  for (const { groups, index } of text.matchAll(pattern)) {
    const token = toToken(groups ?? {});
    if (token === undefined) continue;
    const symbol = token.kind === 'symbol' ? token.text : '';
    if (symbol === '(') {
      const group: Token = { kind: 'group', inside: [] };
      open.at(-1)!.push(group);
      open.push(group.inside);
    } else if (symbol === ')') {
      open.pop();
      if (open.length === 0) throw new Error(`a parenthesis too many at ${index}: ${text}`);
    } else if (symbol === ';' && open.length === 1) {
      const next: Token[] = [];
      statements.push(next);
      open[0] = next;
    } else open.at(-1)!.push(token);
  }
  if (open.length > 1) throw new Error(`a parenthesis is not closed: ${text}`);
  return statements.filter(statement => statement.length > 0);
}

function toToken(groups: Record<string, string | undefined>): Token | undefined {
  if (groups.string !== undefined) return { kind: 'string', text: groups.string };
  if (groups.quoted !== undefined) return { kind: 'word', text: groups.quoted };
  if (groups.parameter !== undefined) return { kind: 'parameter', text: `$${groups.parameter.slice(1)}` };
  if (groups.number !== undefined) return { kind: 'number', text: groups.number };
  if (groups.word !== undefined) return { kind: 'word', text: groups.word.toLowerCase() };
  if (groups.symbol !== undefined) return { kind: 'symbol', text: groups.symbol };
  return undefined;
}

export const isWord = (token: Token | undefined, ...words: string[]): boolean =>
  token?.kind === 'word' && words.includes(token.text);

export const isSymbol = (token: Token | undefined, ...symbols: string[]): boolean =>
  token?.kind === 'symbol' && symbols.includes(token.text);

/** The parts between those tokens, without them. */
export function splitAt(tokens: Token[], isSeparator: (token: Token) => boolean): Token[][] {
  const parts: Token[][] = [[]];
  for (const token of tokens) {
    if (isSeparator(token)) parts.push([]);
    else parts.at(-1)!.push(token);
  }
  return parts;
}
