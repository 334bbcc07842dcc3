/** The gateway under measure: the real program in a fresh place, with the stub as its Meta and everything on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from '../test/harness/programs.ts';
import { must, operatorKey, unlimited } from '../test/harness/tenant.ts';
import { type Child, startChild } from './child.ts';
import type { Bench } from './figure.ts';
import type { Target } from './requests.ts';

export interface Place {
  env: Record<string, string>;
  remove(): void;
}

export function newPlace(databaseUrl: string | null): Place {
  const folder = mkdtempSync(join(tmpdir(), 'wagate-bench-'));
  const env: Record<string, string> = { WAGATE_DATA: folder };
  if (databaseUrl !== null) env.DATABASE_URL = databaseUrl;
  return { env, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export function startGateway(place: Place, stubUrl: string): Promise<Child> {
  // For a profile: BENCH_EXEC_ARGV='--cpu-prof --cpu-prof-dir=/tmp/profiles' npm run bench
  const execArgv = process.env.BENCH_EXEC_ARGV?.split(' ') ?? [];
  return startChild('wagate.js', ['serve'], {
    execArgv,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PORT: '0',
      WAGATE_MODE: 'live',
      WAGATE_OPERATOR_KEY: operatorKey,
      META_GRAPH_URL: stubUrl,
      // Written, as in earnest, but not to a channel that the bench would have to read.
      WAGATE_LOG_FILE: join(place.env.WAGATE_DATA!, 'wagate.log'),
      ...place.env,
    },
  });
}

export interface Subject {
  gateways: Child[];
  target: Target;
  place: Place;
}

/** As many gateways as the bench measures on a new database, with a tenant of so many numbers; all ended afterwards. */
export async function withSubject<T>(
  bench: Bench,
  { numbers, perSecond, env = {} }: { numbers: number; perSecond: number; env?: Record<string, string> },
  work: (subject: Subject) => Promise<T>,
): Promise<T> {
  const place = newPlace(await bench.newDatabase());
  Object.assign(place.env, env);
  const gateways: Child[] = [];
  try {
    for (let i = 0; i < bench.processes; i++) gateways.push(await startGateway(place, bench.stub.url));
    return await work({ gateways, target: await newTarget(gateways[0]!.url, numbers, perSecond), place });
  } finally {
    for (const gateway of gateways) await gateway.stop();
    place.remove();
  }
}

/** Endpoints of the bench are on this machine. */
export const loopbackEndpoints = { WAGATE_WEBHOOK_ALLOW_NETWORKS: '127.0.0.0/8' };

export const appSecret = 'app-secret-of-the-bench';
/** The id of a new number is the next one: those that ask at once try again, and not for ever. */
const connectingMax = 4;
let tenants = 0;

/** A tenant with `count` numbers that may each send `perSecond`. */
export async function newTarget(gatewayUrl: string, count: number, perSecond: number): Promise<Target> {
  const url = `${gatewayUrl}/api/v1/tenants`;
  const operator = { key: operatorKey };
  const tenant = await must<{ id: string }>(call(url, { ...operator, body: { name: 'Bench' } }));
  const { key } = await must<{ key: string }>(
    call(`${url}/${tenant.id}/api-keys`, { ...operator, body: { name: 'bench', ...unlimited } }),
  );
  const numbers: Target['numbers'] = [];
  const wabaId = `77${String(++tenants).padStart(6, '0')}`;
  const connect = async (n: number) => {
    // Also its telephone number (stub.ts): Connectly's door names the sender by that.
    const phoneNumberId = `1555${String(tenants).padStart(3, '0')}${String(n).padStart(5, '0')}`;
    const { id } = await must<{ id: number }>(
      call(`${url}/${tenant.id}/numbers`, {
        ...operator,
        body: {
          phoneNumberId,
          wabaId,
          accessToken: 'EAAG-bench',
          appSecret,
          verifyToken: 'verify',
          perSecond,
        },
      }),
    );
    numbers[n] = { id, phoneNumberId };
  };
  // A few at once: ten thousand one after the other take minutes.
  for (let from = 0; from < count; from += connectingMax)
    await Promise.all(
      Array.from({ length: Math.min(connectingMax, count - from) }, (_, i) => connect(from + i)),
    );
  return { tenantId: tenant.id, key, appSecret, wabaId, numbers };
}
