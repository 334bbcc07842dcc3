/** Micros as people read money: 7800 is 0.0078. Without a currency, because an installation has only one. */
export function amountText(micros: number): string {
  return (micros / 1_000_000).toFixed(6).replace(/0{1,4}$/, '');
}
