/** What a run comes to, for people. */
import type { Done } from './chaos.ts';
import type { Bite } from './load.ts';
import type { Offence, Verdict } from './oracle.ts';

export interface Report {
  seed: number;
  engine: string;
  calm: boolean;
  processes: number;
  ms: number;
  done: Done;
  requests: { taken: number; refused: number; unknown: number };
  /** Refused for the limit of the key, and for the balance. */
  bitten: Record<Bite, number>;
  topUps: number;
  /** The least that any tenant was told to have available, in micros. */
  lowestMicros: number;
  /** Asked again under their Idempotency-Key, since nobody had said how they ended. */
  repeated: number;
  broadcasts: { launched: number; moves: number; completed: number; canceled: number };
  messages: number;
  atPhones: number;
  /** Everything came to an end within the time. */
  settled: boolean;
  /** What phones wrote. */
  incoming: number;
  /** What customers' endpoints were posted, by whom no secret signed it, and what they answered with a yes. */
  told: { posts: number; events: number; taken: number; unsigned: number };
  /** The most any number sent in a second. */
  peakPerSecond: number;
  /** What was charged, and by how much it and what is held differ from what reached phones. */
  microsCharged: number;
  microsAstray: number;
  /** Of `wagate doctor` at the end. */
  moneyProved: boolean;
  /** Answers 500: few, and each worth a look. */
  faultsTold: number;
  /** Why the disk was never full; null when it was. */
  diskSkipped: string | null;
  settleMs: number;
  offences: (Offence & { timeline: unknown })[];
  uncertain: Verdict['uncertain'];
  crashes: string[];
  uncleanStops: string[];
  failedStarts: number;
}

/** Of the numbers of a run: Meta's STANDARD throughput. */
export const ratePerSecond = 80;

const kinds = ['lost', 'doubled', 'astray', 'disagreement', 'overrun', 'limit', 'money'] as const;

export function isClean(report: Report): boolean {
  const { calm, offences, uncertain, settled, crashes, moneyProved, told } = report;
  const inDoubt = calm ? uncertain.length : 0;
  return (
    told.unsigned === 0 &&
    moneyProved &&
    offences.length === 0 &&
    inDoubt === 0 &&
    settled &&
    crashes.length === 0
  );
}

export function printReport(report: Report, print: (line: string) => void): void {
  const { done, requests, offences, uncertain } = report;
  const row = (name: string, value: unknown) => print(`${name.padEnd(40)} ${value}`);
  print('');
  row('engine, processes', `${report.engine}, ${report.processes}`);
  row(
    'took',
    `${(report.ms / 1000).toFixed(1)} s, of which settling ${(report.settleMs / 1000).toFixed(1)} s`,
  );
  row('kill -9', done.kills);
  row('graceful restarts, stalls', `${done.restarts}, ${done.stalls}`);
  row('database stopped', done.databaseStops);
  row('faults of Meta, silences', `${done.faults}, ${done.silences}`);
  row('disk full', report.diskSkipped === null ? done.fullDisks : `SKIPPED: ${report.diskSkipped}`);
  row('clock set', done.clockSteps);
  row('requests taken, refused, unknown', `${requests.taken}, ${requests.refused}, ${requests.unknown}`);
  row('of which answered 500', report.faultsTold);
  row('refused for limit, for balance', `${report.bitten.limit}, ${report.bitten.balance}`);
  row('top-ups, least available', `${report.topUps}, ${report.lowestMicros} micros`);
  row('asked again under their key', report.repeated);
  const { launched, moves, completed, canceled } = report.broadcasts;
  row('broadcasts, moves, to their end, canceled', `${launched}, ${moves}, ${completed}, ${canceled}`);
  row('messages, at phones, incoming', `${report.messages}, ${report.atPhones}, ${report.incoming}`);
  row(
    'posts, events told, of them taken',
    `${report.told.posts}, ${report.told.events}, ${report.told.taken}`,
  );
  row('posts nobody signed', report.told.unsigned);
  row('most sent by a number in a second', `${report.peakPerSecond} (it may ${ratePerSecond})`);
  row('micros charged', report.microsCharged);
  row('micros astray', report.microsAstray);
  row('balance proved (wagate doctor)', report.moneyProved);
  for (const kind of kinds) row(kind, offences.filter(offence => offence.kind === kind).length);
  row('crashes, unclean stops', `${report.crashes.length}, ${report.uncleanStops.length}`);
  row('failed starts (no database)', report.failedStarts);
  row('settled in time', report.settled);
  row('uncertain, not at a phone', uncertain.length);
  for (const [reason, those] of Map.groupBy(uncertain, one => one.reason)) row(`  ${those.length}`, reason);
  for (const { kind, what, id, asked, row: message, atPhone, timeline } of offences.slice(0, 10)) {
    print(`\n${kind.toUpperCase()}: ${what} (${id ?? 'no id'})`);
    print(`  asked    ${JSON.stringify(asked)}`);
    print(`  gateway  ${JSON.stringify(message)}`);
    print(`  phone    ${JSON.stringify(atPhone)}`);
    print(`  timeline ${JSON.stringify(timeline)}`);
  }
  for (const crash of report.crashes.slice(0, 5)) print(`\nCRASH: ${crash}`);
  for (const stop of report.uncleanStops.slice(0, 5)) print(`\nUNCLEAN STOP: ${stop}`);
  print(`\n${isClean(report) ? 'PASSED' : 'FAILED'}, seed ${report.seed}`);
}
