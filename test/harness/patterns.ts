/** Compares an answer with what a conformance case promises (conformance/README.md, "Patterns"). */
const patterns: Record<string, RegExp> = {
  '<wamid>': /^wamid\.(?!FAKE_)[A-Za-z0-9+/=_-]{20,}$/,
  '<fake wamid>': /^wamid\.FAKE_\d{19}$/,
  '<ulid>': /^[0-9A-HJKMNP-TV-Z]{26}$/,
  '<trace>': /^A[A-Za-z0-9_-]{10,}$/,
  '<digits>': /^\d+$/,
  '<text>': /^[\s\S]+$/,
  '<time>': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
};

/** The first difference as a sentence, or undefined. */
export function difference(actual: unknown, expected: unknown, path = ''): string | undefined {
  const at = path === '' ? 'the answer' : path;
  if (expected === '<any>') return undefined;
  if (typeof expected === 'string' && patterns[expected] !== undefined) {
    return typeof actual === 'string' && patterns[expected].test(actual)
      ? undefined
      : `${at} is ${JSON.stringify(actual)}, not a ${expected}`;
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return `${at} is ${JSON.stringify(actual)}, not a list`;
    if (actual.length !== expected.length)
      return `${at} has ${actual.length} elements, not ${expected.length}`;
    return firstOf(expected.map((one, i) => difference(actual[i], one, `${path}[${i}]`)));
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null || Array.isArray(actual))
      return `${at} is ${JSON.stringify(actual)}, not an object`;
    const { '<optional>': optional = {}, ...required } = expected as Record<string, unknown>;
    const found = actual as Record<string, unknown>;
    const options = optional as Record<string, unknown>;
    return firstOf([
      ...Object.entries(required).map(([key, value]) =>
        key in found ? difference(found[key], value, `${path}.${key}`) : `${path}.${key} is missing`,
      ),
      ...Object.entries(options).map(([key, value]) =>
        key in found ? difference(found[key], value, `${path}.${key}`) : undefined,
      ),
      ...Object.keys(found)
        .filter(key => !(key in required) && !(key in options))
        .map(key => `${path}.${key} is not promised: ${JSON.stringify(found[key])}`),
    ]);
  }
  return Object.is(actual, expected)
    ? undefined
    : `${at} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`;
}

const firstOf = (differences: (string | undefined)[]) => differences.find(one => one !== undefined);

/** Replaces every `{{NAME}}` in a JSON value. */
export function fill<T>(value: T, names: Record<string, string>): T {
  return JSON.parse(
    JSON.stringify(value).replace(/\{\{([A-Z_]+)\}\}/g, (_, name: string) => {
      if (names[name] === undefined) throw new Error(`no value for {{${name}}}`);
      return JSON.stringify(names[name]).slice(1, -1);
    }),
  ) as T;
}
