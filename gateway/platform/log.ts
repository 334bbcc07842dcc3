/** Structured logs: one wide line per unit of work; never a token, never a message body above level trace. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import pino, { type Logger } from 'pino';

export type Log = Logger;

/** Lines that wait for the disk; further ones are dropped. */
const waitingMaxBytes = 4_000_000;

export function createLog(level: string, file: string | null): Log {
  if (file !== null) mkdirSync(dirname(file), { recursive: true });
  // Workers write to the same place. To a file each write is one piece; to a pipe only as much as this.
  const destination = pino.destination({
    dest: file ?? 1,
    sync: false,
    mkdir: true,
    maxLength: waitingMaxBytes,
    ...(file === null && { maxWrite: 4_096 }),
  });
  // A full disk costs lines of the log, not the gateway.
  destination.on('error', () => undefined);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: ['*.authorization', '*.accessToken', '*.appSecret', '*.verifyToken', '*["x-api-key"]'],
        censor: '[secret]',
      },
    },
    destination,
  );
}

/**
 * For the lines of the hot path, whose members are all named where they are written and none is secret: to look for secrets in them
 * costs more than to write them.
 */
export function plainLines(log: Log): Log {
  return log.child({}, { redact: [] });
}
