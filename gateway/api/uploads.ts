/** Files of people that are read as they come: of which types, how many at once, and what is left of them when the gateway stops. */
import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Refusal } from '../canonical/refusal.ts';
import type { FileFormat } from '../contacts/file-rows.ts';
import type { Log } from '../platform/log.ts';

export const csvType = 'text/csv';
export const jsonTypes = ['application/x-ndjson', 'application/jsonl', 'application/x-jsonlines'] as const;

export interface Uploads {
  /** `about`: for the log, of one that is broken off. */
  read<T extends object>(
    upload: Readable,
    about: object,
    work: (source: AsyncIterable<Uint8Array>, isStopping: () => boolean) => Promise<T | Refusal>,
  ): Promise<T | Refusal>;
}

/** At once in one process: each holds a batch in memory. */
const uploadsMax = 4;

export function createUploads(listener: FastifyInstance, log: Log): Uploads {
  let running = 0;
  let stopping = false;
  // A long upload must not hold up the end; it is taken up again elsewhere.
  listener.addHook('preClose', done => {
    stopping = true;
    done();
  });

  return {
    async read(upload, about, work) {
      if (running >= uploadsMax) return { code: 'overloaded', retryAfterSeconds: 5 };
      running++;
      try {
        // A refusal amid the file has to reach whoever sends it.
        return await work(upload.iterator({ destroyOnReturn: false }), () => stopping);
      } catch (error) {
        if (!upload.readableAborted && !upload.destroyed) throw error;
        // Nobody is there to be told.
        log.info(about, 'an upload was broken off');
        return { code: 'body_unreadable', reason: 'the upload was broken off' };
      } finally {
        running--;
      }
    },
  };
}

export const formatOf = (headers: Record<string, string | string[] | undefined>): FileFormat =>
  /^\s*text\/csv/i.test(String(headers['content-type'])) ? 'csv' : 'ndjson';

/** Of a file that goes out: what is asked for, else what the client takes. */
export const askedFormat = (
  asked: FileFormat | undefined,
  headers: Record<string, string | string[] | undefined>,
): FileFormat => asked ?? (String(headers.accept ?? '').includes('ndjson') ? 'ndjson' : 'csv');

export const typeOf = (format: FileFormat): string =>
  format === 'csv' ? `${csvType}; charset=utf-8` : jsonTypes[0];
