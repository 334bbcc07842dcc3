/** Rate limits of keys as the native API takes and tells them. */
import { Type } from 'typebox';
import { nullable } from './schemas.ts';

/** Of both: a minute of the fastest second there is. */
const most = 60_000_000;

/** As it is told: null where nothing is set. */
export const toldLimit = (window: 'second' | 'minute', whose: string, otherwise: string) =>
  nullable(Type.Integer({ description: `Requests per ${window} of ${whose}; null: ${otherwise}.` }));

/** As it is given for something new. */
export const newLimit = Type.Integer({ minimum: 1, maximum: most });

/** A change needs a word for "none of its own": null is what generated clients write for what they leave out. */
export const changedLimit = (otherwise: string) =>
  Type.Unsafe<number | 'inherit'>({
    type: ['integer', 'string'],
    minimum: 1,
    maximum: most,
    pattern: '^inherit$',
    'x-rule': 'must be a whole number or "inherit"',
    description: `A whole number, or "inherit": ${otherwise}.`,
  });

type Limit = number | 'inherit';

/** For the table: what was given, with "inherit" as null. */
export function limitChange({
  perSecond,
  perMinute,
}: {
  perSecond: Limit | undefined;
  perMinute: Limit | undefined;
}): { perSecond?: number | null; perMinute?: number | null } {
  const stored = (limit: Limit) => (limit === 'inherit' ? null : limit);
  return {
    ...(perSecond === undefined ? {} : { perSecond: stored(perSecond) }),
    ...(perMinute === undefined ? {} : { perMinute: stored(perMinute) }),
  };
}
