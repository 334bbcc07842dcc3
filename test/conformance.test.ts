/** Every case of conformance/: the real gateway, the real simulator, over HTTP. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { difference, fill } from './harness/patterns.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, until } from './harness/tenant.ts';

interface Case {
  about: string;
  request: {
    method: string;
    path: string;
    headers?: Record<string, string>;
    body?: unknown;
    form?: Record<string, string>;
    multipart?: Record<string, string>;
    raw?: string;
  };
  answer: { status: number; headers?: Record<string, string>; body: unknown };
  meta: Record<string, unknown>[];
  endpoint?: string;
  status?: string;
}

interface Received {
  wamid: string;
  endpoint: string;
  body: Record<string, unknown>;
  bizOpaqueCallbackData: string;
}

const folder = join(import.meta.dirname, '..', 'conformance');
const files = globSync('*/*.json', { cwd: folder }).sort();

onEachEngine(engine => {
  let place: Place;
  let gateway: Program;
  let names: Record<string, string>;

  before(async () => {
    place = await newPlace(engine);
    gateway = await startGateway(place, {
      env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'warn' },
    });
    await must(
      call(`${gateway.simulatorUrl}/control/settings`, {
        method: 'PUT',
        body: { delays: { sent: 1, delivered: 2, read: 3 } },
      }),
    );
    const other = await newTenant(gateway, gateway.simulatorUrl);
    const off = await newTenant(gateway, gateway.simulatorUrl);
    await disconnect(off);
    const demo = JSON.parse(readFileSync(join(folder, 'names.json'), 'utf8')) as Record<string, string>;
    const incoming = await must<{ wamid: string }>(
      call(`${gateway.simulatorUrl}/control/phones/905321234567/messages`, {
        body: { phone_number_id: demo.PHONE_NUMBER_ID, type: 'text', text: { body: 'Hi' } },
      }),
    );
    const closed = '905321230001';
    const optedOut = '905321230002';
    await writes(demo, closed, 'Hi', { timestamp: String(Math.floor(Date.now() / 1000) - 25 * 3600) });
    await writes(demo, optedOut, 'STOP');
    const poor = await newTenant(gateway, gateway.simulatorUrl);
    const operator = { key: operatorKey };
    await must(
      call(`${gateway.url}/api/v1/tenants/${poor.tenantId}`, {
        ...operator,
        method: 'PATCH',
        body: { billing: 'prepaid' },
      }),
    );
    const demoKey = async (body: Record<string, unknown>) =>
      (
        await must<{ key: string }>(
          call(`${gateway.url}/api/v1/tenants/${demo.TENANT_ID}/api-keys`, {
            ...operator,
            body: { name: 'conformance', ...body },
          }),
        )
      ).key;
    await must(call(`${gateway.simulatorUrl}/control/idle?timeout_ms=10000`));
    const templates = await must<{ data: { id: number; name: string }[] }>(
      call(`${gateway.url}/api/v1/templates`, { key: demo.KEY! }),
    );
    const templateId = (name: string) => String(templates.data.find(template => template.name === name)?.id);
    names = {
      ...demo,
      OTHER_KEY: other.key,
      OTHER_TENANT_ID: other.tenantId,
      OTHER_NUMBER_ID: String(other.numberId),
      OTHER_PHONE_NUMBER_ID: other.phoneNumberId,
      OFF_KEY: off.key,
      OFF_NUMBER_ID: String(off.numberId),
      OFF_PHONE_NUMBER_ID: off.phoneNumberId,
      OFF_TENANT_ID: off.tenantId,
      EMPTY_TAG_ID: '9999',
      PAUSED_TEMPLATE_ID: templateId('paused_offer'),
      INCOMING_WAMID: incoming.wamid,
      SPENT_KEY: await demoKey({ perMinute: 1 }),
      READ_KEY: await demoKey({ powers: { access: 'read' } }),
      POOR_KEY: poor.key,
      POOR_TENANT_ID: poor.tenantId,
      POOR_NUMBER_ID: String(poor.numberId),
      POOR_PHONE_NUMBER_ID: poor.phoneNumberId,
      CLOSED_RECIPIENT: closed,
      SILENT_RECIPIENT: '905321230003',
      OPTED_OUT_RECIPIENT: optedOut,
    };
  });

  after(async () => {
    await gateway?.stop();
    await place?.remove();
  });

  /** Somebody writes to the demo number. */
  const writes = (demo: Record<string, string>, from: string, text: string, beside = {}) =>
    must(
      call(`${gateway.simulatorUrl}/control/phones/${from}/messages`, {
        body: { phone_number_id: demo.PHONE_NUMBER_ID, type: 'text', text: { body: text }, ...beside },
      }),
    );

  /** Takes what the key may ask for in this minute, if something is left. */
  const spend = () =>
    call(`${gateway.url}/v1/wa/message?is_fake=true`, {
      key: names.SPENT_KEY!,
      body: { messaging_product: 'whatsapp', to: '905321234567', type: 'text', text: { body: 'x' } },
    });

  /** Meta no longer takes the token of this number, as after a revocation, and the gateway has found out. */
  async function disconnect(tenant: TestTenant): Promise<void> {
    await must(
      call(`${gateway.simulatorUrl}/control/accounts`, {
        body: {
          wabaId: tenant.wabaId,
          app: { id: '1', secret: tenant.appSecret },
          accessToken: 'another-token',
          phoneNumbers: [
            { id: tenant.phoneNumberId, displayPhoneNumber: '+1 555 000 0000', verifiedName: 'Off' },
          ],
        },
      }),
    );
    const { status } = await call(`${gateway.url}/v1/wa/message`, {
      key: tenant.key,
      body: { messaging_product: 'whatsapp', to: '905321234567', type: 'text', text: { body: 'x' } },
    });
    assert.equal(status, 401);
  }

  let cursor = '0';
  /** What has reached Meta since the case began. */
  const received = () =>
    must<{ data: Received[]; cursor: string }>(
      call(`${gateway.simulatorUrl}/control/received?after=${cursor}&limit=1000`),
    );
  async function skipEarlier(): Promise<void> {
    for (;;) {
      const page = await received();
      if (page.data.length === 0) return;
      ({ cursor } = page);
    }
  }

  for (const dialect of new Set(files.map(file => file.split('/')[0]!))) {
    describe(dialect, () => {
      for (const file of files.filter(name => name.startsWith(`${dialect}/`))) {
        const raw = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Case;
        test(`${file}: ${raw.about}`, async () => {
          const { request, answer, meta, endpoint = 'messages', status = 'read' } = fill(raw, names);
          if (JSON.stringify(raw).includes('{{SPENT_KEY}}')) await spend();
          await skipEarlier();
          const actual = await call(`${gateway.url}${request.path}`, {
            method: request.method,
            headers: request.headers ?? {},
            body: bodyOf(request),
          });
          assert.equal(difference(actual.body, answer.body), undefined, actual.text);
          assert.equal(actual.status, answer.status);
          for (const [name, value] of Object.entries(answer.headers ?? {})) {
            assert.equal(difference(actual.headers.get(name), value, name), undefined);
          }
          await must(call(`${gateway.simulatorUrl}/control/idle?timeout_ms=10000`));
          if (meta.length > 0) await until(async () => (await received()).data.length >= meta.length);
          const arrived = (await received()).data;
          const bodies = arrived.map(({ body }) => {
            const { biz_opaque_callback_data: _, ...rest } = body;
            return rest;
          });
          assert.deepEqual(sorted(bodies), sorted(meta));
          for (const message of arrived) {
            assert.equal(message.endpoint, endpoint);
            const key = keyOf(request) ?? names.KEY!;
            await until(async () => {
              const { body } = await call(`${gateway.url}/api/v1/messages/${message.bizOpaqueCallbackData}`, {
                key,
              });
              return body.status === status;
            });
          }
        });
      }
    });
  }
});

function bodyOf(request: Case['request']): unknown {
  if (request.form !== undefined) return new URLSearchParams(request.form);
  if (request.multipart !== undefined) {
    const form = new FormData();
    for (const [name, value] of Object.entries(request.multipart)) form.set(name, value);
    return form;
  }
  return request.raw ?? (request.body === undefined ? undefined : JSON.stringify(request.body));
}

function keyOf({ headers = {}, path }: Case['request']): string | undefined {
  const values = [...Object.values(headers), path];
  return values.map(value => /pk_[A-Za-z0-9]{32}/.exec(value)?.[0]).find(key => key !== undefined);
}

const sorted = (bodies: unknown[]) => bodies.map(body => JSON.stringify(canonical(body))).sort();

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, canonical(one)]),
  );
}
