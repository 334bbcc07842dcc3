/** Reads the server-sent events of the gateway until told to stop. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Heard {
  event: string;
  data: Record<string, unknown>;
}

export interface Listening {
  events: Heard[];
  /** Resolves when an event like this has come. */
  heard(matches: (heard: Heard) => boolean): Promise<Heard>;
  stop(): Promise<void>;
}

export async function listen(url: string, key: string): Promise<Listening> {
  const abort = new AbortController();
  const response = await fetch(url, { headers: { authorization: `Bearer ${key}` }, signal: abort.signal });
  if (response.status !== 200 || response.body === null)
    throw new Error(`no stream: ${await response.text()}`);
  const events: Heard[] = [];
  const done = read(response.body, events).catch(() => undefined);
  return {
    events,
    async heard(matches) {
      for (let waited = 0; waited < 10_000; waited += 20) {
        const found = events.find(matches);
        if (found !== undefined) return found;
        await sleep(20);
      }
      throw new Error(`not heard; heard were ${JSON.stringify(events)}`);
    },
    async stop() {
      abort.abort();
      await done;
    },
  };
}

async function read(body: AsyncIterable<Uint8Array>, events: Heard[]): Promise<void> {
  let rest = '';
  for await (const part of body) {
    const blocks = (rest + Buffer.from(part).toString()).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      if (event !== undefined && data !== undefined) events.push({ event, data: JSON.parse(data) });
    }
  }
}
