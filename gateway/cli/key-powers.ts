/** Powers of an API key as flags and as a line of text. */
import { type Command, InvalidArgumentError } from 'commander';
import { isObject, type Json } from '../canonical/json.ts';
import { tellAmount } from '../canonical/money.ts';
import { usage } from './failure.ts';
import { wholeNumber } from './whole-number.ts';

export interface PowerFlags {
  readOnly?: boolean;
  sendOnly?: boolean;
  template?: string[];
  number?: number[] | undefined;
  dailyCount?: number;
  dailySpend?: number;
  ip?: string[];
}

export function withPowers(command: Command): Command {
  return command
    .option('--read-only', 'nothing but reading')
    .option('--send-only', 'nothing but sending')
    .option('--template <names>', 'only these templates, with commas', list)
    .option('--number <ids>', 'only these numbers, with commas', text => list(text).map(wholeNumber))
    .option('--daily-count <n>', 'messages in one day of UTC', wholeNumber)
    .option('--daily-spend <amount>', 'money in one day of UTC, as 5.00', micros)
    .option('--ip <networks>', 'only from these addresses, as 203.0.113.7,10.0.0.0/8', list);
}

/** As the API takes them; undefined when no flag speaks of powers. */
export function powersOf(flags: PowerFlags): object | undefined {
  const { readOnly, sendOnly, template, number, dailyCount, dailySpend, ip } = flags;
  if (readOnly === true && sendOnly === true)
    throw usage('--read-only and --send-only leave nothing to do: give one of them.');
  const access = readOnly === true ? 'read' : sendOnly === true ? 'send' : undefined;
  const all = {
    ...{ access, templates: template, numbers: number },
    ...{ messagesPerDay: dailyCount, microsPerDay: dailySpend, addresses: ip },
  };
  // What is undefined is left out on its way.
  return Object.values(all).every(value => value === undefined) ? undefined : all;
}

/** `send only; templates receipt; 5000 a day` */
export function powersText(powers: Json | undefined): string {
  if (!isObject(powers)) return 'none: what is stored cannot be read';
  const { access, templates, numbers, messagesPerDay, microsPerDay, addresses } = powers;
  const names = (title: string, value: Json | undefined) =>
    Array.isArray(value) ? [`${title} ${value.join(', ')}`] : [];
  const parts = [
    ...(typeof access === 'string' ? [`${access} only`] : []),
    ...names('templates', templates),
    ...names('numbers', numbers),
    ...(typeof messagesPerDay === 'number' ? [`${messagesPerDay} messages a day`] : []),
    ...(typeof microsPerDay === 'number' ? [`${tellAmount(microsPerDay)} a day`] : []),
    ...names('from', addresses),
  ];
  return parts.length === 0 ? 'every' : parts.join('; ');
}

function list(text: string): string[] {
  const parts = text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');
  if (parts.length === 0) throw new InvalidArgumentError('It must name at least one.');
  return parts;
}

/** `5.00` → 5000000, digit by digit: a float would be wrong by a micro. */
function micros(text: string): number {
  const [, whole = '', part = ''] = /^(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  const amount = Number(whole + part.padEnd(6, '0'));
  if (whole === '' || amount === 0)
    throw new InvalidArgumentError('It must be an amount as 5.00, with at most six decimals.');
  return amount;
}
