/** Broadcasts, one content to many: made as drafts, changed, looked at, removed. How they move on is in broadcast-control.ts. */
import { Type } from 'typebox';
import type { Broadcast } from '../broadcasts/broadcast.ts';
import { addRecipients } from '../broadcasts/freeze.ts';
import type { ProgressReader } from '../broadcasts/progress.ts';
import { launchBroadcast, removeDraftStep } from '../broadcasts/states.ts';
import {
  changeDraft,
  findBroadcast,
  insertBroadcast,
  listBroadcasts,
  lockBroadcast,
} from '../broadcasts/table.ts';
import { newId } from '../canonical/ids.ts';
import { isRefusal } from '../canonical/refusal.ts';
import { mayLaunch } from '../http/may-launch.ts';
import type { ApiDeps } from './api.ts';
import { broadcastNotFound, cannot, seenBroadcast, sees } from './broadcast-access.ts';
import {
  BroadcastChange,
  BroadcastForm,
  BroadcastPage,
  NewBroadcastForm,
  tellBroadcast,
} from './broadcast-forms.ts';
import { readCursor, writeCursor } from './message-filter.ts';
import { readBroadcast } from './read-broadcast.ts';
import { type Route, tenantRoute } from './route.ts';
import { closed } from './schemas.ts';

const path = '/api/v1/broadcasts';

const ListQuery = Type.Partial(
  Type.Object({
    state: Type.Enum(['draft', 'scheduled', 'running', 'paused', 'completed', 'canceled']),
    name: Type.String({ maxLength: 200 }),
    cursor: Type.String({ maxLength: 400, description: '`next` of the page before.' }),
    limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  }),
  closed,
);

const Removed = Type.Object({ id: Type.String(), removed: Type.Literal(true) });

