/** A control request that makes no sense: answered with one sentence. */
export function refuse(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}

export function countFrom(value: string | undefined, name: string, fallback: number, most: number): number {
  if (value === undefined) return fallback;
  const count = Number(value);
  if (!Number.isInteger(count) || count < 0) throw refuse(400, `${name} must be a whole number`);
  return Math.min(count, most);
}
