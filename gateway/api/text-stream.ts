/** An answer of any length, written as fast as the client reads it. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Log } from '../platform/log.ts';
import type { Streaming } from './route.ts';

/** When a part fails, the connection is cut: a client must not take half a file for a whole one. */
export function textStream(contentType: string, parts: AsyncIterable<string>, log: Log): Streaming {
  return {
    stream(raw) {
      raw.writeHead(200, { 'content-type': contentType });
      pipeline(Readable.from(parts, { objectMode: true, highWaterMark: 1 }), raw).catch(error => {
        if ((error as { code?: string }).code !== 'ERR_STREAM_PREMATURE_CLOSE')
          log.error({ err: error }, 'an answer broke off');
      });
    },
  };
}
