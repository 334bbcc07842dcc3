/** How much a key may ask for at the doors of one dialect: what its key, its tenant or the installation sets, else what the vendor documents. */
import type { KeyLimits } from '../canonical/key-limit.ts';
import type { DialectName } from '../dialects/dialect.ts';
import type { Principal } from './authenticate.ts';

/** As set; null: nobody has. */
export interface SetLimits {
  perSecond: number | null;
  perMinute: number | null;
}

const usual: KeyLimits = { perSecond: 80, perMinute: 4_800 };

/** Connexease documents 80/s and 4,800/min; Connectly 200/s and nothing for a minute (vendor-apis.md §2.8), so its minute is sixty of them. */
const byDialect: Record<DialectName, KeyLimits> = {
  cloud: usual,
  connexease: usual,
  autokonnect: usual,
  native: usual,
  connectly: { perSecond: 200, perMinute: 12_000 },
};

export function limitsFor({ limits }: Pick<Principal, 'limits'>, dialect: DialectName): KeyLimits {
  return {
    perSecond: limits.perSecond ?? byDialect[dialect].perSecond,
    perMinute: limits.perMinute ?? byDialect[dialect].perMinute,
  };
}

/** The first that sets a limit, the nearest first: key, tenant, installation. */
export function nearest(...levels: SetLimits[]): SetLimits {
  const find = (name: keyof SetLimits) => levels.find(level => level[name] !== null)?.[name] ?? null;
  return { perSecond: find('perSecond'), perMinute: find('perMinute') };
}
