/** From the key a request carries to the principal it acts as. The only maker of principals. */
import type { Refusal } from '../canonical/refusal.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { keyHash, sameText } from '../platform/seal.ts';
import { type FoundKey, findApiKey } from '../tenants/api-keys.ts';
import type { KeyPowers } from '../tenants/key-powers.ts';
import { isOperatorKey } from '../tenants/operator-keys.ts';
import { nearest, type SetLimits } from './key-limits.ts';

declare const authenticated: unique symbol;

/** Whoever acts for a tenant. */
export interface Principal {
  readonly [authenticated]: true;
  tenantId: string;
  keyId: string;
  /** The only numbers the key may use and see, null for all of the tenant's. */
  numberIds: readonly number[] | null;
  /** What key, tenant and installation set; limitsFor (key-limits.ts) adds the dialect's. */
  limits: SetLimits;
  /** The tenant pays from its wallet. */
  prepaid: boolean;
  powers: KeyPowers;
}

export interface Authenticator {
  tenantKey(key: string): Promise<Principal | Refusal>;
  isOperator(key: string): Promise<boolean>;
  /** The last four characters of the operator key that is not in the table: the setting's, or the demo's. */
  operatorHint: string | null;
  /** A key was revoked, or it or its tenant was changed: forget what is kept. */
  forget(): void;
}

export interface AuthenticatorDeps {
  database: Database;
  log: Log;
  now(): number;
  operatorKey: string | null;
  /** In live mode the demo's published key opens nothing. */
  refusedTenantId: string | null;
  /** By setting. */
  keyLimits: SetLimits;
}

/** What is changed counts at once in this process and after this long in others. */
const keptMs = 2_000;
const keptMax = 10_000;

/** What a secret opens, and until when. */
interface Opening {
  principal: Principal | Refusal;
  endsAt: number;
}

export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const { database, log, now } = deps;
  const kept = new Map<string, { opening: Opening; until: number }>();

  async function find(text: string): Promise<Opening> {
    const hash = keyHash(text);
    const entry = kept.get(hash);
    // Not further ahead than it can be: a clock that is set back must not keep a revoked key alive.
    if (entry !== undefined && entry.until > now() && entry.until <= now() + keptMs) return entry.opening;
    const opening = openingOf(await findApiKey(database, text), deps);
    if (kept.size >= keptMax) kept.clear();
    kept.set(hash, { opening, until: now() + keptMs });
    return opening;
  }

  return {
    async tenantKey(text) {
      let opening: Opening;
      try {
        opening = await find(text);
      } catch (error) {
        log.error({ err: error }, 'an API key could not be checked');
        return { code: 'credential_unchecked' };
      }
      return opening.endsAt <= now() ? { code: 'credential_invalid' } : opening.principal;
    },
    async isOperator(text) {
      if (deps.operatorKey !== null && sameText(text, deps.operatorKey)) return true;
      return isOperatorKey(database, text);
    },
    operatorHint: deps.operatorKey?.slice(-4) ?? null,
    forget: () => kept.clear(),
  };
}

type Refusing = Pick<AuthenticatorDeps, 'refusedTenantId' | 'keyLimits'>;

function openingOf(found: FoundKey | undefined, { refusedTenantId, keyLimits }: Refusing): Opening {
  const refused = (code: 'credential_invalid' | 'credential_corrupt'): Opening => ({
    principal: { code },
    endsAt: Number.POSITIVE_INFINITY,
  });
  if (found === undefined) return refused('credential_invalid');
  const { key, tenant, isFormer } = found;
  if (key.revokedAt !== null || key.tenantId === refusedTenantId) return refused('credential_invalid');
  const ends = [key.expiresAt, isFormer ? (key.former?.until ?? 0) : null];
  const endsAt = Math.min(...ends.map(end => end ?? Number.POSITIVE_INFINITY));
  if (typeof key.tenantId !== 'string' || key.tenantId === '' || tenant === null || key.powers === undefined)
    return { ...refused('credential_corrupt'), endsAt };
  const principal = {
    tenantId: key.tenantId,
    keyId: key.id,
    numberIds: numbersOf(key.numberId, key.powers),
    limits: nearest(key, tenant, keyLimits),
    prepaid: tenant.billing === 'prepaid',
    powers: key.powers,
  } as Principal;
  return { principal, endsAt };
}

/** A key that is bound to one number and restricted to others may use none. */
function numbersOf(bound: number | null, { numbers }: KeyPowers): number[] | null {
  if (bound === null) return numbers ?? null;
  return numbers === undefined || numbers.includes(bound) ? [bound] : [];
}
