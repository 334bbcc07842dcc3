/**
 * The slices of one audience, one after the other. On PostgreSQL the next is read while one is written, which takes longer; on the
 * embedded engine nothing runs beside a statement.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Database } from '../platform/database.ts';
import type { Broadcast, Freezing } from './broadcast.ts';
import { freezingAfter, type ReadSlice, readSlice } from './freeze.ts';

/** Contacts of one slice: on the embedded engine everybody else waits while it is written. */
const sliceRows = { sqlite: 250, postgres: 2_000 };

export type FreezingBroadcast = Broadcast & { freezing: Freezing };

export interface Slices {
  /** What comes next, as the broadcast stands. */
  next(broadcast: FreezingBroadcast): Promise<ReadSlice>;
}

export function createSlices(database: Database, now: () => number): Slices {
  let ahead: { from: Freezing; slice: Promise<ReadSlice> } | undefined;

  const read = (broadcast: FreezingBroadcast) =>
    readSlice(database, broadcast, sliceRows[database.engine], now());

  function readAhead(broadcast: FreezingBroadcast, { next }: ReadSlice): void {
    const from = freezingAfter(broadcast, broadcast.freezing, next);
    if (from === null) return;
    const slice = read({ ...broadcast, freezing: from });
    // Whoever asks for it hears of it; perhaps nobody does.
    slice.catch(() => undefined);
    ahead = { from, slice };
  }

  return {
    async next(broadcast) {
      const known = ahead;
      ahead = undefined;
      const isNext = known !== undefined && isDeepStrictEqual(known.from, broadcast.freezing);
      const slice = await (isNext ? known.slice : read(broadcast));
      if (database.engine === 'postgres') readAhead(broadcast, slice);
      return slice;
    },
  };
}
