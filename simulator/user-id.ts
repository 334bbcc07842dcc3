/** Country by calling code, for the business-scoped ids we give out; anything else is ZZ. */
const countries: [prefix: string, country: string][] = [
  ['1', 'US'],
  ['7', 'RU'],
  ['20', 'EG'],
  ['27', 'ZA'],
  ['31', 'NL'],
  ['33', 'FR'],
  ['34', 'ES'],
  ['39', 'IT'],
  ['44', 'GB'],
  ['48', 'PL'],
  ['49', 'DE'],
  ['52', 'MX'],
  ['54', 'AR'],
  ['55', 'BR'],
  ['62', 'ID'],
  ['90', 'TR'],
  ['91', 'IN'],
  ['966', 'SA'],
  ['971', 'AE'],
];

/** One phone has one id with one account (Meta: with one portfolio), and no table is needed to find it again. */
export function userIdOf(digits: string, wabaId: string): string {
  const country = countries.find(([prefix]) => digits.startsWith(prefix))?.[1] ?? 'ZZ';
  const scope = (Number(wabaId.slice(-4)) % 1296).toString(36).padStart(2, '0');
  // A leading 1 keeps zeros; sixteen digits are still an exact number.
  return `${country}.${Number(`1${digits}`).toString(36)}${scope}`.toUpperCase();
}
