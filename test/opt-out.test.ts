/** Opt-outs from the outside: what people write, tell WhatsApp or have the tenant note, and the marketing that is refused for it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, waitForStatus } from './harness/tenant.ts';

interface OptOut {
  recipient: string;
  at: string;
  source: string;
}

const root = join(import.meta.dirname, '..');
const seconds = () => Math.floor(Date.now() / 1000);

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let own: TestTenant;
  let other: TestTenant;
  let wamids = 0;

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
    const templates = ['MARKETING', 'UTILITY'].map(category => ({
      ...{ name: category.toLowerCase(), language: 'en', category, status: 'APPROVED' },
      components: [{ type: 'BODY', text: 'Hello' }],
    }));
    own = await newTenant(gateway, gateway.simulatorUrl, { templates });
    other = await newTenant(gateway, gateway.simulatorUrl, { templates });
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  const api = <T = Record<string, unknown>>(path: string, key = own.key, method = 'GET', body?: unknown) =>
    call<T>(`${gateway.url}/api/v1${path}`, { method, key, ...(body === undefined ? {} : { body }) });
  const post = (field: string, value: object, tenant = own) => {
    const body = JSON.stringify({
      object: 'whatsapp_business_account',
      entry: [
        {
          id: tenant.wabaId,
          time: seconds(),
          changes: [
            {
              field,
              value: {
                messaging_product: 'whatsapp',
                metadata: { display_phone_number: '1', phone_number_id: tenant.phoneNumberId },
                ...value,
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
  /** A text of a person, `ago` seconds ago; a replay when it has a wamid of before. */
  const writes = (from: string, body: string, ago = 0, more: object = {}) =>
    post('messages', {
      messages: [
        {
          ...{
            from,
            id: `wamid.${++wamids}`,
            timestamp: String(seconds() - ago),
            type: 'text',
            text: { body },
          },
          ...more,
        },
      ],
    });
  const optOut = async (recipient: string, key = own.key): Promise<OptOut | null> => {
    const { status, body } = await api<OptOut>(`/opt-outs/${encodeURIComponent(recipient)}`, key);
    assert.ok(status === 200 || status === 404, String(status));
    return status === 200 ? body : null;
  };
  const send = (to: unknown, name: string, key = own.key) =>
    api<{ id: string; code: string }>('/messages', key, 'POST', {
      ...{ to, type: 'template', template: { name, language: { code: 'en' } } },
    });

  test('STOP ends marketing and nothing else, START takes it up again', async () => {
    const phone = '905321000001';
    assert.equal((await send(phone, 'marketing')).status, 200);
    await writes(phone, 'İptal!', 10);
    const found = await optOut('+90 532 100 00 01');
    assert.deepEqual([found?.recipient, found?.source], [phone, 'message']);
    const refused = await send(phone, 'marketing');
    assert.deepEqual([refused.status, refused.body.code], [422, 'recipient_opted_out'], refused.text);
    assert.equal((await send(phone, 'utility')).status, 200);
    assert.equal((await send('905321000002', 'marketing')).status, 200);
    assert.equal((await send(phone, 'marketing', other.key)).status, 200);
    const { body } = await api<{ optOut: OptOut | null }>(`/conversations/${phone}`);
    assert.deepEqual(body.optOut, found);

    await writes(phone, 'basla');
    assert.equal(await optOut(phone), null);
    assert.equal((await send(phone, 'marketing')).status, 200);
    assert.equal((await api<{ optOut: unknown }>(`/conversations/${phone}`)).body.optOut, null);
  });

  test('Connectly tells it in its own words', async () => {
    const phone = '905321000003';
    await writes(phone, 'STOP');
    const { status, text } = await call(
      `${gateway.url}/v1/businesses/${own.tenantId}/send/whatsapp_templated_messages`,
      {
        headers: { 'x-api-key': own.key },
        body: { number: `+${phone}`, templateName: 'marketing', language: 'en', parameters: [] },
      },
    );
    assert.equal(status, 400, text);
    assert.match(text, /MESSAGE_CUSTOMER_OPTED_OUT/);
  });

  test('a replay and a late word change nothing', async () => {
    const phone = '905321000004';
    await writes(phone, 'stop', 60, { id: 'wamid.stop-4' });
    await writes(phone, 'start', 30);
    await writes(phone, 'stop', 60, { id: 'wamid.stop-4' });
    assert.equal(await optOut(phone), null);
    await writes(phone, 'stop', 45);
    assert.equal(await optOut(phone), null);
    await writes(phone, 'stop', 10);
    assert.notEqual(await optOut(phone), null);
  });

  test('a message that only holds the word, one to a group and one of the system ask for nothing', async () => {
    const phone = '905321000005';
    await writes(phone, 'please stop');
    await writes(phone, 'STOP', 0, { group_id: 'Y2FwaV9ncm91cDox' });
    assert.equal(await optOut(phone), null);
    const { body } = await api<{ windows: unknown[]; incoming: unknown[] }>(`/conversations/${phone}`);
    assert.deepEqual([body.windows.length, body.incoming.length], [1, 2]);
    await writes(phone, '', 0, { type: 'button', button: { text: 'Stop promotions', payload: 'x' } });
    assert.notEqual(await optOut(phone), null);
  });

  test('a person is marked under every name, and what WhatsApp was told counts too', async () => {
    const [phone, userId] = ['905321000006', 'TR.1349120865530274'];
    const preference = (value: string, ago: number) =>
      post('user_preferences', {
        user_preferences: [
          {
            ...{
              wa_id: phone,
              user_id: userId,
              detail: 'as the person wished',
              category: 'marketing_messages',
            },
            ...{ value, timestamp: seconds() - ago },
          },
        ],
      });
    await preference('stop', 100);
    for (const name of [phone, userId]) assert.equal((await optOut(name))?.source, 'meta', name);
    assert.equal((await send({ user: userId }, 'marketing')).body.code, 'recipient_opted_out');
    await preference('resume', 50);
    await preference('stop', 100);
    for (const name of [phone, userId]) assert.equal(await optOut(name), null, name);
    await writes(phone, 'STOP', 0, { from_user_id: userId });
    assert.equal((await optOut(userId))?.source, 'message');
    assert.equal((await api(`/opt-outs/${phone}`, own.key, 'DELETE')).status, 200);
    for (const name of [phone, userId]) assert.equal(await optOut(name), null, name);
  });

  test('a wish goes with the person to its new number and its new user id', async () => {
    const [before, now, userId] = ['905321000051', '905321000052', 'TR.51'];
    const changed = (from: string, system: object) =>
      writes(from, '', 0, { type: 'system', text: undefined, system: { body: 'changed', ...system } });
    await writes(before, 'STOP', 60);
    const asked = await optOut(before);
    await changed(before, { type: 'user_changed_number', wa_id: now });
    assert.deepEqual(await optOut(now), { ...asked, recipient: now });
    assert.equal((await send(now, 'marketing')).body.code, 'recipient_opted_out');
    // Whoever gets the old number has asked for nothing.
    assert.equal((await send(before, 'marketing')).body.code, 'recipient_opted_out');

    await changed(now, { type: 'user_changed_user_id', user_id: userId });
    assert.equal((await optOut(userId))?.at, asked?.at);
    await post('user_id_update', {
      user_id_update: [
        { detail: 'changed', user_id: { previous: userId, current: 'TR.52' }, timestamp: seconds() },
      ],
    });
    assert.equal((await optOut('TR.52'))?.at, asked?.at);

    // What the person says under the new name counts there; the news of the change, come again, takes nothing of it back.
    await writes(now, 'START', 30);
    assert.equal(await optOut(now), null);
    await changed(before, { type: 'user_changed_number', wa_id: now });
    assert.equal(await optOut(now), null);
    await changed('905321000053', { type: 'user_changed_number', wa_id: '905321000054' });
    assert.equal(await optOut('905321000054'), null);
    await changed('905321000053', { type: 'customer_identity_changed' });
  });

  test('the wish of an erased person goes with it, and does not name it', async () => {
    const [before, now] = ['905321000055', '905321000056'];
    await writes(before, 'STOP', 5);
    const { body } = await api<{ id: string }>('/erasures', own.key, 'POST', { recipient: before });
    for (;;) {
      const { body: receipt } = await api<{ status: string }>(`/erasures/${body.id}`);
      if (receipt.status === 'done') break;
    }
    const system = { type: 'user_changed_number', body: 'changed', wa_id: now };
    await writes(before, '', 0, { type: 'system', text: undefined, system });
    assert.equal((await send(now, 'marketing')).body.code, 'recipient_opted_out');
    assert.ok(!(await api('/opt-outs')).text.includes(now));
  });

  test('a send that Meta fails because the person stopped marketing marks it, and is told in our words', async () => {
    const phone = '905321000007';
    await must(
      call(`${gateway.simulatorUrl}/control/faults`, {
        body: { match: { to: phone }, times: 1, action: { kind: 'status_failed', code: 131050 } },
      }),
    );
    const { body } = await send(phone, 'marketing');
    const { timeline } = await waitForStatus(gateway.url, own.key, body.id, 'failed');
    assert.equal(
      timeline.at(-1)?.reason,
      '131050 User has stopped marketing messages: The recipient asked for no more marketing',
    );
    assert.equal((await optOut(phone))?.source, 'meta');
    assert.equal((await send(phone, 'marketing')).body.code, 'recipient_opted_out');
  });

  test('the tenant notes and takes back; the list holds those who are out, page by page', async () => {
    const tenant = await newTenant(gateway, gateway.simulatorUrl);
    const phones = ['905321000011', '905321000012', '905321000013'];
    for (const phone of phones) {
      const { status, body } = await api<OptOut>(`/opt-outs/%2B${phone}`, tenant.key, 'PUT');
      assert.deepEqual([status, body.recipient, body.source], [200, phone, 'api']);
      assert.deepEqual((await api(`/opt-outs/${phone}`, tenant.key, 'PUT')).body, body);
    }
    assert.equal((await api(`/opt-outs/${phones[1]}`, tenant.key, 'DELETE')).status, 200);
    assert.equal((await api(`/opt-outs/${phones[1]}`, tenant.key, 'DELETE')).status, 404);
    const page = (query: string) =>
      must<{ data: OptOut[]; next: string | null }>(api(`/opt-outs?limit=1${query}`, tenant.key));
    const first = await page('');
    const second = await page(`&cursor=${first.next}`);
    assert.deepEqual(
      [...first.data, ...second.data].map(({ recipient }) => recipient),
      [phones[0], phones[2]],
    );
    assert.equal(second.next, null);
    const wrong = await api('/opt-outs/Jo', tenant.key, 'PUT');
    assert.deepEqual([wrong.status, wrong.body.code], [400, 'field_invalid']);
    const bound = await must<{ key: string }>(
      call(`${gateway.url}/api/v1/tenants/${tenant.tenantId}/api-keys`, {
        key: operatorKey,
        body: { name: 'bound', numberId: tenant.numberId },
      }),
    );
    for (const [path, method] of [
      ['/opt-outs', 'GET'],
      [`/opt-outs/${phones[0]}`, 'DELETE'],
    ] as const)
      assert.equal((await api(path, bound.key, method)).status, 409);
  });

  test("a tenant's own words take the place of the default ones, and go again", async () => {
    const phone = '905321000021';
    const words = (languages?: object) =>
      api<{ own: boolean; languages: Record<string, unknown> }>('/opt-out-words', own.key, 'PUT', {
        ...(languages === undefined ? {} : { languages }),
      });
    const shown = await api<{ own: boolean; languages: Record<string, unknown> }>('/opt-out-words');
    assert.equal(shown.body.own, false);
    assert.ok('tr' in shown.body.languages && 'en' in shown.body.languages);
    for (const [languages, field] of [
      [{ en: { stop: ['Enough'], start: ['enough!'] } }, 'languages.en.start[0]'],
      [{ en: { stop: ['...'], start: [] } }, 'languages.en.stop[0]'],
      [{ en: { stop: ['Enough'] } }, 'languages.en.start'],
    ] as const) {
      const { status, body } = await words(languages);
      assert.equal(status, 400);
      assert.equal((body as unknown as { errors: { field: string }[] }).errors[0]?.field, field);
    }
    const set = await words({ en: { stop: ['Enough'], start: ['More please'] } });
    assert.deepEqual([set.status, set.body.own], [200, true]);
    await writes(phone, 'STOP');
    assert.equal(await optOut(phone), null);
    await writes(phone, 'enough!!');
    assert.notEqual(await optOut(phone), null);
    assert.equal((await words()).body.own, false);
    await writes(phone, 'start', -1);
    assert.equal(await optOut(phone), null);
  });

  test('an erasure leaves the wish and not the person', async () => {
    const phone = '905321000031';
    await writes(phone, 'STOP', 5);
    const { body } = await api<{ id: string }>('/erasures', own.key, 'POST', { recipient: phone });
    for (;;) {
      const { body: receipt } = await api<{ status: string }>(`/erasures/${body.id}`);
      if (receipt.status === 'done') break;
    }
    assert.ok(!(await api('/opt-outs')).text.includes(phone));
    // Whoever names the person is told.
    assert.equal((await optOut(phone))?.source, 'message');
    assert.equal((await send(phone, 'marketing')).body.code, 'recipient_opted_out');
    await writes(phone, 'START', -1);
    assert.equal(await optOut(phone), null);
    assert.equal((await send(phone, 'marketing')).status, 200);
  });

  test('the command line', async () => {
    const wagate = (...args: string[]) =>
      new Promise<{ code: number; text: string }>(resolve => {
        execFile(
          process.execPath,
          ['wagate.js', 'opt-out', ...args],
          { cwd: root, env: { PATH: process.env.PATH, WAGATE_URL: gateway.url, WAGATE_KEY: other.key } },
          (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), text: stdout + stderr }),
        );
      });
    assert.match((await wagate('list')).text, /None\./);
    const added = await wagate('add', '+90 532 100 00 41');
    assert.equal(added.code, 0, added.text);
    assert.match(added.text, /905321000041/);
    assert.match((await wagate('list')).text, /RECIPIENT.*\n905321000041 .* api/);
    assert.equal((await wagate('remove', '905321000041')).code, 0);
    const again = await wagate('remove', '905321000041');
    assert.deepEqual([again.code, /No opt-out 905321000041/.test(again.text)], [1, true], again.text);
  });
});
