/**
 * Notices from process to process, so that nobody has to wait for the next poll: LISTEN/NOTIFY of PostgreSQL on one connection of
 * its own. Best effort in every respect: what is not heard is found by the polls, so nothing may depend on a notice.
 *
 * A commit with a NOTIFY takes a lock of the whole server. So notices never ride in a transaction of ours: they are gathered and
 * sent by themselves, at most one NOTIFY every 20 ms.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Database } from './database.ts';
import type { Log } from './log.ts';

export interface Notices {
  /** Tells the other processes, soon. False when it is dropped: too long, too many are waiting, or no connection. */
  tell(topic: string, body: unknown): boolean;
  /** Calls `listener` for each notice of another process. Its body may be of another version: check it. */
  hear(topic: string, listener: (body: unknown) => void): void;
  /** Calls `listener` whenever notices begin to arrive, also after an interruption. */
  whenConnected(listener: () => void): void;
  start(): void;
  stop(): Promise<void>;
}

export interface NoticesDeps {
  /** Through which it is tried whether notices arrive, as those of other processes do. */
  database: Database;
  databaseUrl: string;
  /** Where LISTEN works, if that is elsewhere. */
  listenUrl: string | null;
  processId: string;
  log: Log;
}

const channel = 'wagate';
/** PostgreSQL takes less than 8000. */
const payloadMaxBytes = 7_900;
/** What a notice may be: a payload has a frame. */
export const noticeMaxBytes = payloadMaxBytes - 200;
const sendEveryMs = 20;
const waitingMax = 500;
const beatEveryMs = 10_000;
const answerMaxMs = 10_000;
const echoMaxMs = 5_000;
const pausesMs = { lost: { first: 250, most: 10_000 }, unheard: { first: 60_000, most: 3_600_000 } };

/** For the embedded database: there is no other process. */
export const noNotices: Notices = {
  tell: () => false,
  hear: () => undefined,
  whenConnected: () => undefined,
  start: () => undefined,
  stop: async () => undefined,
};

/** The connection is there, and what is told does not arrive on it. */
class Unheard extends Error {}

