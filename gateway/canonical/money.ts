/** Amounts are whole micros of the installation's one currency; people write and read them as decimals. */

/** Exact as a double, and more than any wallet holds. */
export const microsMax = 9_000_000_000_000_000;

/** `25`, `-5.00`, `0.000001` → micros; undefined for anything else. */
export function readAmount(text: string): number | undefined {
  const parts = /^(-?)(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text.trim());
  if (parts === null) return undefined;
  const micros = Number(parts[2]) * 1_000_000 + Number((parts[3] ?? '').padEnd(6, '0'));
  return parts[1] === '-' ? 0 - micros : micros;
}

/** 25000000 → `25.00`, 1000 → `0.001`: two places at least, as many more as there are. */
export function tellAmount(micros: number): string {
  const [whole, rest] = [Math.floor(Math.abs(micros) / 1_000_000), Math.abs(micros) % 1_000_000];
  const places = String(rest)
    .padStart(6, '0')
    .replace(/0{1,4}$/, '');
  return `${micros < 0 ? '-' : ''}${whole}.${places}`;
}
