/** A tenant that broadcasts, and how its broadcasts are asked for. */
import { call, newPlace, type Place, type StartedProgram, startGateway } from './programs.ts';
import { must, newTenant, operatorKey, type TestTenant, until } from './tenant.ts';

export interface ToldBroadcast {
  id: string;
  name: string;
  state: string;
  reason: string | null;
  detail: string | null;
  retryOf: string | null;
  recipients: number;
  skipped: number;
  progress: {
    waiting: number;
    taken: number;
    counts: Record<string, number>;
    errors: { code: number; count: number }[];
  };
}

export interface ToldRecipient {
  phone: string | null;
  state: string;
  reason: string | null;
  status: string | null;
  code: number | null;
  title: string | null;
  messageId: string | null;
  wamid: string | null;
  deliveredAt: string | null;
  dueAt: string | null;
  contactId: number | null;
  variables: Record<string, string>;
}

export interface RecipientPage {
  data: ToldRecipient[];
  next: string | null;
}

const hello = {
  name: 'hello_world',
  language: 'en_US',
  category: 'MARKETING',
  status: 'APPROVED',
  components: [{ type: 'BODY', text: 'Hello {{1}}' }],
};

/** A message of the template with one text, in which variables may stand. */
export const template = (text: string) => ({
  type: 'template',
  template: {
    name: 'hello_world',
    language: { code: 'en_US' },
    components: [{ type: 'body', parameters: [{ type: 'text', text }] }],
  },
});

export interface Broadcasting {
  place: Place;
  gateway: StartedProgram;
  tenant: TestTenant;
  api<T = ToldBroadcast>(path: string, body?: unknown, method?: string): Promise<T>;
  /** The whole ledger, or what the query finds of it. */
  ledger(id: string, query?: string): Promise<ToldRecipient[]>;
  /** At the draft `id`; 200 or not. */
  upload(id: string, body: string, query?: string, type?: string): ReturnType<typeof call>;
  untilState(id: string, ...states: string[]): Promise<ToldBroadcast>;
  /** Who got how many messages of the tenant's, as the simulator counts them. */
  received(): Promise<Map<string, number>>;
  stop(): Promise<void>;
}

export async function startBroadcasting(engine: 'sqlite' | 'postgres'): Promise<Broadcasting> {
  const place = await newPlace(engine);
  const env = { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'warn' };
  const gateway = await startGateway(place, { env });
  const tenant = await newTenant(gateway, gateway.simulatorUrl, { templates: [hello] });
  const { key } = tenant;

  const api = <T>(path: string, body?: unknown, method?: string) =>
    must<T>(
      call<T>(`${gateway.url}/api/v1${path}`, {
        ...{ key, ...(body === undefined ? {} : { body }), ...(method === undefined ? {} : { method }) },
      }),
    );

  return {
    ...{ place, gateway, tenant, api },
    async ledger(id, query = '') {
      const found: ToldRecipient[] = [];
      for (let cursor = ''; ; ) {
        const path = `/broadcasts/${id}/recipients?limit=1000&${query}${cursor}`;
        const page = await api<RecipientPage>(path);
        found.push(...page.data);
        if (page.next === null) return found;
        cursor = `&cursor=${page.next}`;
      }
    },
    upload: (id, body, query = '', type = 'text/csv') =>
      call(`${gateway.url}/api/v1/broadcasts/${id}/recipients?${query}`, {
        ...{ method: 'POST', key, headers: { 'content-type': type }, body },
      }),
    async untilState(id, ...states) {
      let found = await api<ToldBroadcast>(`/broadcasts/${id}`);
      await until(async () => {
        found = await api<ToldBroadcast>(`/broadcasts/${id}`);
        return states.includes(found.state);
      });
      return found;
    },
    async received() {
      const { data } = await must<{ data: { to: string }[] }>(
        call(`${gateway.simulatorUrl}/control/received?phone_number_id=${tenant.phoneNumberId}&limit=10000`),
      );
      const counts = new Map<string, number>();
      for (const { to } of data) counts.set(to, (counts.get(to) ?? 0) + 1);
      return counts;
    },
    async stop() {
      await gateway.stop();
      await place.remove();
    },
  };
}
