/** Which contacts a command is about. */
import type { Command } from 'commander';
import { usage } from './failure.ts';
import type { ServerFlags } from './target.ts';
import { wholeNumber } from './whole-number.ts';

export interface FilterFlags extends ServerFlags {
  phone?: string;
  name?: string;
  tag?: number;
  attribute?: string[];
}

/** A flag that may be repeated. */
export const several = <T>(value: T, before: T[] | undefined): T[] => [...(before ?? []), value];
export const severalNumbers = (text: string, before: number[] | undefined) =>
  several(wholeNumber(text), before);

export const withFilter = (command: Command) =>
  command
    .option('--phone <digits>', 'whose phone begins so')
    .option('--name <text>', 'with this in the name')
    .option('--tag <id>', 'that carry this tag', wholeNumber)
    .option('--attribute <name=value>', 'with this attribute; may be repeated', several<string>);

export function filterOf({ phone, name, tag, attribute }: FilterFlags): URLSearchParams {
  const query = new URLSearchParams();
  if (phone !== undefined) query.set('phone', phone);
  if (name !== undefined) query.set('name', name);
  if (tag !== undefined) query.set('tag', String(tag));
  for (const one of attribute ?? []) query.append('attribute', one);
  return query;
}

export function pairOf(text: string): [string, string] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw usage(`--attribute takes a name and a value, as city=Ankara, not ${text}.`);
  return [name, value!];
}