export function broadcastRoutes(deps: ApiDeps, progress: ProgressReader): Route[] {
  const { database, now, feeder } = deps;

  async function tell(broadcast: Broadcast) {
    return tellBroadcast(broadcast, broadcast.launchedAt === null ? null : await progress.of(broadcast));
  }

  return [
    tenantRoute(
      {
        method: 'POST',
        path,
        operation: 'createBroadcast',
        summary: 'Say one content to many: a draft, or launched at once',
        body: NewBroadcastForm,
        answer: { status: 201, about: 'The broadcast.', schema: BroadcastForm },
        refusals: [
          'field_invalid',
          'number_not_found',
          'number_forbidden',
          'template_not_found',
          'template_not_approved',
          'power_missing',
          'conflict',
        ],
      },
      async ({ body }, principal, _credential, ip) => {
        const { launch = false, limit, ...said } = body;
        const read = await readBroadcast(deps, principal, said);
        if (isRefusal(read)) return read;
        const { tenantId, keyId } = principal;
        const id = newId();
        const key = { tenantId, broadcastId: id };
        if (launch) {
          const refused = await mayLaunch(deps, principal, read.draft, read.numbers, ip);
          if (refused !== undefined) return refused;
        }
        const at = now();
        await database.transact(async tx => {
          await insertBroadcast(tx, { tenantId, id, keyId, dialect: 'native', createdAt: at, ...read.draft });
          if (read.named.length > 0)
            await addRecipients(tx, (await lockBroadcast(tx, tenantId, id))!, read.named, at);
          if (launch) await launchBroadcast(tx, key, keyId, limit ?? null, at);
        });
        if (launch) feeder.wake(key);
        return { status: 201, body: await tell((await findBroadcast(database, tenantId, id))!) };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path,
        operation: 'listBroadcasts',
        summary: 'Broadcasts, newest first, without progress',
        query: ListQuery,
        answer: { status: 200, about: 'A page of broadcasts.', schema: BroadcastPage },
        refusals: ['field_invalid'],
      },
      async ({ query }, principal) => {
        const { cursor, limit = 50, ...filter } = query;
        const before = cursor === undefined ? undefined : readCursor(cursor);
        if (isRefusal(before)) return before;
        const page = await listBroadcasts(database, principal.tenantId, filter, before, limit);
        const last = page.length < limit ? undefined : page.at(-1);
        const data = page.filter(one => sees(principal, one)).map(one => tellBroadcast(one, null));
        return { status: 200, body: { data, next: last === undefined ? null : writeCursor(last.id) } };
      },
    ),
    tenantRoute(
      {
        method: 'GET',
        path: `${path}/:broadcastId`,
        operation: 'getBroadcast',
        summary: 'One broadcast and how it stands',
        answer: { status: 200, about: 'The broadcast.', schema: BroadcastForm },
        refusals: ['object_not_found'],
      },
      async ({ params }, principal) => {
        const broadcast = await seenBroadcast(database, principal, params.broadcastId!);
        return isRefusal(broadcast) ? broadcast : { status: 200, body: await tell(broadcast) };
      },
    ),
    tenantRoute(
      {
        method: 'PATCH',
        path: `${path}/:broadcastId`,
        operation: 'changeBroadcast',
        summary: 'Change a draft; what is not said stays',
        description:
          'Once people were added one by one, what was written of them stands: content, exclusions and schedule can be changed no more.',
        body: BroadcastChange,
        answer: { status: 200, about: 'The draft.', schema: BroadcastForm },
        refusals: ['field_invalid', 'object_not_found', 'number_not_found', 'number_forbidden', 'conflict'],
      },
      async ({ params, body }, principal) => {
        const before = await seenBroadcast(database, principal, params.broadcastId!);
        if (isRefusal(before)) return before;
        if (before.state !== 'draft') return cannot(`It is ${before.state}; only a draft can be changed.`);
        const told = tellBroadcast(before, null);
        const read = await readBroadcast(deps, principal, {
          ...{ name: told.name, numbers: told.numbers, message: told.message, endpoint: told.endpoint },
          ...(told.perSecond === null ? {} : { perSecond: told.perSecond }),
          ...(told.ttlSeconds === null ? {} : { ttlSeconds: told.ttlSeconds }),
          ...(told.callbackData === null ? {} : { callbackData: told.callbackData }),
          ...body,
          schedule: body.schedule ?? scheduleOf(told.schedule),
          audience: body.audience ?? audienceOf(told.audience),
        });
        if (isRefusal(read)) return read;
        const { tenantId, id } = before;
        const at = now();
        const refused = await database.transact(async tx => {
          const locked = (await lockBroadcast(tx, tenantId, id))!;
          const isWritten = locked.recipients > 0;
          if (isWritten && (body.message ?? body.audience ?? body.schedule) !== undefined)
            return cannot(
              'It has recipients who were added one by one: make a new broadcast for another content, audience or schedule.',
            );
          if (!(await changeDraft(tx, tenantId, id, read.draft, at)))
            return cannot('It is no draft any more.');
          if (read.named.length > 0)
            await addRecipients(tx, (await lockBroadcast(tx, tenantId, id))!, read.named, at);
          return undefined;
        });
        if (refused !== undefined) return refused;
        return { status: 200, body: await tell((await findBroadcast(database, tenantId, id))!) };
      },
    ),
    tenantRoute(
      {
        method: 'DELETE',
        path: `${path}/:broadcastId`,
        operation: 'removeBroadcast',
        summary: 'Remove a draft',
        answer: { status: 200, about: 'It is gone.', schema: Removed },
        refusals: ['object_not_found', 'conflict'],
      },
      async ({ params }, principal) => {
        const broadcast = await seenBroadcast(database, principal, params.broadcastId!);
        if (isRefusal(broadcast)) return broadcast;
        const { tenantId, id } = broadcast;
        for (;;) {
          const step = await database.transact(tx => removeDraftStep(tx, { tenantId, broadcastId: id }));
          if (step === 'not there') return broadcastNotFound(id);
          if (step === 'no draft') return cannot('Only a draft can be removed; cancel it instead.');
          if (step === 'removed') return { status: 200, body: { id, removed: true } };
        }
      },
    ),
  ];
}

type Told = ReturnType<typeof tellBroadcast>;

const scheduleOf = ({ at, timeZone, perRecipient, quietHours }: Told['schedule']) => ({
  ...{ timeZone, perRecipient },
  ...(at === null ? {} : { at }),
  ...(quietHours === null ? {} : { quietHours }),
});

const audienceOf = ({ tags, contacts, exclude }: Told['audience']) => ({
  ...{ tags, exclude },
  ...(contacts === null ? {} : { contacts: contacts as 'all' }),
});
