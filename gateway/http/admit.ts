/** Who asks at a vendor's door that sends no single message, what is asked, and whether this key may ask it. */
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Dialect, WireRequest } from '../dialects/dialect.ts';
import { type Deed, mayNot } from '../tenants/key-powers.ts';
import type { Authenticator, Principal } from './authenticate.ts';

export async function admit<C extends { tenant?: string }>(
  authenticator: Pick<Authenticator, 'tenantKey'>,
  dialect: Dialect,
  wire: WireRequest,
  read: (wire: WireRequest) => C | Refusal,
  deedOf: (command: C) => Deed['what'],
): Promise<{ principal: Principal; command: C } | Refusal> {
  const credential = dialect.credential(wire);
  if (typeof credential !== 'string') return credential;
  const principal = await authenticator.tenantKey(credential);
  if (isRefusal(principal)) return principal;
  const command = read(wire);
  if (isRefusal(command)) return command;
  const forbidden = mayNot(principal.powers, { what: deedOf(command), ip: wire.ip });
  if (forbidden !== undefined) return { code: 'power_missing', reason: forbidden };
  if (command.tenant !== undefined && command.tenant !== principal.tenantId)
    return { code: 'tenant_forbidden', tenant: command.tenant };
  return { principal, command };
}
