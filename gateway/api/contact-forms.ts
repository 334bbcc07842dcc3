/** The shapes of contacts, tags and imports in the native API, and what of a request becomes of ours. */
import { type Static, Type } from 'typebox';
import { type PhoneReader, phoneReader } from '../canonical/phone-number.ts';
import { invalid, type Refusal } from '../canonical/refusal.ts';
import { countryRule } from '../contacts/read-contact.ts';
import { importCounts } from '../tenants/contact-imports.ts';
import type { ContactFilter } from '../tenants/walk-contacts.ts';
import { closed, Name, nullable, Time } from './schemas.ts';

/** Of a key that is bound to numbers. */
export const heldFor = 'contacts are kept for';

const Attributes = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
  description: 'Of your own; at most 16 KiB as JSON.',
});

const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
export const TagIds = Type.Array(Id, { maxItems: 100, description: 'Ids of tags.' });

const Phone = Type.String({
  maxLength: 60,
  description: 'In any punctuation; without its country code only together with `country`.',
});
const Country = Type.String({ maxLength: 10, description: 'Of a national number: two letters, such as TR.' });
const Language = Type.String({ maxLength: 10, description: 'As Meta writes it: tr, pt_BR.' });
const TimeZone = Type.String({ maxLength: 60, description: 'IANA: Europe/Istanbul.' });
const ContactName = Type.String({ maxLength: 200 });

export const ContactForm = Type.Object(
  {
    id: Id,
    phone: Type.String({ description: 'Digits, with country code.' }),
    original: Type.String({ description: 'The phone as it was given.' }),
    formerPhones: Type.Array(Type.String(), {
      description: 'Of contacts that were merged into this one, which is found by them too.',
    }),
    name: Type.String(),
    language: nullable(Language),
    timeZone: nullable(TimeZone),
    attributes: Attributes,
    tags: Type.Array(Id),
    createdAt: Time,
    updatedAt: Time,
  },
  { description: 'A person the tenant keeps.' },
);

export const ContactPage = Type.Object({ data: Type.Array(ContactForm), next: nullable(Type.String()) });

const details = {
  country: Country,
  name: ContactName,
  language: Language,
  timeZone: TimeZone,
  attributes: Attributes,
};

export const NewContact = Type.Object(
  { phone: Phone, ...Type.Partial(Type.Object({ ...details, tags: TagIds })).properties },
  closed,
);

export const ContactChange = Type.Partial(
  Type.Object({
    ...{ phone: Phone, ...details },
    removeAttributes: Type.Array(Type.String({ maxLength: 100 }), { maxItems: 1_000 }),
  }),
  closed,
);

export const Merge = Type.Object({ from: Id }, closed);

const AttributeQuery = Type.String({ maxLength: 2_000, description: '`city=Ankara`; may be repeated.' });

export const filterQuery = {
  phone: Type.String({ maxLength: 60, description: 'Digits that it begins with.' }),
  name: Type.String({ maxLength: 200, description: 'Part of it, whatever the case and accents.' }),
  tag: Id,
  attribute: Type.Union([AttributeQuery, Type.Array(AttributeQuery, { maxItems: 20 })]),
};

export const ContactFilterForm = Type.Partial(
  Type.Object({
    phone: filterQuery.phone,
    name: filterQuery.name,
    tag: filterQuery.tag,
    attributes: Type.Record(Type.String(), Type.String({ maxLength: 2_000 })),
  }),
  closed,
);

const FilterQuery = Type.Partial(Type.Object(filterQuery));

/** What a query narrows contacts by. */
export function readContactFilter(query: Static<typeof FilterQuery>): ContactFilter | Refusal {
  const attributes: Record<string, string> = {};
  for (const text of [query.attribute ?? []].flat()) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (name === undefined) return invalid('attribute', 'format', 'must be a name and a value: city=Ankara');
    attributes[name] = value!;
  }
  return filterOf({ ...query, ...(query.attribute === undefined ? {} : { attributes }) });
}

export function filterOf(filter: Static<typeof ContactFilterForm>): ContactFilter | Refusal {
  const { phone, name, tag, attributes } = filter;
  const digits = phone?.replace(/[\s()+.-]/g, '');
  if (digits !== undefined && !/^\d{1,15}$/.test(digits))
    return invalid('phone', 'format', 'must be digits with which a phone begins, country code first');
  return {
    ...(digits === undefined ? {} : { phone: digits }),
    ...(name === undefined ? {} : { name }),
    ...(tag === undefined ? {} : { tag }),
    ...(attributes === undefined ? {} : { attributes }),
  };
}

/** The country of a request, and what reads numbers. */
export async function readCountry(
  country: string | undefined,
): Promise<{ phones: PhoneReader; country: string | undefined } | Refusal> {
  const phones = await phoneReader();
  const upper = country?.trim().toUpperCase();
  if (upper !== undefined && !phones.isCountry(upper)) return invalid('country', 'format', countryRule);
  return { phones, country: upper };
}

/** An id in a path. */
export function readId(text: string | undefined, kind: 'contact' | 'tag'): number | Refusal {
  const id = /^[1-9]\d{0,14}$/.test(text ?? '') ? Number(text) : undefined;
  return id ?? { code: 'object_not_found', kind, id: text ?? '' };
}

export const TagForm = Type.Object({
  id: Id,
  name: Name,
  contacts: Type.Integer({ description: 'That carry it.' }),
  createdAt: Time,
});

export const NewTag = Type.Object(
  {
    name: Name,
    id: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1e12,
        description: 'One that your systems know already; the next free one when left out.',
      }),
    ),
  },
  closed,
);

export const TagChange = Type.Object({ name: Name }, closed);

const ImportErrorForm = Type.Object({
  line: Type.Integer({ description: 'In which the row begins; the first of the file is 1.' }),
  field: Type.String({ description: 'Empty when it is the whole row.' }),
  message: Type.String(),
});

const countsAbout: Record<(typeof importCounts)[number], string> = {
  created: 'New contacts.',
  updated: 'Rows that changed a contact.',
  unchanged: 'Rows that said nothing new.',
  skipped: 'Rows whose contact was there already, with onDuplicate=skip.',
  failed: 'Rows that were not taken.',
  tagged: 'Tags that a contact did not carry before.',
};

export const ContactImportForm = Type.Object(
  {
    id: Type.String(),
    status: Type.Enum(['open', 'done'], {
      description: 'open: it goes on, or was broken off; the same file sent again goes on from `lastLine`.',
    }),
    repeated: Type.Boolean({ description: 'It had been done before, and nothing was done.' }),
    rows: Type.Integer({ description: 'That are committed, good or bad.' }),
    lastLine: Type.Integer({ description: 'In which the last of them begins.' }),
    counts: Type.Object(
      Object.fromEntries(importCounts.map(name => [name, Type.Integer({ description: countsAbout[name] })])),
    ),
    errors: Type.Array(ImportErrorForm, { description: 'The first 1,000 by line; /errors has more.' }),
    startedAt: Time,
    updatedAt: Time,
    finishedAt: nullable(Time),
  },
  { description: 'A file of contacts, as far as it is imported.' },
);

export const notFound = (kind: 'contact' | 'tag' | 'import', id: string | number): Refusal => ({
  code: 'object_not_found',
  kind,
  id: String(id),
});
