/** Shows what happens to one message until nothing more is expected. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../canonical/json.ts';
import { isFinal, type MessageStatus } from '../canonical/status.ts';
import { systemClock } from '../platform/clock.ts';
import { rowsOf, textOf } from './answer.ts';
import type { Client } from './client.ts';
import { failed } from './failure.ts';
import { plain, printFacts, printLine } from './print.ts';

const everyMs = 200;

/** The message at its end. Fails when it ended badly or did not end in time. */
export async function followMessage(
  client: Client,
  id: string,
  seconds: number,
  quiet: boolean,
): Promise<JsonObject> {
  const until = systemClock.now() + seconds * 1000;
  const told = new Set<string>();
  for (let first = true; ; first = false) {
    const message = await client.request('GET', `/api/v1/messages/${encodeURIComponent(id)}`);
    if (!quiet && first) printFacts({ id, to: textOf(message, 'to'), wamid: textOf(message, 'wamid') });
    for (const moment of rowsOf(message, 'timeline')) {
      const line = momentLine(moment);
      if (!quiet && !told.has(line)) printLine(line);
      told.add(line);
    }
    const status = textOf(message, 'status');
    if (isFinal(status as MessageStatus)) {
      if (status !== 'read' && status !== 'played') throw failed(`Message ${id} is ${status}.`, message);
      return message;
    }
    if (systemClock.now() > until) throw failed(`Message ${id} is ${status} after ${seconds} s.`, message);
    await sleep(everyMs);
  }
}

export function momentLine(moment: JsonObject): string {
  const reason = textOf(moment, 'reason');
  const time = textOf(moment, 'at').slice(11, 23);
  return plain(`${time} ${textOf(moment, 'status')}`) + (reason === '' ? '' : `: ${plain(reason)}`);
}
