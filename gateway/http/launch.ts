/**
 * A call to more people than are sent to at once becomes a broadcast: it is answered as soon as that is kept, with how many it goes to,
 * and its audience is written down behind the answer.
 */
import type { BroadcastOptions } from '../broadcasts/broadcast.ts';
import type { Feeder } from '../broadcasts/feeder.ts';
import { addRecipients } from '../broadcasts/freeze.ts';
import { launchBroadcast } from '../broadcasts/states.ts';
import { findBroadcast, insertBroadcast, lockBroadcast } from '../broadcasts/table.ts';
import type { Content, Recipient } from '../canonical/content.ts';
import { newId } from '../canonical/ids.ts';
import type { DialectName, Launched, SendCommand } from '../dialects/dialect.ts';
import { judgeLaunch, type LaunchVerdict } from '../messages/policy/judge-launch.ts';
import type { Database, Sql } from '../platform/database.ts';
import { contactsByPhone } from '../tenants/contacts.ts';
import type { SendingNumber } from '../tenants/number-book.ts';
import { countOfTags, withTags } from '../tenants/tags.ts';
import type { Principal } from './authenticate.ts';
import { limitsFor } from './key-limits.ts';

export interface LaunchDeps {
  database: Database;
  feeder: Pick<Feeder, 'wake'>;
}

export interface Launching {
  dialect: DialectName;
  principal: Principal;
  command: SendCommand;
  number: SendingNumber;
  content: Content;
  idempotency: { key: string; fingerprint: string } | null;
  at: number;
}

/** Phones looked up at once. */
const lookedUp = 1_000;

export async function launch(
  { database, feeder }: LaunchDeps,
  { dialect, principal, command, number, content, idempotency, at }: Launching,
): Promise<{ verdict: LaunchVerdict; outcome: Launched }> {
  const { tenantId, keyId } = principal;
  const told = await countRecipients(database, tenantId, command);
  const broadcastId = newId();
  const key = { tenantId, broadcastId };
  const options: BroadcastOptions = {
    ...{ perSecond: null, ttlMs: command.ttlMs, timeZone: 'UTC', localStart: null, quietHours: null, told },
    callbackData: command.callbackData,
  };
  const verdict = await database.transact(async tx => {
    const limits = limitsFor(principal, dialect);
    const judged = await judgeLaunch(tx, tenantId, broadcastId, { id: keyId, limits }, idempotency, at);
    if (judged.kind !== 'launched') return judged;
    await insertBroadcast(tx, {
      ...{ tenantId, id: broadcastId, keyId, dialect, content, endpoint: command.endpoint, options },
      ...{ name: command.campaign ?? nameOf(command), numberIds: [number.id], startAt: command.sendAt },
      audience: { tags: command.tags, filter: null, exclude: { phones: [], tags: [] } },
      createdAt: at,
    });
    const named = command.recipients.flatMap(digitsOf).map(phone => ({ phone, variables: {} }));
    await addRecipients(tx, (await lockBroadcast(tx, tenantId, broadcastId))!, named, at);
    await launchBroadcast(tx, key, keyId, null, at);
    return judged;
  });
  if (verdict.kind === 'launched') feeder.wake(key);
  return { verdict, outcome: { kind: 'launched', broadcastId, recipients: told } };
}

/** As people find it in a list of broadcasts. */
const nameOf = ({ tags, recipients }: SendCommand) =>
  tags.length > 0 ? `to tag ${tags.slice(0, 10).join(', ')}` : `to ${recipients.length} numbers`;

const digitsOf = (recipient: Recipient): string[] => (recipient.kind === 'phone' ? [recipient.digits] : []);

/** People of the tags, and those who are named and carry none of them. */
export async function countRecipients(
  sql: Sql,
  tenantId: string,
  { tags, recipients }: SendCommand,
): Promise<number> {
  const phones = [...new Set(recipients.flatMap(digitsOf))];
  let count = phones.length + (await countOfTags(sql, tenantId, tags));
  for (let n = 0; n < phones.length; n += lookedUp) {
    const contacts = await contactsByPhone(sql, tenantId, phones.slice(n, n + lookedUp));
    const ids = [...contacts.values()].map(({ id }) => id);
    count -= (await withTags(sql, tenantId, tags, ids)).size;
  }
  return count;
}

/** What the first call under an Idempotency-Key was told, if it became this broadcast. */
export async function launchedBefore(sql: Sql, tenantId: string, id: string): Promise<Launched | undefined> {
  const broadcast = await findBroadcast(sql, tenantId, id);
  return (
    broadcast && {
      kind: 'launched',
      broadcastId: id,
      recipients: broadcast.options.told ?? broadcast.recipients,
    }
  );
}
