/** Headers of one POST: what the format says, then what the customer gave, then what proves that it is us. */

/** Later ones replace earlier ones of the same name, in whatever case it is written. */
export function mergeHeaders(...sets: Record<string, string>[]): Record<string, string> {
  const byName = new Map<string, [string, string]>();
  for (const set of sets) {
    for (const [name, value] of Object.entries(set)) byName.set(name.toLowerCase(), [name, value]);
  }
  return Object.fromEntries(byName.values());
}
