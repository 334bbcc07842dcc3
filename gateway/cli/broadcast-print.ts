/** Broadcasts, forecasts and files of recipients as people read them. */
import { isObject, type JsonObject } from '../canonical/json.ts';
import { rowsOf, textOf } from './answer.ts';
import { grouped } from './move-progress.ts';
import { type Cell, plain, printFacts, printNote, shortTime } from './print.ts';

export const partOf = (object: JsonObject, name: string): JsonObject => {
  const part = object[name];
  return isObject(part) ? part : {};
};

export const countOf = (object: JsonObject, name: string): number => Number(object[name] ?? 0);

const timeOf = (object: JsonObject, name: string) => shortTime(textOf(object, name) || null);

export function printBroadcast(broadcast: JsonObject): void {
  const progress = partOf(broadcast, 'progress');
  const facts: Record<string, Cell> = {
    ...{ id: textOf(broadcast, 'id'), name: textOf(broadcast, 'name'), state: textOf(broadcast, 'state') },
    ...{ reason: textOf(broadcast, 'reason'), detail: textOf(broadcast, 'detail') },
    numbers: Array.isArray(broadcast.numbers) ? broadcast.numbers.join(', ') : '',
    'retry of': textOf(broadcast, 'retryOf'),
    recipients: `${grouped(countOf(broadcast, 'recipients'))}${broadcast.launchedAt !== null && broadcast.isFrozen === false ? ' so far' : ''}`,
    skipped: grouped(countOf(broadcast, 'skipped')),
  };
  if (broadcast.launchedAt !== null) {
    facts.waiting = grouped(countOf(progress, 'waiting'));
    facts.taken = grouped(countOf(progress, 'taken'));
    for (const [status, count] of Object.entries(partOf(progress, 'counts')))
      facts[`  ${status}`] = grouped(Number(count));
    facts['per second'] = textOf(progress, 'perSecond');
    facts.finishes = timeOf(progress, 'finishesAt');
  }
  printFacts({
    ...facts,
    ...{ starts: timeOf(broadcast, 'startAt'), started: timeOf(broadcast, 'startedAt') },
    ended: timeOf(broadcast, 'endedAt'),
  });
  for (const error of rowsOf(progress, 'errors')) printNote(errorLine(error));
}

/** Why messages failed, and what to do about it. */
export function errorLine(error: JsonObject): string {
  const code = textOf(error, 'code');
  const action = textOf(error, 'action');
  const what = `${code === '' ? '' : `${code} `}${plain(textOf(error, 'title'))}`;
  return `${grouped(countOf(error, 'count'))} × ${what}${action === '' ? '' : `: ${plain(action)}`}`;
}

export function printForecast(forecast: JsonObject): void {
  const { cost, messagingLimit } = forecast;
  const count = (name: string) => grouped(countOf(forecast, name));
  const none = (name: string) => (countOf(forecast, name) === 0 ? '' : count(name));
  const facts: Record<string, Cell> = {
    ...{ recipients: count('recipients'), invalid: none('invalid'), 'opted out': none('optedOut') },
    ...{ 'window closed': none('windowClosed'), messages: count('messages') },
    ...{ 'in window': none('inWindow'), 'out of window': none('outOfWindow') },
    ...{ 'per second': textOf(forecast, 'perSecond'), finishes: timeOf(forecast, 'finishesAt') },
  };
  if (isObject(cost)) {
    facts.cost = amountOf(countOf(cost, 'feeMicros') + countOf(cost, 'priceMicros'));
    facts.balance = amountOf(countOf(cost, 'availableMicros'));
  }
  if (isObject(messagingLimit))
    facts["Meta's limit"] =
      `${textOf(messagingLimit, 'tier')}, ${grouped(countOf(messagingLimit, 'left'))} left`;
  printFacts(facts);
  for (const warning of warningsOf(forecast)) printNote(warning);
}

function warningsOf(forecast: JsonObject): string[] {
  const { cost, messagingLimit } = forecast;
  const messages = countOf(forecast, 'messages');
  const warnings: string[] = [];
  if (isObject(cost) && countOf(cost, 'covered') < messages) {
    const covered = countOf(cost, 'covered');
    const limit = covered === 0 ? '' : `, or --limit ${covered} sends what is covered`;
    warnings.push(
      `The balance covers ${grouped(covered)} of ${grouped(messages)} messages; then it pauses. Top up${limit}.`,
    );
  }
  if (isObject(messagingLimit) && countOf(messagingLimit, 'exceeding') > 0)
    warnings.push(
      `${grouped(countOf(messagingLimit, 'exceeding'))} messages go beyond Meta's limit of today, as far as it is known here.`,
    );
  if (countOf(forecast, 'invalid') > 0)
    warnings.push(
      `${grouped(countOf(forecast, 'invalid'))} lack a variable, or it makes the content invalid: {{name|otherwise}} says what stands there instead.`,
    );
  return warnings;
}

/** Micros as an amount: 1234500 → 1.2345 */
const amountOf = (micros: number) => (micros / 1e6).toFixed(6).replace(/(\.\d\d\d*?)0+$/, '$1');

const errorsShown = 20;

export function printAdded(added: JsonObject): void {
  const errors = rowsOf(added, 'errors');
  for (const one of errors.slice(0, errorsShown)) {
    const field = textOf(one, 'field');
    printNote(`line ${textOf(one, 'line')}: ${field === '' ? '' : `${field} `}${textOf(one, 'message')}`);
  }
  const failed = countOf(added, 'failed');
  if (failed > errorsShown) printNote(`… and ${grouped(failed - errorsShown)} more.`);
  const parts = (['made', 'already', 'excluded', 'skipped', 'failed'] as const)
    .filter(name => countOf(added, name) > 0)
    .map(name => `${grouped(countOf(added, name))} ${words[name]}`);
  printNote(`${grouped(countOf(added, 'rows'))} rows: ${parts.join(', ') || 'nobody'}.`);
}

const words = {
  made: 'added',
  already: 'there already',
  excluded: 'left out by the audience',
  skipped: 'that will get none because a variable is missing',
  failed: 'not taken',
};
