/** What tests of broadcasts say to the gateway and read at the simulator. */
import { call } from './programs.ts';
import { must, type TestTenant, until } from './tenant.ts';

export interface TestBroadcast {
  id: string;
  state: string;
  reason: string | null;
  detail: string | null;
  recipients: number;
  skipped: number;
  limit: number | null;
  progress: {
    waiting: number;
    taken: number;
    counts: Record<string, number>;
    errors: { code: number; count: number }[];
  };
}

/** A marketing template with one variable, for an account at the simulator. */
export const offerTemplate = {
  name: 'offer',
  language: 'en_US',
  category: 'MARKETING',
  status: 'APPROVED',
  components: [{ type: 'BODY', text: 'Hello {{1}}, see our offer.' }],
};

export const offer = (text: string) => ({
  type: 'template',
  template: {
    name: 'offer',
    language: { code: 'en_US' },
    components: [{ type: 'body', parameters: [{ type: 'text', text }] }],
  },
});

export interface Received {
  to: string;
  text: string;
  acceptedAt: number;
}

/** `urls`: where the gateway is at the moment. */
export function broadcasting(urls: () => { url: string; simulatorUrl: string }, tenant: TestTenant) {
  const api = <T = TestBroadcast>(path: string, body?: unknown, method?: string) =>
    must<T>(
      call(`${urls().url}/api/v1${path}`, {
        key: tenant.key,
        ...(body === undefined ? {} : { body }),
        ...(method === undefined ? {} : { method }),
      }),
    );

  async function untilState(id: string, ...states: string[]): Promise<TestBroadcast> {
    let found: TestBroadcast | undefined;
    await until(async () => {
      found = await api(`/broadcasts/${id}`);
      return states.includes(found!.state);
    }, 60_000);
    return found!;
  }

  /** Until nothing of it is being sent. */
  async function untilQuiet(id: string): Promise<TestBroadcast> {
    let found: TestBroadcast | undefined;
    await until(async () => {
      found = await api(`/broadcasts/${id}`);
      return (found!.progress.counts.sending ?? 0) === 0;
    });
    return found!;
  }

  /** What the tenant's number sent, as its phones got it. */
  async function received(): Promise<Received[]> {
    const got: Received[] = [];
    for (let cursor = '0'; ; ) {
      const page = await must<{
        cursor: string;
        data: {
          to: string;
          acceptedAt: number;
          body: { template?: { components: { parameters: { text: string }[] }[] } };
        }[];
      }>(
        call(
          `${urls().simulatorUrl}/control/received?phone_number_id=${tenant.phoneNumberId}&limit=5000&after=${cursor}`,
        ),
      );
      if (page.data.length === 0) return got;
      cursor = page.cursor;
      got.push(
        ...page.data.map(({ to, acceptedAt, body }) => ({
          ...{ to, acceptedAt },
          text: body.template?.components[0]?.parameters[0]?.text ?? '',
        })),
      );
    }
  }

  /** Contacts with phones in a row, under a tag of their own. */
  async function tagged(
    name: string,
    first: number,
    count: number,
    attributes: object = {},
  ): Promise<number> {
    const { id } = await api<{ id: number }>('/tags', { name });
    const rows = Array.from({ length: count }, (_, i) =>
      JSON.stringify({ phone: `+${first + i}`, name: `Contact ${i}`, tags: [name], attributes }),
    );
    await must(
      call(`${urls().url}/api/v1/contacts/import`, {
        key: tenant.key,
        headers: { 'content-type': 'application/x-ndjson' },
        body: rows.join('\n'),
      }),
    );
    return id;
  }

  return { api, untilState, untilQuiet, received, tagged };
}

/** Phones that got more than one message. */
export const doubled = (got: Received[]): string[] =>
  [...Map.groupBy(got, ({ to }) => to)].filter(([, all]) => all.length > 1).map(([to]) => to);
