/**
 * The several ways in which one mobile phone is written. Meta's `wa_id` keeps the old form in three countries while people dial the new
 * one, so a person who writes under one would not be known under the other. No other phone has either form.
 */
const twins: [pattern: RegExp, other: (...parts: string[]) => string][] = [
  // Brazil: the ninth digit that mobile numbers got between 2012 and 2016.
  [/^55(\d\d)9([6-9]\d{7})$/, (area, local) => `55${area}${local}`],
  [/^55(\d\d)([6-9]\d{7})$/, (area, local) => `55${area}9${local}`],
  // Mexico: the 1 after the country code that calls from abroad needed until 2019.
  [/^521(\d{10})$/, national => `52${national}`],
  [/^52(\d{10})$/, national => `521${national}`],
  // Argentina: the 9 that calls from abroad to mobile phones need.
  [/^549(\d{10})$/, national => `54${national}`],
  [/^54(\d{10})$/, national => `549${national}`],
];

/** The name itself and, where it is a phone number that is written in another way too, that one. */
export function phoneNames(name: string): string[] {
  for (const [pattern, other] of twins) {
    const match = pattern.exec(name);
    if (match !== null) return [name, other(...match.slice(1))];
  }
  return [name];
}
