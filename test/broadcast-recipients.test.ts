/** Files of people into a draft, and the ledger out of it: exactly the good rows, nobody twice, every page bounded. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { request } from 'undici';
import { offer } from './harness/broadcast-flow.ts';
import {
  type Broadcasting,
  type RecipientPage,
  startBroadcasting,
  type ToldRecipient,
} from './harness/broadcasting.ts';
import { onEachEngine } from './harness/engines.ts';
import { type Answer, call } from './harness/programs.ts';
import { must, until } from './harness/tenant.ts';

interface Added {
  id: string;
  rows: number;
  made: number;
  skipped: number;
  already: number;
  excluded: number;
  failed: number;
  errors: { line: number; field: string; message: string }[];
}

const none = { made: 0, skipped: 0, already: 0, excluded: 0, failed: 0 };

onEachEngine(engine => {
  describe('recipients of broadcasts', () => {
    let place: Broadcasting;

    before(async () => {
      place = await startBroadcasting(engine);
    });
    after(() => place?.stop());

    const api = <T>(path: string, body?: unknown) => place.api<T>(path, body);
    const all = (id: string, query?: string) => place.ledger(id, query);
    const draft = async (more: object = {}, text = 'in {{city}}') =>
      (await api<{ id: string }>('/broadcasts', { name: 'file', message: offer(text), ...more })).id;
    const upload = (...asked: Parameters<Broadcasting['upload']>) => place.upload(...asked);
    const take = async (id: string, body: string, query = '', type = 'text/csv') => {
      const {
        id: told,
        errors,
        rows,
        ...counts
      } = await must<Added>(upload(id, body, query, type) as Promise<Answer<Added>>);
      assert.equal(told, id);
      return { rows, counts, errors: errors.map(one => `${one.line} ${one.field}: ${one.message}`) };
    };
    const list = (id: string, query = '') => api<RecipientPage>(`/broadcasts/${id}/recipients?${query}`);
    const untilEnded = (id: string) => place.untilState(id, 'completed');

    test('CSV: one column for each variable; what is wrong is told by its line; sent again it adds nobody', async () => {
      const id = await draft({ audience: { exclude: { phones: ['+905320000009'] } } });
      const file =
        '\uFEFFcity;Phone;other\r\n' +
        'Ankara;0532 000 00 01;x\r\n' +
        '"İzmir; Karşıyaka";+905320000002;\r\n' +
        ';+905320000003;\r\n' +
        'Bursa;123;\r\n' +
        'Bursa;+905320000004\r\n' +
        '\r\n' +
        'Konya;905320000001;\r\n' +
        'Adana;+90 532 000 00 09;\r\n';
      const done = await take(id, file, 'country=tr');
      assert.deepEqual(done.errors, [
        '5 phone: is no phone number of TR',
        '6 : has 2 columns, the heading has 3',
      ]);
      assert.deepEqual(done.rows, 7);
      assert.deepEqual(done.counts, { ...none, made: 3, skipped: 1, already: 1, excluded: 1, failed: 2 });
      const ledger = await all(id);
      assert.deepEqual(
        ledger.map(({ phone, state, reason, variables }) => [phone, state, reason, variables]),
        [
          ['905320000001', 'waiting', null, { city: 'Ankara' }],
          ['905320000002', 'waiting', null, { city: 'İzmir; Karşıyaka' }],
          ['905320000003', 'skipped', 'has no value for city', {}],
        ],
      );
      assert.deepEqual((await take(id, file, 'country=tr')).counts, {
        ...{ ...none, already: 4, excluded: 1, failed: 2 },
      });
      assert.equal((await all(id)).length, 3);
    });

    test('JSON Lines: variables in a member of their own or beside the phone', async () => {
      const id = await draft();
      const lines = [
        '{"phone":"+905320000001","variables":{"city":"Ankara"},"city":"not this"}',
        '{"phone":905320000002,"city":7}',
        '{"phone":"+905320000003","city":{"a":1}}',
        '{"phone":"+905320000004","variables":"Ankara"}',
        'no JSON',
        '{"city":"nowhere"}',
        '{"phone":"+905320000005","city":null}',
      ];
      const done = await take(id, `${lines.join('\n')}\n`, '', 'application/x-ndjson');
      assert.deepEqual(done.errors, [
        '3 variables.city: must be a text, a number, true or false',
        '4 variables: must be an object',
        '5 : must be a JSON object',
        '6 phone: is required',
      ]);
      assert.deepEqual(done.counts, { ...none, made: 3, skipped: 1, failed: 4 });
      assert.deepEqual(
        (await all(id)).map(({ variables }) => variables),
        [{ city: 'Ankara' }, { city: '7' }, {}],
      );
    });

    test('people who are contacts, however the phone is written: what the file does not say comes from there', async () => {
      const { id: tag } = await api<{ id: number }>('/tags', { name: `left out ${engine}` });
      await api('/contacts', { phone: '+5511987650001', attributes: { city: 'São Paulo' } });
      await api('/contacts', { phone: '+5511987650002', tags: [tag] });
      const id = await draft({ audience: { exclude: { tags: [tag] } } });
      const done = await take(id, 'phone\n551187650001\n551187650002\n+5511987650001\n');
      assert.deepEqual(done.counts, { ...none, made: 1, already: 1, excluded: 1 });
      const [one] = await all(id);
      assert.deepEqual(one!.variables, { city: 'São Paulo' });
      assert.equal(typeof one!.contactId, 'number');
    });

    test('what is no file of people, and a broadcast that is no draft, is refused', async () => {
      const id = await draft();
      for (const [body, type, status, text] of [
        ['name,city\nx,y\n', 'text/csv', 400, 'one of them `phone`'],
        ['', 'text/csv', 400, 'the file is empty'],
        ['{}', 'application/json', 415, ''],
      ] as const) {
        const answer = await upload(id, body, '', type);
        assert.equal(answer.status, status, answer.text);
        assert.ok(answer.text.includes(text), answer.text);
      }
      assert.equal((await upload(id, 'phone\n', 'country=XX')).status, 400);
      assert.equal((await upload('nobody', 'phone\n')).status, 404);
      await take(id, 'phone,city\n+905320000001,Ankara\n');
      await api(`/broadcasts/${id}/launch`, {});
      const late = await upload(id, 'phone,city\n+905320000002,Ankara\n');
      assert.equal(late.status, 409, late.text);
      assert.match(late.text, /people can be added to a draft only/);
      await untilEnded(id);
      assert.equal((await all(id)).length, 1);
    });

    test('a launch amid a long file: what was committed is sent, the rest is refused', async () => {
      const id = await draft();
      const file = new PassThrough();
      const answer = request(`${place.gateway.url}/api/v1/broadcasts/${id}/recipients`, {
        method: 'POST',
        headers: { authorization: `Bearer ${place.tenant.key}`, 'content-type': 'text/csv' },
        body: file,
      });
      const rows = (from: number, count: number) =>
        Array.from({ length: count }, (_, i) => `90533000${String(from + i).padStart(4, '0')},x\n`).join('');
      file.write(`phone,city\n${rows(0, 600)}`);
      await until(async () => (await all(id)).length === 500);
      await api(`/broadcasts/${id}/launch`, {});
      file.end(rows(600, 600));
      const { statusCode, body } = await answer;
      assert.equal(statusCode, 409, await body.text());
      await untilEnded(id);
      assert.deepEqual(await statesOf(id), { taken: 500 });
    });

    async function statesOf(id: string): Promise<Record<string, number>> {
      const counts: Record<string, number> = {};
      for (const { state } of await all(id)) counts[state] = (counts[state] ?? 0) + 1;
      return counts;
    }

    test('pages by state and by status, each bounded; every one once', async () => {
      const id = await draft();
      const phone = (i: number) => `90534${String(i).padStart(7, '0')}`;
      // Those who are skipped stand at the end, behind more than one page looks at.
      const rows = Array.from({ length: 6_000 }, (_, i) => `${phone(i)},${i < 5_990 ? 'x' : ''}`);
      await take(id, `phone,city\n${rows.join('\n')}\n`);
      const page = await list(id, 'state=skipped');
      assert.deepEqual([page.data, typeof page.next], [[], 'string']);
      const skipped = await all(id, 'state=skipped');
      assert.deepEqual(
        skipped.map(one => one.phone),
        Array.from({ length: 10 }, (_, i) => phone(5_990 + i)),
      );
      assert.equal(new Set((await all(id)).map(one => one.phone)).size, 6_000);
      assert.equal((await all(id, 'state=taken')).length, 0);
      const wrong = await call(`${place.gateway.url}/api/v1/broadcasts/${id}/recipients?cursor=x`, {
        key: place.tenant.key,
      });
      assert.equal(wrong.status, 400);
    });

    test('the ledger tells what became of each message, by page and as a file', async () => {
      const refused = '905350000007';
      await must(
        call(`${place.gateway.simulatorUrl}/control/faults`, {
          body: { match: { to: refused }, action: { kind: 'status_failed', code: 131026 } },
        }),
      );
      const id = await draft({}, 'in {{city}}');
      await take(id, `phone,city\n905350000001,=HYPERLINK(1)\n${refused},x\n905350000003,\n`);
      await api(`/broadcasts/${id}/launch`, {});
      await untilEnded(id);
      await until(async () => (await all(id, 'status=read')).length === 1);
      const [read] = await all(id, 'status=read');
      assert.equal(read!.phone, '905350000001');
      assert.match(read!.wamid ?? '', /^wamid\./);
      assert.ok(read!.deliveredAt);
      const [failed] = await all(id, 'status=failed&state=taken');
      assert.deepEqual(
        [failed!.phone, failed!.code, failed!.title],
        [refused, 131026, 'Message undeliverable'],
      );
      assert.deepEqual(await all(id, 'status=failed&state=skipped'), []);
      const { text, headers } = await call(`${place.gateway.url}/api/v1/broadcasts/${id}/recipients/export`, {
        key: place.tenant.key,
      });
      assert.match(headers.get('content-type') ?? '', /^text\/csv/);
      const lines = text.trim().split('\r\n');
      assert.match(lines[0]!, /^phone,state,reason,status,code,title,messageId,/);
      assert.equal(lines.length, 4);
      assert.match(lines[2]!, /^905350000003,skipped,has no value for city,,/);
      assert.match(lines[3]!, /^905350000007,taken,.*,failed,131026,Message undeliverable,/);
      const json = await call(
        `${place.gateway.url}/api/v1/broadcasts/${id}/recipients/export?format=ndjson`,
        {
          key: place.tenant.key,
        },
      );
      const told = json.text
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as ToldRecipient);
      assert.deepEqual(told, await all(id));
      // Both can be added to another draft as they are.
      for (const [file, type] of [
        [text, 'text/csv'],
        [json.text, 'application/x-ndjson'],
      ] as const) {
        const copy = await draft({}, 'in {{city}}');
        assert.deepEqual((await take(copy, file, '', type)).counts, { ...none, made: 3, skipped: 1 });
        assert.equal((await all(copy))[0]!.variables.city, '=HYPERLINK(1)');
      }
    });
  });
});
