/** Meta's prices, one table for the whole installation: imported and read by the operator. */
import { Type } from 'typebox';
import { dayOf, readPriceCsv, writePriceCsv } from '../billing/price-csv.ts';
import { listPrices, savePrices } from '../billing/prices.ts';
import { isRefusal } from '../canonical/refusal.ts';
import type { ApiDeps } from './api.ts';
import { tellMoney } from './billing-forms.ts';
import { textAnswer, wantsCsv } from './csv.ts';
import { operatorRoute, type Route } from './route.ts';
import { closed, listOf } from './schemas.ts';

const PriceForm = Type.Object({
  market: Type.String({ description: 'What phone numbers there begin with; * is everywhere else.' }),
  category: Type.String(),
  validFrom: Type.String({ format: 'date', description: 'From 00:00 UTC on.' }),
  amount: Type.String(),
  micros: Type.Integer(),
});

const Import = Type.Object(
  {
    csv: Type.String({
      description:
        'Lines of market,category,valid_from,price and optionally currency, with that heading. # begins a comment.',
    }),
    replace: Type.Optional(
      Type.Boolean({ default: false, description: 'Remove every price that is not in the file.' }),
    ),
  },
  closed,
);

const Imported = Type.Object({ imported: Type.Integer(), prices: Type.Integer() });

const Query = Type.Partial(Type.Object({ format: Type.Enum(['json', 'csv'], { default: 'json' }) }), closed);

export function priceRoutes({ database, prices: book, currency, log }: ApiDeps): Route[] {
  return [
    operatorRoute(
      {
        method: 'GET',
        path: '/api/v1/prices',
        operation: 'listPrices',
        summary: "Meta's prices, as imported",
        description: 'CSV with `format=csv` or `Accept: text/csv`, in the form that can be imported again.',
        query: Query,
        answer: { status: 200, about: 'All prices.', schema: listOf(PriceForm) },
        refusals: [],
      },
      async ({ query, headers }) => {
        const prices = await listPrices(database);
        if (wantsCsv(query.format, headers.accept)) return textAnswer(writePriceCsv(prices, currency));
        const data = prices.map(({ market, category, validFrom, micros }) => ({
          ...{ market, category, validFrom: dayOf(validFrom) },
          ...tellMoney(micros),
        }));
        return { status: 200, body: { data } };
      },
    ),
    operatorRoute(
      {
        method: 'POST',
        path: '/api/v1/prices',
        operation: 'importPrices',
        summary: "Import Meta's prices",
        description:
          'All lines or none. A price that is there already for the same market, category and day gets the new amount. It counts for ' +
          'messages that are made from now on, and for those whose price Meta has not settled yet.',
        body: Import,
        answer: { status: 200, about: 'How many were imported, and how many there are.', schema: Imported },
        refusals: ['field_invalid'],
      },
      async ({ body }) => {
        const read = readPriceCsv(body.csv, currency);
        if (isRefusal(read)) return read;
        await database.transact(tx => savePrices(tx, read, body.replace ?? false));
        await book.reload();
        const count = (await listPrices(database)).length;
        log.info({ imported: read.length, prices: count }, 'prices imported');
        return { status: 200, body: { imported: read.length, prices: count } };
      },
    ),
  ];
}
