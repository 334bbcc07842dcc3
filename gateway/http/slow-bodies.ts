/**
 * Requests that are held, and how long their bodies may take: a minute in all; of a file, a minute without a byte. Looked at now and
 * then rather than timed one by one, so that a request costs an entry in a set.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { steadyMs } from '../platform/clock.ts';

export interface SlowBodies {
  held(): number;
  /** Until the answer is closed. */
  hold(response: ServerResponse, takesFiles: boolean): void;
  stop(): void;
}

export interface SlowBodyOptions {
  limitMs: number;
  lookEveryMs: number;
}

export function watchSlowBodies(
  { limitMs, lookEveryMs }: SlowBodyOptions = { limitMs: 60_000, lookEveryMs: 10_000 },
): SlowBodies {
  const requests = new Map<IncomingMessage, boolean>();
  const marks = new WeakMap<IncomingMessage, { bytes: number; sinceMs: number }>();

  function letGo(this: ServerResponse): void {
    requests.delete(this.req);
  }

  const looking = setInterval(() => {
    for (const [request, takesFiles] of requests) {
      if (request.complete) continue;
      const mark = marks.get(request);
      const bytes = request.socket.bytesRead;
      if (mark === undefined || (takesFiles && bytes > mark.bytes))
        marks.set(request, { bytes, sinceMs: steadyMs() });
      else if (steadyMs() - mark.sinceMs >= limitMs) cut(request);
    }
  }, lookEveryMs);
  looking.unref();

  return {
    held: () => requests.size,
    hold(response, takesFiles) {
      requests.set(response.req, takesFiles);
      response.once('close', letGo);
    },
    stop: () => clearInterval(looking),
  };
}

/** Nothing was answered yet: the body is what the answer waits for. */
function cut({ socket }: IncomingMessage): void {
  if (socket.writable)
    socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  socket.destroySoon();
}
