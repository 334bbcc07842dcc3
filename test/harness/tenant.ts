/** A tenant with a number of its own, made as an operator makes one, with its account at the simulator. */
import { randomInt } from 'node:crypto';
import { type Answer, call, type Program } from './programs.ts';

export interface TestTenant {
  tenantId: string;
  key: string;
  numberId: number;
  phoneNumberId: string;
  wabaId: string;
  appSecret: string;
  verifyToken: string;
  accessToken: string;
}

export const operatorKey = 'op_operator-of-the-tests-0123456789';

export interface TenantOptions {
  /** The templates of the simulator's seed by default. */
  templates?: unknown[];
  throughput?: 'STANDARD' | 'HIGH' | 'NOT_APPLICABLE';
  /** Of its account at the simulator, beside what is made up here. */
  account?: Record<string, unknown>;
  /** Its settings at the simulator. */
  meta?: { enforce?: Record<string, boolean>; [setting: string]: unknown };
  /** Of its API key: without a word its limits are out of the way. */
  key?: Record<string, unknown>;
}

/** For tests, loads and benches that are not about the limits of keys. */
export const unlimited = { perSecond: 1_000_000, perMinute: 60_000_000 };

/** Gateways in tests are started with WAGATE_OPERATOR_KEY = operatorKey. */
export async function newTenant(
  gateway: Program,
  simulatorUrl: string,
  options: TenantOptions = {},
): Promise<TestTenant> {
  const n = String(randomInt(1e9, 1e10));
  const account = {
    wabaId: `20${n}`,
    appSecret: `secret-${n}`,
    verifyToken: `verify-${n}`,
    accessToken: `EAAG-${n}`,
    phoneNumberId: `30${n}`,
  };
  await must(
    call(`${simulatorUrl}/control/accounts`, {
      body: {
        wabaId: account.wabaId,
        app: { id: `40${n}`, secret: account.appSecret, verifyToken: account.verifyToken },
        accessToken: account.accessToken,
        webhookUrl: `${gateway.url}/webhooks/meta`,
        phoneNumbers: [
          {
            id: account.phoneNumberId,
            displayPhoneNumber: `+1 555 ${n}`,
            verifiedName: `Tenant ${n}`,
            throughput: options.throughput ?? 'HIGH',
          },
        ],
        templates: options.templates ?? [],
        ...options.account,
      },
    }),
  );
  await setMeta(simulatorUrl, account.wabaId, options.meta);
  const operator = { key: operatorKey };
  const tenant = await must<{ id: string }>(
    call(`${gateway.url}/api/v1/tenants`, { ...operator, body: { name: `Tenant ${n}` } }),
  );
  const tenantUrl = `${gateway.url}/api/v1/tenants/${tenant.id}`;
  const number = await must<{ id: number }>(
    call(`${tenantUrl}/numbers`, {
      ...operator,
      body: {
        phoneNumberId: account.phoneNumberId,
        wabaId: account.wabaId,
        accessToken: account.accessToken,
        appSecret: account.appSecret,
        verifyToken: account.verifyToken,
      },
    }),
  );
  const key = await must<{ key: string }>(
    call(`${tenantUrl}/api-keys`, { ...operator, body: { name: 'test', ...unlimited, ...options.key } }),
  );
  return { ...account, tenantId: tenant.id, numberId: number.id, key: key.key };
}

/**
 * The phones of most tests never write, so that windows are not enforced unless a test asks for it. What a closed one does is for
 * window.test.ts and meta-limits.test.ts.
 */
export async function setMeta(
  simulatorUrl: string,
  wabaId: string,
  { enforce, ...settings }: TenantOptions['meta'] = {},
): Promise<void> {
  await must(
    call(`${simulatorUrl}/control/settings?waba_id=${wabaId}`, {
      method: 'PUT',
      body: { ...settings, enforce: { window: false, ...enforce } },
    }),
  );
}

/** The body of an answer that has to be a yes. */
export async function must<T>(answer: Promise<Answer<unknown>>): Promise<T> {
  const { status, text, body } = await answer;
  if (status >= 300) throw new Error(`expected a yes, got ${status}: ${text}`);
  return body as T;
}

export interface NativeMessage {
  id: string;
  status: string;
  wamid: string | null;
  timeline: { status: string; at: string; reason?: string }[];
}

/** Resolves when the message has the status. */
export async function waitForStatus(
  gatewayUrl: string,
  key: string,
  id: string,
  status: string,
  timeoutMs = 30_000,
): Promise<NativeMessage> {
  let found: NativeMessage | undefined;
  const isSo = async () => {
    ({ body: found } = await call<NativeMessage>(`${gatewayUrl}/api/v1/messages/${id}`, { key }));
    return found.status === status;
  };
  return until(isSo, timeoutMs).then(
    () => found!,
    error => {
      throw new Error(`${id} is ${found?.status}, not ${status}: ${JSON.stringify(found)}`, { cause: error });
    },
  );
}

/**
 * Asks again until it is so: for what has no signal of its own. The longer it has waited the less often it asks, for the asking takes the
 * processor from what it waits for.
 */
export async function until(condition: () => Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const startedAt = performance.now();
  while (!(await condition())) {
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > timeoutMs) throw new Error(`it did not come to that within ${timeoutMs / 1000} s`);
    await new Promise(resolve => setTimeout(resolve, Math.min(Math.max(10, waitedMs / 5), 200)));
  }
}

/** Of a gateway in live mode that takes this simulator for Meta, for suites that share one among several gateways. */
export const liveEnv = (simulatorUrl: string) => ({
  WAGATE_MODE: 'live',
  WAGATE_OPERATOR_KEY: operatorKey,
  WAGATE_LOG_LEVEL: 'silent',
  META_GRAPH_URL: simulatorUrl,
});
