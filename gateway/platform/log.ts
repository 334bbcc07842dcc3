/** Structured logs: one wide line per unit of work; never a token, never a message body above level trace. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import pino, { type Logger } from 'pino';

export type Log = Logger;

export function createLog(level: string, file: string | null): Log {
  if (file !== null) mkdirSync(dirname(file), { recursive: true });
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
    pino.destination({ dest: file ?? 1, sync: false, mkdir: true }),
  );
}
