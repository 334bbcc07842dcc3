/** A file of a million contacts, sent as one upload, and what comes out again: how long, and what memory that takes. */
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { request } from 'undici';
import { call } from '../../test/harness/programs.ts';
import { must } from '../../test/harness/tenant.ts';
import { type Child, rssMb } from '../child.ts';
import { type Bench, type Figure, memory, ofBench } from '../figure.ts';
import { fillContacts } from '../fill-contacts.ts';
import type { Target } from '../requests.ts';
import { newPlace, newTarget, startGateway } from '../subject.ts';

const contacts = 1_000_000;
const goals = { seconds: 60, addedMb: 300 };
const linesAtOnce = 1_000;

export async function imports(bench: Bench): Promise<Figure[]> {
  const databaseUrl = await bench.newDatabase();
  const place = newPlace(databaseUrl);
  try {
    const gateway = await startGateway(place, bench.stub.url);
    try {
      const [target, other] = [await newTarget(gateway.url, 1, 80), await newTarget(gateway.url, 1, 80)];
      const beganAt = performance.now();
      const filling = {
        place: databaseUrl ?? join(place.env.WAGATE_DATA!, 'wagate.db'),
        target: other,
        tag: 1,
      };
      await fillContacts({ ...filling, first: 905_320_000_000, count: contacts });
      const straight = (performance.now() - beganAt) / 1_000;
      const rssBefore = rssMb(gateway.pid) ?? Number.NaN;
      const inward = await watched(gateway, () => upload(gateway, target));
      const outward = await watched(gateway, () => download(gateway, target));
      bench.say(
        `${contacts} rows in within ${inward.seconds.toFixed(1)} s, out within ${outward.seconds.toFixed(1)} s; ` +
          `${inward.rssMost - rssBefore} MB; by the database itself ${straight.toFixed(1)} s`,
      );
      const baseline = { what: 'made by one statement of the database', value: straight };
      const common = { ...ofBench(bench, 'import'), unit: ' s' };
      const what = `${contacts} contacts with two attributes and a tag`;
      return [
        {
          ...{ ...common, what: `${what}: imported from CSV`, value: inward.seconds },
          ...{ baseline, ratio: inward.seconds / straight },
          ...goalOf(bench, inward.seconds),
          ...memory([gateway]),
        },
        {
          ...{ ...common, what: `${what}: memory added`, unit: ' MB', value: inward.rssMost - rssBefore },
          ...{ baseline: null, ratio: null },
          ...{ goal: `≤ ${goals.addedMb} MB`, met: inward.rssMost - rssBefore <= goals.addedMb },
        },
        {
          ...{ ...common, what: `${what}: exported as CSV`, value: outward.seconds },
          ...{ baseline: null, ratio: null, goal: null, met: null },
        },
      ];
    } finally {
      await gateway.stop();
    }
  } finally {
    place.remove();
  }
}

/** Of the embedded engine; PostgreSQL is asked over a connection. */
const goalOf = ({ engine }: Bench, seconds: number): Pick<Figure, 'goal' | 'met'> =>
  engine === 'sqlite'
    ? { goal: `≤ ${goals.seconds} s`, met: seconds <= goals.seconds }
    : { goal: null, met: null };

async function watched(
  gateway: Child,
  work: () => Promise<void>,
): Promise<{ seconds: number; rssMost: number }> {
  let rssMost = 0;
  const look = setInterval(() => {
    rssMost = Math.max(rssMost, rssMb(gateway.pid) ?? Number.NaN);
  }, 100);
  const beganAt = performance.now();
  await work().finally(() => clearInterval(look));
  return { seconds: (performance.now() - beganAt) / 1_000, rssMost };
}

function* file(): Generator<string> {
  yield 'phone,name,city,points,tags\n';
  for (let n = 0; n < contacts; n += linesAtOnce)
    yield Array.from(
      { length: linesAtOnce },
      (_, i) => `+${905_420_000_000 + n + i},Contact ${n + i},Ankara,${n + i},gold\n`,
    ).join('');
}

async function upload({ url }: Child, { key }: Target): Promise<void> {
  await must(call(`${url}/api/v1/tags`, { key, body: { name: 'gold' } }));
  const { statusCode, body } = await request(`${url}/api/v1/contacts/import`, {
    ...{ method: 'POST', headersTimeout: 600_000, bodyTimeout: 600_000 },
    headers: { authorization: `Bearer ${key}`, 'content-type': 'text/csv' },
    body: Readable.from(file()),
  });
  const told = (await body.json()) as { counts?: { created: number } };
  if (statusCode !== 200 || told.counts?.created !== contacts)
    throw new Error(`imported: ${statusCode} ${JSON.stringify(told.counts)}`);
}

async function download({ url }: Child, { key }: Target): Promise<void> {
  const { body } = await request(`${url}/api/v1/contacts/export?format=csv`, {
    headers: { authorization: `Bearer ${key}` },
  });
  let lines = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) for (const byte of chunk) if (byte === 10) lines++;
  if (lines !== contacts + 1) throw new Error(`exported: ${lines} lines`);
}
