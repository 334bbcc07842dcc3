/**
 * One client of a server-sent event stream. What it has not read is bounded: a client that is too slow is told so and
 * dropped, rather than let it hold memory; it reads on with GET /api/v1/messages.
 */
import type { ServerResponse } from 'node:http';

export interface EventStream {
  /** False once the stream has ended, for whatever reason. */
  send(event: string, data: object): boolean;
  /** A comment that keeps proxies from closing a quiet connection. */
  beat(): void;
  end(event: string, data: object): void;
}

const waitingMax = 1024 * 1024;
/** A client that reads nothing any more gets this long to take its last event. */
const lingerMs = 2_000;

export function openEventStream(raw: ServerResponse, onEnd: () => void): EventStream {
  let ended = false;
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // nginx holds back what it proxies unless told so.
    'x-accel-buffering': 'no',
  });
  // The client sees at once that it is connected.
  raw.write(': connected\n\n');
  raw.once('close', finish);
  raw.on('error', finish);
  // Gone while its key was looked up: 'close' has been told to nobody.
  if (raw.destroyed || raw.closed) setImmediate(finish);

  function finish(): void {
    if (ended) return;
    ended = true;
    onEnd();
  }

  function end(event: string, data: object): void {
    if (ended) return;
    raw.end(textOf(event, data));
    finish();
    setTimeout(() => raw.destroy(), lingerMs).unref();
  }

  return {
    send(event, data) {
      if (ended) return false;
      raw.write(textOf(event, data));
      if (raw.writableLength > waitingMax) {
        end('dropped', { reason: 'This client reads too slowly; read on with GET /api/v1/messages.' });
      }
      return !ended;
    },
    beat() {
      if (!ended) raw.write(': beat\n\n');
    },
    end,
  };
}

const textOf = (event: string, data: object) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
