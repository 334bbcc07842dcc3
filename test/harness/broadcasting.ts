/** A gateway with a tenant that broadcasts (broadcast-flow.ts), and how its ledgers are asked for. */
import { broadcasting, offerTemplate, type TestBroadcast } from './broadcast-flow.ts';
import { call, newPlace, type Place, type StartedProgram, startGateway } from './programs.ts';
import { newTenant, operatorKey, type TestTenant } from './tenant.ts';

export interface ToldBroadcast extends TestBroadcast {
  name: string;
  retryOf: string | null;
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

export async function startBroadcasting(
  engine: 'sqlite' | 'postgres',
  more: Record<string, string> = {},
): Promise<Broadcasting> {
  const place = await newPlace(engine);
  const env = { WAGATE_OPERATOR_KEY: operatorKey, WAGATE_LOG_LEVEL: 'warn', ...more };
  const gateway = await startGateway(place, { env });
  const tenant = await newTenant(gateway, gateway.simulatorUrl, { templates: [offerTemplate] });
  const { key } = tenant;
  const { api, untilState, received } = broadcasting(() => gateway, tenant);

  return {
    ...{ place, gateway, tenant },
    api: <T = ToldBroadcast>(path: string, body?: unknown, method?: string) => api<T>(path, body, method),
    untilState: async (id, ...states) => (await untilState(id, ...states)) as ToldBroadcast,
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
    async received() {
      const byPhone = Map.groupBy(await received(), ({ to }) => to);
      return new Map([...byPhone].map(([to, all]) => [to, all.length]));
    },
    async stop() {
      await gateway.stop();
      await place.remove();
    },
  };
}
