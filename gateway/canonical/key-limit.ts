/** How much an API key may ask for, and how it stands. */
export interface KeyLimits {
  perSecond: number;
  perMinute: number;
}

/** What is left of the sliding windows of the last second and the last minute, for the headers of an answer. */
export interface LimitState extends KeyLimits {
  remainingSecond: number;
  remainingMinute: number;
}
