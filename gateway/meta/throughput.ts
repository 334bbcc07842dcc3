/** Messages per second by Meta's throughput level (cloud-api.md §6); 20 with coexistence cannot be seen there. */
export const perSecondOf: Readonly<Record<string, number>> = { STANDARD: 80, HIGH: 1000 };
export const perSecondUnknown = 80;
