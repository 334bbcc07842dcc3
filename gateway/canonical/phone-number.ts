/** A phone number as people write it, as the digits under which everything knows it: with country code, without +. */
import type { CountryCode } from 'libphonenumber-js/min';
import { phoneNames } from './phone-names.ts';

export type PhoneReading = { digits: string } | { problem: string };

export interface PhoneReader {
  /** `country`: of a number that is written without its country code, two letters (ISO 3166). */
  read(text: string, country: string | undefined): PhoneReading;
  isCountry(country: string): boolean;
}

let loading: Promise<PhoneReader> | undefined;

/** Loaded at its first use: the tables of all countries take 20 MB, which a gateway that keeps no contacts need not hold. */
export function phoneReader(): Promise<PhoneReader> {
  loading ??= import('libphonenumber-js/min').then(createReader);
  return loading;
}

const lengthMax = 60;

function createReader({
  parsePhoneNumberFromString: parse,
  isSupportedCountry,
}: typeof import('libphonenumber-js/min')): PhoneReader {
  /** Possible: as long as a number of its country may be. Valid is more, and wrong about ranges younger than the tables. */
  function digitsOf(text: string, country: string | undefined, atLeast: 'possible' | 'valid') {
    const number = parse(text, {
      extract: false,
      ...(country && { defaultCountry: country as CountryCode }),
    });
    if (number === undefined || number.ext !== undefined) return undefined;
    if (atLeast === 'possible' ? number.isPossible() : number.isValid()) return number.number.slice(1);
    // Meta's old form of a Mexican mobile number is none for the tables.
    return phoneNames(number.number.slice(1))
      .slice(1)
      .find(twin => parse(`+${twin}`)?.isValid());
  }

  function read(text: string, country: string | undefined): PhoneReading {
    const given = text.trim();
    if (given === '') return { problem: 'is required' };
    const isInternational = /^[+＋]/.test(given);
    const withCode = isInternational ? given : `+${given.replace(/^00/, '')}`;
    let digits: string | undefined;
    if (given.length <= lengthMax && (isInternational || country === undefined)) {
      digits = digitsOf(withCode, undefined, 'possible');
    } else if (given.length <= lengthMax) {
      // It may have a country code whose + is missing.
      digits =
        digitsOf(given, country, 'valid') ??
        digitsOf(withCode, undefined, 'valid') ??
        digitsOf(given, country, 'possible');
    }
    if (digits !== undefined && digits.length >= 7 && digits.length <= 15) return { digits };
    if (country !== undefined && !isInternational) return { problem: `is no phone number of ${country}` };
    return /^0[^0]/.test(given)
      ? {
          problem:
            'is a national number: write it with its country code, as +905321234567, or name the country',
        }
      : { problem: 'must be a phone number with its country code, such as +905321234567' };
  }

  return { read, isCountry: country => isSupportedCountry(country) };
}
