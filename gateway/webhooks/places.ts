/**
 * How many POSTs this process has under way, so that no endpoint can take them all. There are two kinds of places: quick ones, and slow
 * ones for whoever failed lately or is slow. A POST that takes long moves from a quick place to a slow one. So quick endpoints are held up
 * by others for a second at most, however many hang.
 */
import { steadyMs } from '../platform/clock.ts';

export type PlaceKind = 'quick' | 'slow';

export interface Place {
  kind: PlaceKind;
  since: number;
  /** Called once when the POST takes long. */
  late: () => void;
}

export interface Places {
  /** undefined when none is free, or others wait for one. */
  take(kind: PlaceKind): Place | undefined;
  /** Calls `then` with a place once there is one, in the order of asking; whoever gets one uses it or gives it back. */
  wait(kind: PlaceKind, then: (place: Place) => void): void;
  give(place: Place): void;
  /** Places that are taken. */
  taken(): Record<PlaceKind, number>;
  stop(): void;
}

export interface PlacesOptions {
  quickMax: number;
  slowMax: number;
  slowAfterMs: number;
}

export function createPlaces({ quickMax, slowMax, slowAfterMs }: PlacesOptions): Places {
  const most = { quick: quickMax, slow: slowMax };
  const taken = { quick: 0, slow: 0 };
  const waiting: Record<PlaceKind, ((place: Place) => void)[]> = { quick: [], slow: [] };
  /** In the order in which they were taken. */
  const quick = new Set<Place>();

  const timer = setInterval(moveLate, Math.ceil(slowAfterMs / 4));
  timer.unref();

  function occupy(kind: PlaceKind): Place {
    taken[kind]++;
    const place = { kind, since: steadyMs(), late: () => undefined };
    if (kind === 'quick') quick.add(place);
    return place;
  }

  function moveLate(): void {
    const before = steadyMs() - slowAfterMs;
    for (const place of quick) {
      if (place.since > before) return;
      place.late();
      place.late = () => undefined;
      // When these are all taken as well it stays where it is: what is under way at all is bounded.
      if (taken.slow >= most.slow) continue;
      quick.delete(place);
      taken.quick--;
      taken.slow++;
      place.kind = 'slow';
      serve('quick');
    }
  }

  function serve(kind: PlaceKind): void {
    while (taken[kind] < most[kind]) {
      const then = waiting[kind].shift();
      if (then === undefined) return;
      then(occupy(kind));
    }
  }

  return {
    take(kind) {
      return taken[kind] < most[kind] && waiting[kind].length === 0 ? occupy(kind) : undefined;
    },
    wait(kind, then) {
      waiting[kind].push(then);
      serve(kind);
    },
    give(place) {
      quick.delete(place);
      taken[place.kind]--;
      serve(place.kind);
    },
    taken: () => ({ ...taken }),
    stop: () => clearInterval(timer),
  };
}