export function createNotices({ database, databaseUrl, listenUrl, processId, log }: NoticesDeps): Notices {
  const listeners = new Map<string, ((body: unknown) => void)[]>();
  const connectedListeners: (() => void)[] = [];
  const frame = `{"from":${JSON.stringify(processId)},"notices":[`;
  const stopping = new AbortController();
  let client: pg.Client | undefined;
  let waiting: string[] = [];
  let sending = false;
  let running: Promise<void> = Promise.resolve();
  let echoed: () => void = () => undefined;

  async function keepConnected(): Promise<void> {
    let failures = 0;
    let kind: keyof typeof pausesMs = 'lost';
    const connected = () => {
      if (failures > 0) log.info('notices of other processes arrive again');
      failures = 0;
    };
    while (!stopping.signal.aborted) {
      try {
        await session(connected);
      } catch (error) {
        const now = error instanceof Unheard ? 'unheard' : 'lost';
        if (failures === 0 || now !== kind) tellLoss(error);
        failures = now === kind ? failures + 1 : 1;
        kind = now;
        const { first, most } = pausesMs[kind];
        await pause(Math.min(first * 2 ** (failures - 1), most));
      }
    }
  }

  function tellLoss(error: unknown): void {
    if (stopping.signal.aborted) return;
    if (!(error instanceof Unheard))
      log.warn({ err: error }, 'the connection for notices is lost: other processes are polled meanwhile');
    else if (listenUrl === null)
      log.warn(
        'notices do not arrive, so other processes are polled: DATABASE_URL seems to lead through a pooler in transaction ' +
          'mode; set DATABASE_LISTEN_URL to the server itself (docs/operating.md, "Behind a pooler")',
      );
    else
      log.warn(
        'notices do not arrive, so other processes are polled: DATABASE_LISTEN_URL must lead to the database of DATABASE_URL, ' +
          'and not through a pooler in transaction mode',
      );
  }

  /** One connection until it ends, which is a throw, or until the stop. */
  async function session(connected: () => void): Promise<void> {
    const one = new pg.Client({
      connectionString: listenUrl ?? databaseUrl,
      application_name: 'wagate notices',
      connectionTimeoutMillis: answerMaxMs,
      query_timeout: answerMaxMs,
      keepAlive: true,
    });
    const ended = new Promise<never>((_, reject) => {
      one.on('error', reject);
      one.on('end', () => reject(new Error('the connection ended')));
    });
    // It may end when nobody waits for that any more.
    ended.catch(() => undefined);
    one.on('notification', ({ payload }) => heard(payload ?? ''));
    try {
      await one.connect();
      await one.query(`listen ${channel}`);
      await Promise.race([tryEcho(one), ended]);
      client = one;
      connected();
      for (const listener of connectedListeners) listener();
      // A connection that hangs gives no sign of itself: it is asked.
      while (!stopping.signal.aborted) {
        await Promise.race([pause(beatEveryMs), ended]);
        await one.query('select 1');
      }
      await sendWaiting(one);
    } finally {
      client = undefined;
      waiting = [];
      await Promise.race([one.end(), sleep(1_000, undefined, { ref: false })]).catch(() => undefined);
    }
  }

  /** Behind a pooler in transaction mode LISTEN is answered with yes, and nothing ever comes. */
  async function tryEcho(one: pg.Client): Promise<void> {
    const echo = new Promise<boolean>(resolve => (echoed = () => resolve(true)));
    await database.all('select pg_notify($1, $2)', [channel, `${frame}]}`]);
    const late = sleep(echoMaxMs, false, { signal: stopping.signal, ref: false }).catch(() => true);
    if (await Promise.race([echo, late])) return;
    // The server's connection, which another client is given next, would go on listening.
    await one.query('unlisten *').catch(() => undefined);
    throw new Unheard('notices do not arrive');
  }

  function heard(payload: string): void {
    if (payload.startsWith(frame)) {
      echoed();
      return;
    }
    const told = parse(payload) as { notices?: unknown } | null | undefined;
    if (!Array.isArray(told?.notices)) return;
    for (const notice of told.notices) {
      if (!Array.isArray(notice)) continue;
      const [topic, body] = notice as unknown[];
      for (const listener of listeners.get(String(topic)) ?? []) {
        try {
          listener(body);
        } catch (error) {
          log.error({ err: error, topic }, 'a notice was not understood');
        }
      }
    }
  }

  function beginSending(): void {
    if (sending) return;
    sending = true;
    // What is told in this turn goes together.
    setImmediate(() => void keepSending());
  }

  async function keepSending(): Promise<void> {
    while (waiting.length > 0 && client !== undefined && !stopping.signal.aborted) {
      await sendWaiting(client);
      await pause(sendEveryMs);
    }
    sending = false;
  }

  /** As much of what waits as one NOTIFY takes. A failure is the session's to see, and what waited is lost. */
  async function sendWaiting(one: pg.Client): Promise<void> {
    let bytes = frame.length + 2;
    let count = 0;
    while (count < waiting.length) {
      bytes += Buffer.byteLength(waiting[count]!) + 1;
      if (bytes > payloadMaxBytes) break;
      count++;
    }
    if (count === 0) return;
    const payload = `${frame}${waiting.splice(0, count).join(',')}]}`;
    await one.query('select pg_notify($1, $2)', [channel, payload]).catch(() => undefined);
  }

  const pause = (ms: number) =>
    sleep(ms, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);

  return {
    tell(topic, body) {
      if (client === undefined || waiting.length >= waitingMax) return false;
      const notice = JSON.stringify([topic, body]);
      if (Buffer.byteLength(notice) > noticeMaxBytes) return false;
      waiting.push(notice);
      beginSending();
      return true;
    },
    hear(topic, listener) {
      listeners.set(topic, [...(listeners.get(topic) ?? []), listener]);
    },
    whenConnected(listener) {
      connectedListeners.push(listener);
    },
    start() {
      running = keepConnected();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
