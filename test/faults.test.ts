/** Meta on a bad day, and ourselves killed: nothing lost, nothing doubled, every end visible. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import { onEachEngine } from './harness/engines.ts';
import { freePort } from './harness/postgres.ts';
import {
  call,
  newPlace,
  type Place,
  type Program,
  startGateway,
  startSimulator,
} from './harness/programs.ts';
import {
  must,
  type NativeMessage,
  newTenant,
  operatorKey,
  type TestTenant,
  until,
  waitForStatus,
} from './harness/tenant.ts';

interface Received {
  wamid: string;
  bizOpaqueCallbackData: string;
}

onEachEngine(engine => {
  let simulator: Program;
  let place: Place;
  let gateway: Program;
  let tenant: TestTenant;
  let env: Record<string, string>;

  before(async () => {
    simulator = await startSimulator();
  });
  after(() => simulator.stop());

  async function open(more: Record<string, string> = {}) {
    place = await newPlace(engine);
    env = {
      PORT: String(await freePort()),
      WAGATE_MODE: 'live',
      META_GRAPH_URL: simulator.url,
      META_TIMEOUT_MS: '1000',
      WAGATE_ANSWER_TIMEOUT_MS: '3000',
      WAGATE_OPERATOR_KEY: operatorKey,
      WAGATE_LOG_LEVEL: 'error',
      ...more,
    };
    gateway = await startGateway(place, { env });
  }
  async function close() {
    await gateway.kill();
    await place.remove();
  }
  beforeEach(async () => {
    await must(call(`${simulator.url}/control/faults`, { method: 'DELETE' }));
  });

  const fault = (action: Record<string, unknown>, times = 1) =>
    must(
      call(`${simulator.url}/control/faults`, {
        body: { match: { phone_number_id: tenant.phoneNumberId }, times, action },
      }),
    );
  const native = (body: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
    call<{ id: string; messageId?: string; code?: string; status: string | number }>(
      `${gateway.url}/api/v1/messages`,
      {
        key: tenant.key,
        headers,
        body: { to: '905321234567', type: 'text', text: { body: 'hello' }, ...body },
      },
    );
  const received = async () =>
    (
      await must<{ data: Received[] }>(
        call(`${simulator.url}/control/received?phone_number_id=${tenant.phoneNumberId}&limit=1000`),
      )
    ).data;

  describe('Meta', () => {
    before(() => open());
    after(close);
    beforeEach(async () => {
      tenant = await newTenant(gateway, simulator.url);
    });

    test('an answer that never came: uncertain, settled by the status, sent once', async () => {
      await fault({ kind: 'reset_after' });
      const answer = await native();
      // The status names the message while the caller still waits.
      assert.equal(answer.status, 200, answer.text);
      const message = await waitForStatus(gateway.url, tenant.key, answer.body.id, 'read');
      assert.ok(message.timeline.some(({ status }) => status === 'uncertain'));
      assert.equal((await received()).length, 1);
    });

    test('a request that Meta never read and cut: uncertain, never sent again, told to the caller', async () => {
      await fault({ kind: 'reset_before' });
      const answer = await native();
      assert.equal(answer.status, 504);
      assert.equal(answer.body.code, 'answer_pending');
      const message = await waitForStatus(gateway.url, tenant.key, answer.body.messageId!, 'uncertain');
      assert.equal(message.wamid, null);
      assert.equal((await received()).length, 0);
    });

    test('a throttling answer is waited out and the message sent', async () => {
      await fault({ kind: 'error', status: 400, code: 130429, message: '(#130429) Rate limit hit' });
      const answer = await native();
      assert.equal(answer.status, 200, answer.text);
      const message = await waitForStatus(gateway.url, tenant.key, answer.body.id, 'read');
      assert.deepEqual(
        message.timeline.map(({ status }) => status).filter(status => status !== 'sending'),
        ['queued', 'queued', 'accepted', 'sent', 'delivered', 'read'],
      );
    });

    test('a pair limit rests that recipient only', async () => {
      await fault({ kind: 'error', status: 400, code: 131056, message: '(#131056) pair rate limit hit' });
      const slow = await native({}, { prefer: 'respond-async' });
      assert.equal(slow.status, 202);
      // The fault has been met once the message waits for its second try.
      await until(async () => {
        const { timeline } = await must<NativeMessage>(
          call(`${gateway.url}/api/v1/messages/${slow.body.id}`, { key: tenant.key }),
        );
        return timeline.some(({ reason }) => reason?.includes('131056'));
      });
      const quick = await native({ to: '4915112345678' });
      assert.equal(quick.status, 200, quick.text);
      const { status } = await waitForStatus(gateway.url, tenant.key, slow.body.id, 'read');
      assert.equal(status, 'read');
    });

    test("a refusal reaches the caller with Meta's own error, and the row", async () => {
      await fault({
        kind: 'error',
        status: 400,
        code: 131026,
        message: '(#131026) Message undeliverable',
        details: 'not on WhatsApp',
      });
      const answer = await native();
      assert.equal(answer.status, 422);
      assert.equal(answer.body.code, 'meta_rejected');
      assert.equal(
        (await waitForStatus(gateway.url, tenant.key, answer.body.messageId!, 'failed')).status,
        'failed',
      );
    });

    test('a late no: accepted, then failed with the reason', async () => {
      await fault({
        kind: 'status_failed',
        code: 131047,
        title: 'Re-engagement message',
        details: 'more than 24 hours',
      });
      const answer = await native();
      assert.equal(answer.status, 200, answer.text);
      const message = await waitForStatus(gateway.url, tenant.key, answer.body.id, 'failed');
      assert.match(message.timeline.at(-1)!.reason!, /131047/);
    });

    test('an answer nobody can read is uncertain, not a reason to send again', async () => {
      await fault({ kind: 'html', status: 502 });
      const answer = await native({}, { prefer: 'respond-async' });
      await waitForStatus(gateway.url, tenant.key, answer.body.id, 'uncertain');
      assert.equal((await received()).length, 0);
    });

    test('a message that may not wait longer expires visibly', async () => {
      await fault({ kind: 'error', status: 500, code: 131016, message: 'Service unavailable' }, 100);
      const answer = await native({ ttlSeconds: 1 }, { prefer: 'respond-async' });
      const message = await waitForStatus(gateway.url, tenant.key, answer.body.id, 'expired');
      assert.equal(message.timeline.at(-1)!.status, 'expired');
    });

    test('a revoked token disconnects the number; connected again, queued messages go out', async () => {
      await fault({ kind: 'error', status: 401, code: 190, message: 'Error validating access token' });
      const refused = await native();
      assert.equal(refused.body.code, 'number_disconnected', refused.text);
      assert.equal((await native()).body.code, 'number_disconnected');
      await must(
        call(`${gateway.url}/api/v1/tenants/${tenant.tenantId}/numbers/${tenant.numberId}`, {
          method: 'PATCH',
          key: operatorKey,
          body: { accessToken: tenant.accessToken },
        }),
      );
      assert.equal((await native()).status, 200);
    });
  });

  describe('ourselves', () => {
    beforeEach(async () => {
      await open();
      tenant = await newTenant(gateway, simulator.url);
    });
    afterEach(close);

    test('stopped with work in hand: everything acknowledged is sent after the next start, once', async () => {
      await must(
        call(`${simulator.url}/control/faults`, {
          body: {
            match: { phone_number_id: tenant.phoneNumberId },
            times: 20,
            action: { kind: 'delay', ms: 200 },
          },
        }),
      );
      const ids = await Promise.all(
        Array.from(
          { length: 300 },
          async (_, i) =>
            (await native({ to: String(905_000_000_000 + i) }, { prefer: 'respond-async' })).body.id,
        ),
      );
      assert.equal(await gateway.stop(), 0);
      gateway = await startGateway(place, { env });
      for (const id of ids) await waitForStatus(gateway.url, tenant.key, id, 'read');
      const got = await received();
      assert.equal(got.length, 300);
      assert.equal(new Set(got.map(one => one.bizOpaqueCallbackData)).size, 300);
    });

    test('killed with -9 again and again while sending: nothing doubled, nothing silently lost, nothing forgotten', async () => {
      const ids: string[] = [];
      for (let round = 0; round < 3; round++) {
        const sent = await Promise.all(
          Array.from({ length: 150 }, async (_, i) => {
            const answer = await native(
              { to: String(905_000_000_000 + round * 1000 + i) },
              { prefer: 'respond-async' },
            ).catch(() => undefined);
            if (i === 100) await gateway.kill();
            return answer?.status === 202 ? answer.body.id : undefined;
          }),
        );
        ids.push(...sent.filter(id => id !== undefined));
        await gateway.kill();
        gateway = await startGateway(place, { env });
      }
      assert.ok(ids.length > 0);
      // What the dead never began is sent by the next; what they began, Meta's statuses settle. A kill that falls between the journal
      // and the first byte leaves that one send uncertain: it is told as such, and was not sent.
      const statusOf = async (id: string) =>
        (await must<NativeMessage>(call(`${gateway.url}/api/v1/messages/${id}`, { key: tenant.key }))).status;
      for (const id of ids) await until(async () => ['read', 'uncertain'].includes(await statusOf(id)));
      await must(call(`${simulator.url}/control/idle?timeout_ms=60000&waba_id=${tenant.wabaId}`));
      const got = new Map<string, number>();
      for (const { bizOpaqueCallbackData: id } of await received()) got.set(id, (got.get(id) ?? 0) + 1);
      for (const id of ids.filter(one => got.has(one)))
        await until(async () => (await statusOf(id)) === 'read');
      const between = ids.filter(id => !got.has(id));
      assert.ok(
        between.length <= 3,
        `${between.length} acknowledged messages of three kills reached no phone`,
      );
      for (const id of between) assert.equal(await statusOf(id), 'uncertain');
      assert.deepEqual(
        [...got].filter(([, times]) => times > 1),
        [],
      );
    });
  });

  describe('a database that stands still', {
    skip: engine === 'sqlite' && 'the embedded one is in the process',
  }, () => {
    before(async () => {
      await open({ WAGATE_MAX_WAITING: '100' });
      tenant = await newTenant(gateway, simulator.url);
    });
    after(close);

    test('holds so many requests and no more; the others hear at once to come back', async () => {
      const first = await native();
      // Meta's webhooks are requests that are held, too: none may be under way.
      await waitForStatus(gateway.url, tenant.key, first.body.id, 'read');
      await must(call(`${simulator.url}/control/idle?timeout_ms=10000&waba_id=${tenant.wabaId}`));
      const holder = new pg.Client({ connectionString: place.env.DATABASE_URL });
      await holder.connect();
      try {
        await holder.query('begin; lock table messages in access exclusive mode');
        let answered = 0;
        const asked = Array.from({ length: 400 }, async (_, i) => {
          const answer = await native({ to: String(905_000_000_000 + i) }, { prefer: 'respond-async' });
          answered++;
          return answer;
        });
        // Answers while nothing can be written: the refusals, and only they.
        await until(async () => answered === 300);
        await holder.query('rollback');
        const answers = await Promise.all(asked);
        const refused = answers.filter(({ status }) => status === 503);
        assert.equal(refused.length, 300);
        for (const { body, headers } of refused) {
          assert.equal(body.code, 'overloaded');
          assert.equal(headers.get('retry-after'), '1');
        }
        const taken = answers.filter(({ status }) => status === 202);
        assert.equal(taken.length, 100);
        for (const { body } of taken) await waitForStatus(gateway.url, tenant.key, body.id, 'read');
        assert.equal((await received()).length, 101);
      } finally {
        await holder.end();
      }
    });
  });
});
