/** API keys in the course of time: changed, rotated, revoked; and the keys of operators. As a stranger sees it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { assertMissing, type KeyCalls, keyCalls, keysOf, type Problem, template } from './harness/keys.ts';
import { newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, until, waitForStatus } from './harness/tenant.ts';

type Json = Record<string, unknown>;

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let own: TestTenant;
  let other: TestTenant;
  let calls: KeyCalls;
  const api: KeyCalls['api'] = (...given) => calls.api(...given);
  const newKey: KeyCalls['newKey'] = (...given) => calls.newKey(...given);
  const change: KeyCalls['change'] = (...given) => calls.change(...given);
  const rotate: KeyCalls['rotate'] = (...given) => calls.rotate(...given);
  const send: KeyCalls['send'] = (...given) => calls.send(...given);

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'warn' },
    });
    const receipt = {
      ...{ id: '1', name: 'receipt', language: 'en', status: 'APPROVED', category: 'UTILITY' },
      components: [{ type: 'BODY', text: 'Hello' }],
    };
    own = await newTenant(gateway, gateway.simulatorUrl, { templates: [receipt] });
    other = await newTenant(gateway, gateway.simulatorUrl);
    calls = keyCalls(gateway, own);
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  describe('changes', () => {
    test('what is named changes at once, what is not stays', async () => {
      const expiresAt = '2100-01-01T00:00:00.000Z';
      const { id, key } = await newKey({ name: 'shop', expiresAt, perSecond: 9, powers: { access: 'send' } });
      assert.equal((await api('/messages', key)).status, 403);
      const changed = await change(id, { powers: {} });
      assert.equal((await api('/messages', key)).status, 200);
      const { name, perSecond, powers } = changed.body;
      assert.deepEqual([name, changed.body.expiresAt, perSecond, powers], ['shop', expiresAt, 9, {}]);
      assert.equal((await change(id, { expiresAt: 'never' })).body.expiresAt, null);
      assert.equal(
        (await change(id, { expiresAt: '2020-01-01T00:00:00Z' })).body.errors[0]?.field,
        'expiresAt',
      );
      assert.equal((await change(id, { numberId: 7 })).body.errors[0]?.field, 'numberId');
      assert.ok(!changed.text.includes(key));
    });

    test("another tenant's key, and one that is not there, are not found by any route", async () => {
      const theirs = await newKey({}, other);
      for (const id of [theirs.id, 'nope', '%00', 'x'.repeat(150)]) {
        for (const [method, more, body] of [
          ['GET', '', undefined],
          ['PATCH', '', { name: 'mine' }],
          ['POST', '/rotate', {}],
          ['DELETE', '', undefined],
        ] as const) {
          const answer = await api(`${keysOf(own)}/${id}${more}`, operatorKey, method, body);
          assert.equal(answer.status, 404, `${method} ${id}: ${answer.text}`);
        }
      }
      assert.equal((await api('/messages', theirs.key)).status, 200);
      assert.equal((await must<Json>(api(`${keysOf(other)}/${theirs.id}`, operatorKey))).name, 'k');
    });

    test('a revoked key is neither changed nor rotated', async () => {
      const { id } = await newKey({});
      await must(api(`${keysOf(own)}/${id}`, operatorKey, 'DELETE'));
      assert.equal((await change(id, { name: 'x' })).body.code, 'conflict');
      assert.equal((await rotate(id)).body.code, 'conflict');
    });
  });

  describe('rotation', () => {
    const works = async (key: string) => (await api('/messages', key)).status === 200;

    test('both secrets work during the overlap, only the new one after, and all else stays', async () => {
      const powers = { messagesPerDay: 2, templates: ['receipt'] };
      const { id, key: old } = await newKey({ name: 'shop', perSecond: 9, powers });
      assert.equal((await send(old, template('receipt'))).status, 200);
      const { body } = await rotate(id, { overlapSeconds: 2 });
      assert.equal(body.id, id);
      assert.notEqual(body.key, old);
      assert.deepEqual([body.hint, body.former?.hint], [body.key.slice(-4), old.slice(-4)]);
      assert.deepEqual([body.perSecond, body.powers], [9, powers]);
      assert.ok(await works(old));
      assert.ok(await works(body.key));
      // One key: the cap counts what both secrets send.
      assert.equal((await send(old, template('receipt'))).status, 200);
      assertMissing(
        await send(body.key, template('receipt')),
        'it may send 2 messages a day (UTC); 0 are left today, and this is 1',
      );
      await until(async () => !(await works(old)));
      assert.ok(new Date().toISOString() >= String(body.former?.until));
      assert.equal((await api('/messages', old)).body.code, 'credential_invalid');
      assert.ok(await works(body.key));
      assert.equal((await must<Json>(api(`${keysOf(own)}/${id}`, operatorKey))).former, null);
    });

    test('a second rotation ends the oldest secret; no overlap ends the old one at once; revoking ends both', async () => {
      const { id, key: one } = await newKey({});
      const two = (await rotate(id)).body.key;
      const three = (await rotate(id)).body.key;
      assert.deepEqual(await Promise.all([one, two, three].map(works)), [false, true, true]);
      const four = (await rotate(id, { overlapSeconds: 0 })).body;
      assert.equal(four.former, null);
      assert.deepEqual(await Promise.all([two, three, four.key].map(works)), [false, false, true]);
      const five = (await rotate(id)).body.key;
      assert.deepEqual(await Promise.all([four.key, five].map(works)), [true, true]);
      await must(api(`${keysOf(own)}/${id}`, operatorKey, 'DELETE'));
      assert.deepEqual(await Promise.all([four.key, five].map(works)), [false, false]);
    });

    test('an end of the key ends both secrets, and an expired one is not rotated', async () => {
      const { id, key } = await newKey({});
      const { body } = await rotate(id);
      await must(change(id, { expiresAt: new Date(Date.now() + 300).toISOString() }));
      await until(async () => !(await works(key)));
      assert.ok(!(await works(body.key)));
      assert.equal((await rotate(id)).body.code, 'conflict');
      await must(change(id, { expiresAt: 'never' }));
      assert.ok(await works(body.key));
    });

    for (const overlapSeconds of [-1, 1.5, 90 * 86_400 + 1, 'day']) {
      test(`${overlapSeconds} is no overlap`, async () => {
        const { id } = await newKey({});
        const answer = await api<Problem>(`${keysOf(own)}/${id}/rotate`, operatorKey, 'POST', {
          overlapSeconds,
        });
        assert.equal(answer.body.errors[0]?.field, 'overlapSeconds', answer.text);
      });
    }

    test('a message is followed with the new secret', async () => {
      const { id, key } = await newKey({});
      const message = await must<{ id: string }>(send(key));
      const { body } = await rotate(id, { overlapSeconds: 0 });
      await waitForStatus(gateway.url, body.key, message.id, 'read');
    });
  });

  test('operator keys are listed and revoked; the one of the setting is told and stays', async () => {
    const path = '/operator-keys';
    const list = await must<{ data: Json[] }>(api(path, operatorKey));
    assert.deepEqual(list.data, [
      { id: 'setting', name: 'by setting', hint: operatorKey.slice(-4), createdAt: null },
    ]);
    assert.equal((await api(`${path}/setting`, operatorKey, 'DELETE')).body.code, 'conflict');
    for (const id of ['nope', '0123456789abcdef', '%25', 'x'.repeat(150)])
      assert.equal((await api(`${path}/${id}`, operatorKey, 'DELETE')).status, 404, id);
    for (const [method, url] of [
      ['GET', path],
      ['DELETE', `${path}/setting`],
    ] as const)
      assert.equal((await api(url, own.key, method)).status, 401);
  });
});
