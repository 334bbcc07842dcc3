/**
 * Makes the demo on the first start and refreshes it on every other: the tenant, key and contacts directly, the number as a user
 * would add one (asked for at Meta, here the simulator), the windows by letting phones write.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { type ConnectDeps, connectNumber } from '../api/connect-number.ts';
import { isRefusal } from '../canonical/refusal.ts';
import { metaWebhookPath } from '../http/meta-webhook.ts';
import { listWindows } from '../inbound/windows.ts';
import { insertApiKey } from '../tenants/api-keys.ts';
import { findNumber, setListeningSince } from '../tenants/numbers.ts';
import { saveContacts } from '../tenants/save-contacts.ts';
import { insertTag } from '../tenants/tags.ts';
import { findTenant, insertTenant } from '../tenants/tenants.ts';
import { demo } from './demo.ts';

export interface SeedDeps extends ConnectDeps {
  /** Of the gateway, already listening. */
  url: string;
  simulatorUrl: string;
}

/** A window is open for 24 hours; the demo may run for longer. */
const writeEveryMs = 12 * 3_600_000;
/** How long a start waits for the webhooks of that. */
const writingMs = 5_000;

/** Resolves when every window is open, so that the first message of the README is not refused; with what ends it. */
export async function seedDemo(deps: SeedDeps): Promise<() => void> {
  const { database, now, simulatorUrl, url } = deps;
  if ((await findTenant(database, demo.tenantId)) === undefined) {
    await database.transact(async tx => {
      await insertTenant(tx, {
        ...{ id: demo.tenantId, name: demo.tenantName },
        ...{ createdAt: now(), billing: 'off' },
      });
      await insertApiKey(tx, demo.key, {
        tenantId: demo.tenantId,
        name: 'demo',
        numberId: null,
        expiresAt: null,
        createdAt: now(),
      });
      for (const { id, name, phones } of demo.tags) {
        await insertTag(tx, demo.tenantId, { id, name, createdAt: now() });
        const contacts = phones.map(phone => ({
          phone,
          original: `+${phone}`,
          name: `+${phone}`,
          tags: [id],
        }));
        await saveContacts(tx, demo.tenantId, contacts, { onDuplicate: 'update', now: now() });
      }
    });
  }
  if ((await findNumber(database, demo.tenantId, demo.numberId)) === undefined) {
    const connected = await connectNumber(deps, {
      id: demo.numberId,
      tenantId: demo.tenantId,
      phoneNumberId: demo.phoneNumberId,
      wabaId: demo.wabaId,
      accessToken: demo.accessToken,
      appSecret: demo.appSecret,
      verifyToken: demo.verifyToken,
    });
    if (isRefusal(connected))
      throw new Error(`the demo number could not be connected: ${JSON.stringify(connected)}`);
  }
  // Nobody wrote to it before the phones below do.
  await database.transact(tx => setListeningSince(tx, demo.tenantId, [demo.numberId], 0));
  deps.numbers.forget();
  await tellSimulator(`${simulatorUrl}/${demo.wabaId}/subscribed_apps`, {
    override_callback_uri: `${url}${metaWebhookPath}`,
    verify_token: demo.verifyToken,
  });
  await letPhonesWrite(deps);
  const timer = setInterval(() => {
    letPhonesWrite(deps).catch(error =>
      deps.log.error({ err: error }, 'the phones of the demo cannot write'),
    );
  }, writeEveryMs);
  return () => clearInterval(timer);
}

/** Resolves when their webhooks are committed; a demo that cannot have them still starts. */
async function letPhonesWrite({ simulatorUrl, database, now, log }: SeedDeps): Promise<void> {
  const since = Math.floor(now() / 1_000) * 1_000;
  const userIds: Record<string, string> = { 16505551234: demo.userId };
  for (const phone of demo.writers) {
    await tellSimulator(`${simulatorUrl}/control/phones/${phone}/messages`, {
      phone_number_id: demo.phoneNumberId,
      type: 'text',
      text: { body: 'Hello!' },
      profile_name: 'Demo customer',
      ...(userIds[phone] === undefined ? {} : { user_id: userIds[phone] }),
    });
  }
  const until = now() + writingMs;
  for (const phone of demo.writers) {
    while (!(await listWindows(database, demo.tenantId, phone)).some(({ openedAt }) => openedAt >= since)) {
      if (now() > until) {
        log.warn({ phone }, 'the phones of the demo wrote, and no webhook came of it');
        return;
      }
      await sleep(5);
    }
  }
}

async function tellSimulator(url: string, body: object): Promise<void> {
  const response = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${demo.accessToken}` },
    body: JSON.stringify(body),
  });
  const text = await response.body.text();
  if (response.statusCode !== 200) throw new Error(`the simulator refused ${url}: ${text}`);
}
