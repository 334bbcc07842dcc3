import { InvalidArgumentError } from 'commander';

/** A flag that takes a whole number of at least 1. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1)
    throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return number;
}
