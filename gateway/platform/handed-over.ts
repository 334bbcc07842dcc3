/**
 * What node:cluster forgets: a connection that it has handed to a worker which is killed before it takes it. It would stay open in
 * the supervisor, and its caller would wait for an answer that nobody gives.
 */
import type { Worker } from 'node:cluster';

interface Connection {
  close(): void;
}

/** node:cluster's own messages (lib/internal/cluster in Node); where they are others, nothing is watched. */
interface HandOver {
  act?: unknown;
  seq?: unknown;
  ack?: unknown;
}

/** Closes such connections when the worker ends, so that their callers hear of it and may ask again. */
export function closeForgotten(worker: Worker): void {
  const handed = new Map<unknown, Connection>();
  const channel = worker.process as {
    send(message: HandOver, connection?: Connection, ...rest: unknown[]): boolean;
  };
  const send = channel.send.bind(channel);
  channel.send = (message, connection, ...rest) => {
    if (message.act === 'newconn' && connection !== undefined) handed.set(message.seq, connection);
    return send(message, connection, ...rest);
  };
  worker.process.on('internalMessage', ({ ack }: HandOver) => handed.delete(ack));
  worker.once('exit', () => {
    for (const connection of handed.values()) connection.close();
  });
}
