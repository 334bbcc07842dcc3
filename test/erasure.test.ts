/** Erasing a person, from the outside: what the API told of it before and after, the receipt, and who may ask. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ulid } from 'ulid';
import { insertMessages } from '../gateway/messages/queue.ts';
import { openPostgres } from '../gateway/platform/postgres.ts';
import { openSqlite } from '../gateway/platform/sqlite.ts';
import { onEachEngine } from './harness/engines.ts';
import { newMessage } from './harness/new-message.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, until, waitForStatus } from './harness/tenant.ts';

interface Receipt {
  id: string;
  status: string;
  recipientHash: string;
  requestedBy: string;
  finishedAt: string | null;
  counts: Record<string, number>;
  digest: string | null;
  intact: boolean | null;
}

interface Message {
  id: string;
  status: string;
  to: unknown;
  content: { text?: { body: string } } | null;
  contentState: string;
  wamid: string | null;
  timeline: { status: string }[];
}

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let own: TestTenant;
  let other: TestTenant;

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'error' },
    });
    await must(
      call(`${gateway.simulatorUrl}/control/settings`, {
        method: 'PUT',
        body: { delays: { sent: 1, delivered: 2, read: 3 } },
      }),
    );
    own = await newTenant(gateway, gateway.simulatorUrl);
    other = await newTenant(gateway, gateway.simulatorUrl);
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  const api = <T = Record<string, unknown>>(path: string, key: string, method = 'GET', body?: unknown) =>
    call<T>(`${gateway.url}/api/v1${path}`, { method, key, ...(body === undefined ? {} : { body }) });
  const send = (tenant: TestTenant, to: string, more: object = {}) =>
    must<{ id: string }>(
      api('/messages', tenant.key, 'POST', { to, type: 'text', text: { body: 'secret' }, ...more }),
    );
  const get = (tenant: TestTenant, id: string) => must<Message>(api(`/messages/${id}`, tenant.key));
  const erase = (tenant: TestTenant, recipient: string) =>
    api<Receipt>('/erasures', tenant.key, 'POST', { recipient });
  const done = async (tenant: TestTenant, { id }: { id: string }): Promise<Receipt> => {
    let receipt: Receipt | undefined;
    await until(async () => {
      receipt = await must<Receipt>(api(`/erasures/${id}`, tenant.key));
      return receipt.status === 'done';
    });
    return receipt!;
  };
  const writes = (tenant: TestTenant, from: string, wamid: string) => {
    const body = JSON.stringify({
      object: 'whatsapp_business_account',
      entry: [
        {
          id: tenant.wabaId,
          changes: [
            {
              field: 'messages',
              value: {
                messaging_product: 'whatsapp',
                metadata: { display_phone_number: '1', phone_number_id: tenant.phoneNumberId },
                contacts: [{ profile: { name: 'Ada' }, wa_id: from }],
                messages: [
                  {
                    ...{ from, id: wamid, type: 'text', text: { body: 'hi' } },
                    timestamp: String(Math.floor(Date.now() / 1000)),
                  },
                ],
              },
            },
          ],
        },
      ],
    });
    const signature = createHmac('sha256', tenant.appSecret).update(body).digest('hex');
    return must(
      call(`${gateway.url}/webhooks/meta`, {
        method: 'POST',
        headers: { 'x-hub-signature-256': `sha256=${signature}` },
        body,
      }),
    );
  };
  const conversation = (tenant: TestTenant, phone: string) =>
    must<{ windows: unknown[]; incoming: unknown[] }>(api(`/conversations/${phone}`, tenant.key));

  const nothing = (phone: string) => ({ recipient: phone, windows: [], optOut: null, incoming: [] });

  test('a person is gone from one tenant, and the receipt says what was', async () => {
    const phone = '905321110001';
    const read: string[] = [];
    for (const tenant of [own, other]) {
      const { id } = await send(tenant, '+90 532 111 00 01', { callbackData: 'order 7' });
      await waitForStatus(gateway.url, tenant.key, id, 'read');
      read.push(id);
      await writes(tenant, phone, `wamid.${tenant.tenantId}`);
    }
    const later = await send(own, phone, { sendAt: new Date(Date.now() + 3_600_000).toISOString() });

    const answer = await erase(own, '+90 (532) 111-00-01');
    assert.ok([200, 202].includes(answer.status), answer.text);
    const receipt = await done(own, answer.body);
    assert.equal(answer.headers.get('location'), `/api/v1/erasures/${receipt.id}`);
    assert.deepEqual(receipt.counts, {
      ...{
        canceled: 1,
        messages: 2,
        tries: 0,
        incoming: 1,
        windows: 1,
        contacts: 0,
        keptChanges: 0,
        recipients: 0,
      },
    });
    assert.equal(receipt.intact, true);
    assert.match(receipt.recipientHash, /^[0-9a-f]{64}$/);
    assert.ok(!JSON.stringify(receipt).includes(phone));

    const gone = await api(`/messages/${read[0]}`, own.key);
    assert.ok(!gone.text.includes(phone) && !gone.text.includes('secret') && !gone.text.includes('order 7'));
    const message = await get(own, read[0]!);
    assert.deepEqual(
      [message.status, message.to, message.content, message.contentState, message.wamid],
      ['read', null, null, 'erased', null],
    );
    assert.equal(message.timeline.at(-1)?.status, 'read');
    assert.equal((await get(own, later.id)).status, 'canceled');
    assert.deepEqual((await must<{ data: unknown[] }>(api(`/messages?to=${phone}`, own.key))).data, []);
    assert.deepEqual(await conversation(own, phone), nothing(phone));

    // Meta repeats what it told before.
    await writes(own, phone, `wamid.${own.tenantId}`);
    assert.deepEqual(await conversation(own, phone), nothing(phone));

    const kept = await get(other, read[1]!);
    assert.deepEqual([kept.contentState, kept.content?.text?.body], ['kept', 'secret']);
    const talk = await conversation(other, phone);
    assert.deepEqual([talk.windows.length, talk.incoming.length], [1, 1]);
  });

  test('what comes after an erasure is new', async () => {
    const phone = '905321110002';
    const first = await done(own, (await erase(own, phone)).body);
    assert.equal(first.counts.messages, 0);
    await writes(own, phone, 'wamid.after');
    assert.equal((await conversation(own, phone)).incoming.length, 1);
    const { id } = await send(own, phone);
    await waitForStatus(gateway.url, own.key, id, 'read');
    assert.equal((await get(own, id)).contentState, 'kept');
  });

  test('receipts are found by the person, page by page, and only by who owns them', async () => {
    const phone = '905321110003';
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.unshift((await done(own, (await erase(own, phone)).body)).id);
    const page = (query: string, key = own.key) =>
      must<{ data: Receipt[]; next: string | null }>(api(`/erasures?recipient=${phone}&${query}`, key));
    const first = await page('limit=2');
    const second = await page(`limit=2&cursor=${first.next}`);
    assert.deepEqual(
      [...first.data, ...second.data].map(({ id }) => id),
      ids,
    );
    assert.equal(second.next, null);
    assert.deepEqual((await page('', other.key)).data, []);
    for (const key of [other.key, operatorKey, 'pk_00000000000000000000000000000000']) {
      const { status } = await api(`/erasures/${ids[0]}`, key);
      assert.equal(status, key === other.key ? 404 : 401);
    }
    // Another tenant's key erases in its own tenant only.
    const { id } = await send(own, phone);
    await waitForStatus(gateway.url, own.key, id, 'read');
    await done(other, (await erase(other, phone)).body);
    assert.equal((await get(own, id)).contentState, 'kept');
    assert.equal((await api('/erasures', operatorKey, 'POST', { recipient: phone })).status, 401);
  });

  test('the operator erases in a tenant it names; a key of one number may not', async () => {
    const phone = '905321110004';
    const { id } = await send(own, phone);
    await waitForStatus(gateway.url, own.key, id, 'read');
    const path = `/tenants/${own.tenantId}/erasures`;
    for (const key of [own.key, other.key])
      for (const [method, at] of [
        ['POST', path],
        ['GET', path],
        ['GET', `${path}/x`],
      ] as const) {
        const body = method === 'POST' ? { recipient: phone } : undefined;
        assert.equal((await api(at, key, method, body)).status, 401, `${method} ${at}`);
      }
    assert.equal((await get(own, id)).contentState, 'kept');
    const { body } = await api<Receipt>(path, operatorKey, 'POST', { recipient: phone });
    assert.equal((await done(own, body)).requestedBy, 'operator');
    assert.equal((await get(own, id)).contentState, 'erased');
    assert.equal((await api<Receipt>(`${path}/${body.id}`, operatorKey)).body.id, body.id);
    const foreign = `/tenants/${other.tenantId}/erasures`;
    assert.equal((await api(`${foreign}/${body.id}`, operatorKey)).status, 404);
    assert.equal((await api('/tenants/nobody/erasures', operatorKey)).status, 404);

    const bound = await must<{ key: string }>(
      api(`/tenants/${own.tenantId}/api-keys`, operatorKey, 'POST', { name: 'k', numberId: own.numberId }),
    );
    const refused = await api('/erasures', bound.key, 'POST', { recipient: phone });
    assert.equal(refused.status, 409);
    assert.match(refused.text, /bound to number/);
  });

  test('a recipient that cannot be one is told so', async () => {
    for (const [body, field] of [
      [{ recipient: 'Ada' }, 'recipient'],
      [{ recipient: '12' }, 'recipient'],
      [{}, 'recipient'],
      [{ recipient: '905321110001', all: true }, 'all'],
    ] as const) {
      const refused = await api<{ errors: { field: string }[] }>('/erasures', own.key, 'POST', body);
      assert.equal(refused.status, 400);
      assert.equal(refused.body.errors[0]?.field, field);
    }
    const query = await api<{ errors: { field: string }[] }>('/erasures?recipient=Ada', own.key);
    assert.deepEqual([query.status, query.body.errors[0]?.field], [400, 'recipient']);
  });

  test('wagate erase asks before it does, waits for the end, and shows the receipt', async () => {
    const { id } = await send(own, '905321110005');
    await waitForStatus(gateway.url, own.key, id, 'read');
    const unasked = await wagate(['erase', '905321110005']);
    assert.equal(unasked.code, 2);
    assert.match(unasked.stderr, /--yes/);
    assert.equal((await get(own, id)).contentState, 'kept');
    const erased = await wagate(['erase', '+90 532 111 00 05', '--yes']);
    assert.equal(erased.code, 0, erased.stderr);
    assert.match(erased.stdout, /status +done/);
    assert.match(erased.stdout, /messages +1/);
    const list = await wagate(['erasures', 'list', '--recipient', '905321110005']);
    assert.match(list.stdout, /done/);
    const shown = await wagate(['messages', 'show', id]);
    assert.match(shown.stdout, /erased/);
    const byOperator = await wagate(['erase', '905321110005', '--yes', '--json', '--tenant', own.tenantId], {
      WAGATE_OPERATOR_KEY: operatorKey,
    });
    assert.equal((JSON.parse(byOperator.stdout) as Receipt).requestedBy, 'operator');
    const receipt = await wagate(['erasures', 'show', (JSON.parse(byOperator.stdout) as Receipt).id]);
    assert.match(receipt.stdout, /intact +true/);
  });

  test('what is older than its setting is told as expired', async () => {
    const { id: young } = await send(own, '905321110006');
    await waitForStatus(gateway.url, own.key, young, 'read');
    await gateway.stop();
    const at = Date.now() - 100 * 86_400_000;
    const old = newMessage({
      ...{ tenantId: own.tenantId, id: ulid(at), numberId: own.numberId, status: 'accepted' },
      ...{ createdAt: at, dueAt: at, expiresAt: at, body: '{"type":"text","text":{"body":"secret"}}' },
    });
    const { WAGATE_DATA = '', DATABASE_URL = '' } = place.env;
    const database =
      engine === 'sqlite'
        ? openSqlite(join(WAGATE_DATA, 'wagate.db'))
        : openPostgres({ url: DATABASE_URL, connections: 1, onError: () => undefined });
    await database.transact(async tx => {
      await insertMessages(tx, own.tenantId, [{ message: old, claim: null }]);
      // The hour until the tenant's next look is over.
      await tx.all('update retention set due_at = 0 where tenant_id = $1', [own.tenantId]);
    });
    await database.close();
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'error' },
    });
    await until(async () => (await get(own, old.id)).contentState === 'expired');
    const { to, content, status } = await get(own, old.id);
    assert.deepEqual([to, content, status], ['905321234567', null, 'accepted']);
    assert.equal((await get(own, young)).contentState, 'kept');
    assert.match((await wagate(['messages', 'show', old.id])).stdout, /no longer kept: aged out/);
  });

  function wagate(args: string[], more: Record<string, string> = {}) {
    return new Promise<{ code: number; stdout: string; stderr: string }>(resolve => {
      const child = execFile(
        process.execPath,
        [join(import.meta.dirname, '..', 'wagate.js'), ...args],
        { env: { PATH: process.env.PATH, WAGATE_URL: gateway.url, WAGATE_KEY: own.key, ...more } },
        (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
      child.stdin?.end();
    });
  }
});
