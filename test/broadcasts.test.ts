/** Broadcasts as a tenant makes them: frozen, fed, paced, paused, resumed, canceled, ended; everybody once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { onEachEngine } from './harness/engines.ts';
import { call, newPlace, type Place, type Program, startGateway } from './harness/programs.ts';
import { must, newTenant, operatorKey, type TestTenant, until } from './harness/tenant.ts';

interface Broadcast {
  id: string;
  state: string;
  reason: string | null;
  detail: string | null;
  recipients: number;
  skipped: number;
  progress: {
    waiting: number;
    taken: number;
    counts: Record<string, number>;
    errors: { code: number; count: number }[];
  };
}

const hello = {
  name: 'hello_world',
  language: 'en_US',
  category: 'MARKETING',
  status: 'APPROVED',
  components: [{ type: 'BODY', text: 'Hello {{1}}' }],
};

const template = (text: string) => ({
  type: 'template',
  template: {
    name: 'hello_world',
    language: { code: 'en_US' },
    components: [{ type: 'body', parameters: [{ type: 'text', text }] }],
  },
});

onEachEngine(engine => {
  describe('broadcasts', () => {
    let place: Place;
    let gateway: Program;
    let tenant: TestTenant;

    before(async () => {
      place = await newPlace(engine);
      gateway = await startGateway(place, {
        env: { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'warn' },
      });
      tenant = await newTenant(gateway, gateway.simulatorUrl, { templates: [hello] });
    });
    after(async () => {
      await gateway?.stop();
      await place?.remove();
    });

    const api = <T = Broadcast>(path: string, body?: unknown, method?: string) =>
      must<T>(
        call(`${gateway.url}/api/v1${path}`, {
          key: tenant.key,
          ...(body === undefined ? {} : { body }),
          ...(method === undefined ? {} : { method }),
        }),
      );
    const broadcast = (id: string) => api(`/broadcasts/${id}`);

    async function untilState(id: string, ...states: string[]): Promise<Broadcast> {
      let found: Broadcast | undefined;
      await until(async () => {
        found = await broadcast(id);
        return states.includes(found.state);
      });
      return found!;
    }

    test('to people one by one: everyone once, however it is written, with variables', async () => {
      const made = await api('/broadcasts', {
        name: 'one by one',
        message: template('{{name|friend}}'),
        audience: {
          phones: [
            { phone: '+905320000001', variables: { name: 'Ayşe' } },
            '905320000001',
            '+90 532 000 00 02',
            '+5511987654321',
            '+551187654321',
          ],
        },
        launch: true,
      });
      const ended = await untilState(made.id, 'completed');
      assert.equal(ended.recipients, 3);
      assert.equal(ended.progress.taken, 3);
      const got = await receivedBy();
      assert.deepEqual(
        got.map(({ to, text }) => [to, text]).sort(),
        [
          ['5511987654321', 'friend'],
          ['905320000001', 'Ayşe'],
          ['905320000002', 'friend'],
        ].sort(),
      );
    });

    async function receivedBy(): Promise<{ to: string; text: string }[]> {
      const page = await must<{
        data: { to: string; body: { template: { components: { parameters: { text: string }[] }[] } } }[];
      }>(
        call(`${gateway.simulatorUrl}/control/received?phone_number_id=${tenant.phoneNumberId}&limit=10000`),
      );
      return page.data.map(({ to, body }) => ({
        to,
        text: body.template.components[0]!.parameters[0]!.text,
      }));
    }
  });
});
