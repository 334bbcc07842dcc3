/** The words by which people end marketing and take it up again: the tenant's own, or the default ones. */
import { type Static, Type } from 'typebox';
import { defaultWords, folded, type OptOutWords } from '../canonical/opt-out-words.ts';
import type { Issue, Refusal } from '../canonical/refusal.ts';
import { findWords, saveWords } from '../tenants/opt-out-words.ts';
import type { ApiDeps } from './api.ts';
import { holdFor } from './opt-outs.ts';
import { boundKey } from './person.ts';
import { type Route, tenantRoute } from './route.ts';
import { closed } from './schemas.ts';

const Words = Type.Array(Type.String({ minLength: 1, maxLength: 60 }), { maxItems: 50 });

const Languages = Type.Record(
  Type.String({ pattern: '^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$' }),
  Type.Object({ stop: Words, start: Words }, closed),
  {
    maxProperties: 50,
    additionalProperties: false,
    description: 'By language; a message is held against all.',
  },
);

const WordsForm = Type.Object({
  own: Type.Boolean({ description: "Whether they are the tenant's own, or the default ones." }),
  languages: Languages,
});

const NewWords = Type.Object({ languages: Type.Optional(Languages) }, closed);

const path = '/api/v1/opt-out-words';

export function optOutWordRoutes({ database, words, now }: ApiDeps): Route[] {
  const tell = async (tenantId: string): Promise<Static<typeof WordsForm>> => {
    const own = await findWords(database, tenantId);
    return { own: own !== undefined, languages: own ?? defaultWords };
  };

  return [
    tenantRoute(
      {
        method: 'GET',
        path,
        operation: 'getOptOutWords',
        summary: 'The words that end marketing and take it up again',
        answer: { status: 200, about: 'The words.', schema: WordsForm },
        refusals: [],
      },
      async (_call, { tenantId }) => ({ status: 200, body: await tell(tenantId) }),
    ),
    tenantRoute(
      {
        method: 'PUT',
        path,
        operation: 'setOptOutWords',
        summary: 'Use words of your own',
        description:
          'They take the place of all that were there; without `languages` the default ones come back, with `{}` for it no word counts. ' +
          'A message counts when it is one of them as a whole, whatever its case, accents, punctuation and emoji.',
        body: NewWords,
        answer: { status: 200, about: 'The words as they are now.', schema: WordsForm },
        refusals: ['field_invalid', 'conflict'],
      },
      async ({ body }, principal) => {
        const refused = boundKey(principal, holdFor) ?? contradiction(body.languages ?? {});
        if (refused !== undefined) return refused;
        const { tenantId } = principal;
        await database.transact(tx => saveWords(tx, tenantId, body.languages, now()));
        words.forget();
        return { status: 200, body: await tell(tenantId) };
      },
    ),
  ];
}

/** A word without a letter or digit is no word, and one cannot mean both. */
function contradiction(languages: OptOutWords): Refusal | undefined {
  const stops = new Set(Object.values(languages).flatMap(({ stop }) => stop.map(folded)));
  const issues: Issue[] = [];
  for (const [language, lists] of Object.entries(languages)) {
    for (const list of ['stop', 'start'] as const) {
      for (const [i, word] of lists[list].entries()) {
        const path = `languages.${language}.${list}[${i}]`;
        if (folded(word) === '')
          issues.push({ path, rule: 'format', message: 'must have a letter or a digit' });
        else if (list === 'start' && stops.has(folded(word)))
          issues.push({ path, rule: 'conflict', message: `is a stop word too: "${word}"` });
      }
    }
  }
  const [first, ...more] = issues;
  return first && { code: 'field_invalid', issues: [first, ...more] };
}
