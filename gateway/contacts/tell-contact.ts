/** A contact as the API and its files show it. */
import { isoTime } from '../platform/clock.ts';
import type { Attributes, WholeContact } from '../tenants/contacts.ts';

export type ToldContact = {
  id: number;
  phone: string;
  original: string;
  formerPhones: string[];
  name: string;
  language: string | null;
  timeZone: string | null;
  attributes: Attributes;
  tags: number[];
  createdAt: string;
  updatedAt: string;
};

export function tellContact({ createdAt, updatedAt, ...contact }: WholeContact): ToldContact {
  const { id, phone, original, formerPhones, name, language, timeZone, attributes, tags } = contact;
  return {
    ...{ id, phone, original, formerPhones, name, language, timeZone, attributes, tags },
    ...{ createdAt: isoTime(createdAt), updatedAt: isoTime(updatedAt) },
  };
}
