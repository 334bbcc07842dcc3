/** Times of the clock on the wall, in the time zones of recipients. */

/** Of a day: `from` 21:00 `to` 08:00 is a night. Minutes since midnight. */
export interface Hours {
  from: number;
  to: number;
}

const minuteMs = 60_000;
const dayMinutes = 1_440;
const dayMs = dayMinutes * minuteMs;

const formats = new Map<string, Intl.DateTimeFormat>();
/** More than there are time zones. */
const formatsMax = 1_000;

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit' },
      ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
    });
    if (formats.size < formatsMax) formats.set(timeZone, format);
  }
  return format;
}

/** What the clock shows there at a moment, as if it were UTC; in whole seconds. */
function wallMs(ms: number, timeZone: string): number {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  );
  return Date.UTC(parts.year!, parts.month! - 1, parts.day!, parts.hour!, parts.minute!, parts.second!);
}

const localTime = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2}))?$/;

/** Whether it is a time of a clock on the wall: `2026-12-01T10:00`. */
export function isLocalTime(text: string): boolean {
  return localTime.test(text) && !Number.isNaN(Date.parse(`${text}Z`));
}

/** When the clock there shows it, in Unix ms. An hour that the clock leaves out in spring is the one after; of one that comes twice it is the first. */
export function momentOf(local: string, timeZone: string): number {
  const wanted = Date.parse(`${local}Z`);
  // By what the clock is off the day before and the day after: the same but where it is changed.
  const moments = [wanted - dayMs, wanted + dayMs].map(
    around => wanted - (wallMs(around, timeZone) - around),
  );
  const fits = moments.toSorted((a, b) => a - b).find(moment => wallMs(moment, timeZone) === wanted);
  return fits ?? Math.max(...moments);
}

/** The end of the quiet hours that this moment is in, in Unix ms; undefined when it is in none. */
export function quietUntil(ms: number, { from, to }: Hours, timeZone: string): number | undefined {
  const wall = new Date(wallMs(ms, timeZone));
  const minute = wall.getUTCHours() * 60 + wall.getUTCMinutes();
  const isQuiet = from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  if (!isQuiet) return undefined;
  const left = (to - minute + dayMinutes) % dayMinutes;
  return Math.floor(ms / minuteMs) * minuteMs + left * minuteMs;
}
