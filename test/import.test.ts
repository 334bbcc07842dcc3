/** Files of contacts, in and out: exactly the good rows, exactly the bad lines, and nothing twice whatever ends an import. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { request } from 'undici';
import { onEachEngine } from './harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, operatorKey, until } from './harness/tenant.ts';

interface Import {
  id: string;
  status: string;
  repeated: boolean;
  rows: number;
  lastLine: number;
  counts: Record<string, number>;
  errors: { line: number; field: string; message: string }[];
}

interface Contact {
  id: number;
  phone: string;
  name: string;
  attributes: Record<string, unknown>;
  tags: number[];
}

const root = join(import.meta.dirname, '..');
const noCounts = { created: 0, updated: 0, unchanged: 0, skipped: 0, failed: 0, tagged: 0 };
const env = { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'error' };

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, { env });
  });
  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  /** A tenant without a number: files need none. */
  async function newKey(): Promise<string> {
    const tenant = await must<{ id: string }>(
      call(`${gateway.url}/api/v1/tenants`, { key: operatorKey, body: { name: 'Importing' } }),
    );
    const path = `/api/v1/tenants/${tenant.id}/api-keys`;
    const made = await must<{ key: string }>(
      call(gateway.url + path, { key: operatorKey, body: { name: 'k' } }),
    );
    return made.key;
  }

  const api = <T = Record<string, unknown>>(path: string, key: string, body?: object) =>
    call<T>(`${gateway.url}/api/v1${path}`, { key, ...(body === undefined ? {} : { body }) });
  const upload = (key: string, body: string, query = '', type = 'text/csv') =>
    call<Import>(`${gateway.url}/api/v1/contacts/import?${query}`, {
      ...{ method: 'POST', key, headers: { 'content-type': type }, body },
    });
  const take = (key: string, body: string, query = '', type = 'text/csv') =>
    must<Import>(upload(key, body, query, type));
  async function all(key: string): Promise<Contact[]> {
    const found: Contact[] = [];
    for (let cursor = ''; ; ) {
      const page = await must<{ data: Contact[]; next: string | null }>(
        api(`/contacts?limit=1000${cursor}`, key),
      );
      found.push(...page.data);
      if (page.next === null) return found;
      cursor = `&cursor=${page.next}`;
    }
  }

  test('rows become contacts, and what is wrong is told by line and field', async () => {
    const key = await newKey();
    for (const name of ['Customers', 'VIP']) await must(api('/tags', key, { name }));
    const file =
      '\uFEFFName;Phone;city;Tags;language\r\n' +
      'Ayşe;0532 123 45 67;Ankara;VIP;tr\r\n' +
      'Jo;+254712345678;"Nairobi; Kenya";;\r\n' +
      '\r\n' +
      'No phone;;x;;\r\n' +
      'Wrong;123;x;;\r\n' +
      'Too few;0532 123 45 68\r\n' +
      '"Two\r\nlines";0532 123 45 69;;nobody;\r\n' +
      'Broken";0532 123 45 70;;;english\r\n' +
      ';;;;\r\n' +
      'Ayşe Y.;905321234567;;;';
    const done = await take(key, file, 'tags=1&country=tr');
    assert.deepEqual(done.counts, { ...noCounts, created: 2, updated: 1, failed: 5, tagged: 3 });
    assert.deepEqual(
      done.errors.map(({ line, field, message }) => `${line} ${field}: ${message}`),
      [
        '5 phone: is required',
        '6 phone: is no phone number of TR',
        '7 : has 2 columns, the heading has 5',
        '8 tags: names a tag that there is not',
        '10 language: must be a language as Meta writes it, such as tr or pt_BR',
      ],
    );
    assert.deepEqual([done.status, done.repeated, done.rows, done.lastLine], ['done', false, 8, 12]);
    assert.deepEqual(
      (await all(key)).map(({ phone, name, attributes, tags }) => [phone, name, attributes, tags]),
      [
        ['905321234567', 'Ayşe Y.', { city: 'Ankara' }, [1, 2]],
        ['254712345678', 'Jo', { city: 'Nairobi; Kenya' }, [1]],
      ],
    );
    const shown = await must<Import>(api(`/contacts/import/${done.id}`, key));
    assert.deepEqual({ ...shown, repeated: false }, done);
    const { text } = await api(`/contacts/import/${done.id}/errors`, key);
    assert.deepEqual(
      text
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
      done.errors,
    );
  });

  test('JSON Lines carry what the API takes, row by row', async () => {
    const key = await newKey();
    const lines = [
      { phone: '+905321234567', name: 'Jo', attributes: { n: 1, gone: 'x' }, timeZone: 'Europe/Istanbul' },
      { phone: '0532 123 45 68', country: 'TR' },
      { phone: '+905321234567', attributes: { n: null, gone: null, city: 'Van' } },
      { phone: '+905321234567', attributes: { nested: {} }, nmae: 'x' },
    ];
    const file = `${lines.map(line => JSON.stringify(line)).join('\n')}\nnot json\n[]\n\n{"phone":"+905321234569"}`;
    const done = await take(key, file, '', 'application/x-ndjson');
    assert.deepEqual(done.counts, { ...noCounts, created: 3, updated: 1, failed: 3 });
    assert.deepEqual(
      done.errors.map(({ line, field }) => [line, field]),
      [
        [4, 'nmae'],
        [5, ''],
        [6, ''],
      ],
    );
    assert.deepEqual((await all(key))[0]?.attributes, { city: 'Van' });
  });

  test('skip leaves contacts that are there as they are', async () => {
    const key = await newKey();
    await must(api('/tags', key, { name: 'Tag' }));
    await take(key, 'phone,name\n905321234567,Jo\n');
    const done = await take(
      key,
      'phone,name\n905321234567,Other\n905321234568,New\n',
      'onDuplicate=skip&tags=1',
    );
    assert.deepEqual(done.counts, { ...noCounts, created: 1, skipped: 1, tagged: 1 });
    assert.deepEqual(
      (await all(key)).map(({ name, tags }) => [name, tags]),
      [
        ['Jo', []],
        ['New', [1]],
      ],
    );
    const again = await take(key, 'phone,name\n905321234567,Jo\n');
    assert.deepEqual(again.counts, { ...noCounts, unchanged: 1 });
  });

  test('what is no file of contacts is refused whole', async () => {
    const key = await newKey();
    for (const [body, type, status, text] of [
      ['number,name\n1,2\n', 'text/csv', 400, /line 1.*phone/],
      ['', 'text/csv', 400, /line 1/],
      ['phone,phone\n', 'text/csv', 400, /twice/],
      ['{}', 'application/json', 415, /media_type_unsupported/],
      ['phone\n', 'application/octet-stream', 415, /media_type_unsupported/],
    ] as const) {
      const answer = await upload(key, body, '', type);
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.text, text);
    }
    for (const query of ['tags=9', 'country=XX', 'onDuplicate=x', 'id=a/b', 'what=1'])
      assert.equal((await upload(key, 'phone\n', query)).status, 400, query);
    assert.deepEqual(await all(key), []);
  });

  test('an import that is repeated does nothing twice; another file needs another id', async () => {
    const key = await newKey();
    const rows = Array.from({ length: 1_203 }, (_, i) => `+90532${1_000_000 + i},Name ${i}`);
    const file = `phone,name\n${rows.join('\n')}\nbad,row\n`;
    const first = await take(key, file, 'id=one');
    assert.deepEqual(first.counts, { ...noCounts, created: 1_203, failed: 1 });
    const again = await take(key, file, 'id=one');
    assert.deepEqual(again, { ...first, repeated: true });
    for (const [body, query] of [
      [file.replace('Name 7\n', 'Name X\n'), 'id=one'],
      [`${file}+905329999999,More\n`, 'id=one'],
      ['phone,name\n', 'id=one'],
      [file.replace('phone,name', 'phone,title'), 'id=one'],
      [file, 'id=one&onDuplicate=skip'],
    ] as const) {
      const refused = await upload(key, body, query);
      assert.deepEqual([refused.status, refused.body.id], [409, undefined], `${query} ${refused.text}`);
    }
    const other = await take(key, file, 'id=two');
    assert.deepEqual(other.counts, { ...noCounts, unchanged: 1_203, failed: 1 });
    assert.equal((await all(key)).length, 1_203);
  });

  test('two uploads of one file at once are one import', async () => {
    const key = await newKey();
    const rows = Array.from({ length: 3_000 }, (_, i) => `+90532${1_000_000 + i}\n`);
    const both = await Promise.all([1, 2].map(() => take(key, `phone\n${rows.join('')}`, 'id=same')));
    for (const { counts } of both) assert.deepEqual(counts, { ...noCounts, created: 3_000 });
    const ids = (await all(key)).map(({ id }) => id);
    assert.deepEqual(
      ids,
      Array.from({ length: 3_000 }, (_, i) => i + 1),
    );
  });

  test('a kill amid an import loses nothing that was committed, and the same file goes on', async () => {
    const key = await newKey();
    const lines = Array.from({ length: 6_000 }, (_, i) =>
      i % 1_000 === 999 ? `bad ${i}\n` : `+90533${1_000_000 + i}\n`,
    );
    const file = `phone\n${lines.join('')}`;
    const body = new PassThrough();
    body.on('error', () => undefined);
    const half = request(`${gateway.url}/api/v1/contacts/import?id=killed`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'text/csv' },
      body,
    }).catch(() => 'broken');
    body.write(file.slice(0, file.length / 2));
    const read = () => api<Import>('/contacts/import/killed', key);
    await until(async () => ((await read()).body.rows ?? 0) >= 1_500);
    await gateway.kill();
    assert.equal(await half, 'broken');
    body.destroy();
    gateway = await startGateway(place, { env });
    const before = (await read()).body;
    assert.equal(before.status, 'open');
    assert.ok(before.rows >= 1_500 && before.rows < 6_000, String(before.rows));
    const done = await take(key, file, 'id=killed');
    assert.deepEqual(done.counts, { ...noCounts, created: 5_994, failed: 6 });
    assert.deepEqual(
      done.errors.map(({ line }) => line),
      [1_001, 2_001, 3_001, 4_001, 5_001, 6_001],
    );
    const found = await all(key);
    assert.equal(new Set(found.map(({ phone }) => phone)).size, 5_994);
    assert.deepEqual(
      found.map(({ id }) => id),
      Array.from({ length: 5_994 }, (_, i) => i + 1),
    );
  });

  test('what is exported is imported elsewhere as it was', async () => {
    const [from, csv, ndjson] = [await newKey(), await newKey(), await newKey()];
    for (const key of [from, csv, ndjson]) await must(api('/tags', key, { name: 'T' }));
    const lines = [
      {
        phone: '+905321234567',
        name: '=SUM(A1)',
        attributes: { n: 1, yes: true, text: '"a", b\nc' },
        tags: [1],
      },
      { phone: '+905321234568', name: "'-x", language: 'pt_BR', timeZone: 'America/Sao_Paulo' },
      { phone: '+905321234569', name: '-5' },
    ];
    await take(from, lines.map(line => JSON.stringify(line)).join('\n'), '', 'application/x-ndjson');
    const told = (contacts: Contact[]) =>
      contacts.map(({ phone, name, attributes, tags }) => ({ phone, name, attributes, tags }));
    const whole = told(await all(from));
    const file = await api('/contacts/export', from);
    assert.match(file.headers.get('content-type') ?? '', /^text\/csv/);
    assert.match(file.text, /,'=SUM\(A1\),/);
    await take(csv, file.text);
    assert.deepEqual(told(await all(csv)), whole);
    const jsonFile = await api('/contacts/export?format=ndjson', from);
    await take(ndjson, jsonFile.text, '', 'application/x-ndjson');
    assert.deepEqual(told(await all(ndjson)), whole);
    const tagged = await api('/contacts/export?tag=1', from);
    assert.equal(tagged.text.trim().split('\r\n').length, 2);
  });

  test('random files: exactly the good rows, exactly the bad lines', { timeout: 280_000 }, async () => {
    const key = await newKey();
    let phones = 1_000_000;
    /** A cell, and how a file writes it. */
    const cell = fc.string({
      unit: fc.constantFrom('a', 'ş', ' ', '"', ',', ';', '\n', '\t', "'", '7', '='),
    });
    const row = fc.record({
      kind: fc.constantFrom('good', 'good', 'good', 'no phone', 'few', 'many', 'misplaced quote', 'blank'),
      name: cell,
      note: cell,
      quoteAll: fc.boolean(),
    });
    const layout = fc.record({
      delimiter: fc.constantFrom(',', ';', '\t'),
      newline: fc.constantFrom('\n', '\r\n'),
      bom: fc.boolean(),
      lastBreak: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 12 }), layout, async (rows, how) => {
        const { delimiter, newline } = how;
        const written = (text: string, quote: boolean) =>
          quote || /[",;\t\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
        const good = new Map<string, [string, string]>();
        const bad: number[] = [];
        const parts = [`phone${delimiter}name${delimiter}note`];
        let line = 2;
        for (const { kind, name, note, quoteAll } of rows) {
          const phone = `+90532${++phones}`;
          const join = (cells: string[]) => cells.map(text => written(text, quoteAll)).join(delimiter);
          let text: string;
          if (kind === 'good') {
            text = join([phone, name, note]);
            good.set(phone.slice(1), [name, note]);
          } else if (kind === 'blank') text = '';
          else {
            bad.push(line);
            if (kind === 'no phone') text = join(['', 'x', note]);
            else if (kind === 'few') text = join([phone, name]);
            else if (kind === 'many') text = join([phone, name, note, '']);
            else text = `${phone}${delimiter}"x"y${delimiter}z`;
          }
          parts.push(text);
          line += text.split('\n').length;
        }
        const file = (how.bom ? '\uFEFF' : '') + parts.join(newline) + (how.lastBreak ? newline : '');
        const done = await take(key, file);
        assert.deepEqual(
          done.errors.map(error => error.line),
          bad,
        );
        assert.equal(done.counts.created, good.size);
        for (const [phone, [name, note]] of good) {
          const [found] = (await must<{ data: Contact[] }>(api(`/contacts?phone=${phone}`, key))).data;
          // The apostrophe that keeps spreadsheets from computing is taken off.
          const plain = (text: string) => text.trim().replace(/^'(?='*[=\t])/, '');
          assert.equal(found?.name, plain(name).trim());
          assert.equal(found?.attributes.note ?? '', plain(note));
        }
      }),
      { numRuns: 25 },
    );
  });

  test('wagate contact import: errors by line, once, and --again', async () => {
    const key = await newKey();
    const folder = mkdtempSync(join(tmpdir(), 'wagate-import-'));
    const file = join(folder, 'people.csv');
    writeFileSync(file, 'phone,name\n0532 123 45 67,Ayşe\nx,y\n');
    const wagate = (...args: string[]) =>
      new Promise<{ code: number; text: string }>(resolve => {
        execFile(
          process.execPath,
          ['wagate.js', 'contact', 'import', ...args],
          { cwd: root, env: { PATH: process.env.PATH, WAGATE_URL: gateway.url, WAGATE_KEY: key } },
          (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), text: stdout + stderr }),
        );
      });
    const first = await wagate(file, '--country', 'TR');
    assert.equal(first.code, 1, first.text);
    assert.match(first.text, /created +1/);
    assert.match(first.text, /^line 3: phone is no phone number of TR$/m);
    const second = await wagate(file, '--country', 'TR');
    assert.match(second.text, /was imported before/);
    const again = await wagate(file, '--country', 'TR', '--again');
    assert.match(again.text, /unchanged +1/);
    assert.equal((await wagate(join(folder, 'nothing.csv'))).code, 2);
    rmSync(folder, { recursive: true });
  });
});
