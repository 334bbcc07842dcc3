/** Which broadcasts a key sees, and what it may launch. */
import type { Broadcast } from '../broadcasts/broadcast.ts';
import type { BroadcastDraft } from '../broadcasts/table.ts';
import { findBroadcast } from '../broadcasts/table.ts';
import type { Content } from '../canonical/content.ts';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import { seesNumber } from '../http/select-number.ts';
import type { Database } from '../platform/database.ts';
import { mayNot } from '../tenants/key-powers.ts';
import type { SendingNumber } from '../tenants/number-book.ts';
import type { ApiDeps } from './api.ts';
import { templateOf } from './read-broadcast.ts';

export const broadcastNotFound = (id: string): Refusal => ({
  code: 'object_not_found',
  kind: 'broadcast',
  id,
});

export const cannot = (reason: string): Refusal => ({ code: 'conflict', reason });

/** A key that is bound to numbers sees the broadcasts of these only. */
export const sees = (principal: Principal, { numberIds }: Broadcast): boolean =>
  numberIds.every(id => seesNumber(principal, id));

export async function seenBroadcast(
  database: Database,
  principal: Principal,
  id: string,
): Promise<Broadcast | Refusal> {
  const broadcast = await findBroadcast(database, principal.tenantId, id);
  return broadcast !== undefined && sees(principal, broadcast) ? broadcast : broadcastNotFound(id);
}

/** Why this key may not launch it, or nobody may: powers, and a template that Meta would refuse for everyone. */
export async function mayLaunch(
  { templates }: Pick<ApiDeps, 'templates'>,
  { powers }: Principal,
  { content }: Pick<BroadcastDraft, 'content'>,
  numbers: SendingNumber[],
  ip: string,
): Promise<Refusal | undefined> {
  const template = templateOf(content);
  for (const number of numbers) {
    const deed = { what: 'send', ip, numberId: number.id, template: template?.name ?? null } as const;
    const forbidden = mayNot(powers, deed);
    if (forbidden !== undefined) return { code: 'power_missing', reason: forbidden };
    if (number.status === 'disconnected') return { code: 'number_disconnected', number: String(number.id) };
    if (template === null) continue;
    const need = { template: { by: 'name' as const, ...template }, complete: (): Content => content };
    const complete = await templates.complete(number, need);
    if (isRefusal(complete)) return complete;
  }
  return undefined;
}
