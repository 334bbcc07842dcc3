import type { FastifyInstance } from 'fastify';
import type { Account, AccountSpec, Accounts, MessagingLimit, PhoneNumber } from '../accounts.ts';
import { bodyOf } from '../graph/body.ts';
import { usersOf } from '../limits/portfolios.ts';
import { perSecond } from '../limits/throughput.ts';
import { isObject, type Json } from '../rules/check.ts';
import { createTemplateBook } from '../templates.ts';
import { refuse } from './refuse.ts';

export function registerAccounts(app: FastifyInstance, accounts: Accounts): void {
  app.get('/control/accounts', () => ({ data: accounts.all().map(shown) }));

  app.post('/control/accounts', request => {
    const spec = readSpec(bodyOf(request));
    return shown(attempt(() => accounts.put(spec)));
  });

  app.put('/control/accounts/:wabaId/templates', request => {
    const { wabaId } = request.params as { wabaId: string };
    const account = accounts.account(wabaId);
    if (!account) throw refuse(404, `there is no account ${wabaId}`);
    const { templates } = bodyOf(request);
    if (!Array.isArray(templates)) throw refuse(400, 'templates must be a list');
    account.templates = attempt(() => createTemplateBook(templates as Json[]));
    return shown(account);
  });
}

function attempt<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw refuse(400, error instanceof Error ? error.message : String(error));
  }
}

function shown(account: Account) {
  return {
    wabaId: account.wabaId,
    name: account.name,
    portfolio: account.portfolio,
    messagingLimit: account.messagingLimit,
    app: { id: account.app.id },
    subscribed: account.subscribed,
    webhookUrl: account.overrideUrl ?? account.webhookUrl,
    phoneNumbers: account.phoneNumbers,
    templates: account.templates.all().map(({ name, language, status }) => ({ name, language, status })),
  };
}

function readSpec(body: Json): AccountSpec {
  const text = (from: Json, key: string, where = ''): string => {
    const value = from[key];
    if (typeof value !== 'string' || value === '')
      throw refuse(400, `${where}${key} must be a non-empty string`);
    return value;
  };
  const app = isObject(body.app) ? body.app : {};
  const { phoneNumbers, templates, webhookUrl, name, portfolio } = body;
  const messagingLimit = wordOf<MessagingLimit>(body, 'messagingLimit', Object.keys(usersOf));
  if (!Array.isArray(phoneNumbers)) throw refuse(400, 'phoneNumbers must be a list');
  if (templates !== undefined && !Array.isArray(templates)) throw refuse(400, 'templates must be a list');
  if (typeof webhookUrl === 'string' && !URL.canParse(webhookUrl))
    throw refuse(400, 'webhookUrl is not a URL');
  return {
    wabaId: text(body, 'wabaId'),
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof portfolio === 'string' ? { portfolio } : {}),
    ...(messagingLimit ? { messagingLimit } : {}),
    app: {
      id: text(app, 'id', 'app.'),
      secret: text(app, 'secret', 'app.'),
      ...(typeof app.verifyToken === 'string' ? { verifyToken: app.verifyToken } : {}),
    },
    accessToken: text(body, 'accessToken'),
    ...(typeof webhookUrl === 'string' ? { webhookUrl } : {}),
    phoneNumbers: phoneNumbers.map((entry, index) => {
      const given: Json = isObject(entry) ? entry : {};
      const where = `phoneNumbers[${index}].`;
      const throughput = wordOf<PhoneNumber['throughput']>(
        given,
        'throughput',
        Object.keys(perSecond),
        where,
      );
      return {
        id: text(given, 'id', where),
        displayPhoneNumber: text(given, 'displayPhoneNumber', where),
        verifiedName: text(given, 'verifiedName', where),
        ...(throughput ? { throughput } : {}),
      };
    }),
    ...(templates ? { templates: templates as Json[] } : {}),
  };
}

/** One of those words, or nothing. */
function wordOf<T extends string>(from: Json, key: string, words: string[], where = ''): T | undefined {
  const value = from[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !words.includes(value))
    throw refuse(400, `${where}${key} must be one of ${words.join(', ')}`);
  return value as T;
}
