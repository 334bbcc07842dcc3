/** From the key a request carries to the principal it acts as. The only maker of principals. */
import type { Refusal } from '../canonical/refusal.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { keyHash, sameText } from '../platform/seal.ts';
import { type ApiKey, findApiKey } from '../tenants/api-keys.ts';
import { isOperatorKey } from '../tenants/operator-keys.ts';

declare const authenticated: unique symbol;

/** Whoever acts for a tenant. `numberId`: the only number the key may use, null for all of the tenant's. */
export interface Principal {
  readonly [authenticated]: true;
  tenantId: string;
  keyId: string;
  numberId: number | null;
}

export interface Authenticator {
  tenantKey(key: string): Promise<Principal | Refusal>;
  isOperator(key: string): Promise<boolean>;
  /** A key was revoked: forget what is kept. */
  forget(): void;
}

export interface AuthenticatorDeps {
  database: Database;
  log: Log;
  now(): number;
  operatorKey: string | null;
  /** In live mode the demo's published key opens nothing. */
  refusedTenantId: string | null;
}

/** A revoked key stops working at once in this process and after this long in others. */
const keptMs = 2_000;
const keptMax = 10_000;

export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const { database, log, now } = deps;
  const kept = new Map<string, { key: ApiKey | undefined; until: number }>();

  async function find(text: string): Promise<ApiKey | undefined> {
    const hash = keyHash(text);
    const entry = kept.get(hash);
    // Not further ahead than it can be: a clock that is set back must not keep a revoked key alive.
    if (entry !== undefined && entry.until > now() && entry.until <= now() + keptMs) return entry.key;
    const key = await findApiKey(database, text);
    if (kept.size >= keptMax) kept.clear();
    kept.set(hash, { key, until: now() + keptMs });
    return key;
  }

  return {
    async tenantKey(text) {
      let key: ApiKey | undefined;
      try {
        key = await find(text);
      } catch (error) {
        log.error({ err: error }, 'an API key could not be checked');
        return { code: 'credential_unchecked' };
      }
      if (key === undefined || key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= now())) {
        return { code: 'credential_invalid' };
      }
      if (key.tenantId === deps.refusedTenantId) return { code: 'credential_invalid' };
      if (typeof key.tenantId !== 'string' || key.tenantId === '') return { code: 'credential_corrupt' };
      return { tenantId: key.tenantId, keyId: key.id, numberId: key.numberId } as Principal;
    },
    async isOperator(text) {
      if (deps.operatorKey !== null && sameText(text, deps.operatorKey)) return true;
      return isOperatorKey(database, text);
    },
    forget: () => kept.clear(),
  };
}
