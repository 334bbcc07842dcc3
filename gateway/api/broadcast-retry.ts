/** A broadcast that has ended goes once more to those whom it failed. */
import type { ProgressReader } from '../broadcasts/progress.ts';
import { launchBroadcast } from '../broadcasts/states.ts';
import { findBroadcast, insertBroadcast, lockBroadcast, retryOf } from '../broadcasts/table.ts';
import { newId } from '../canonical/ids.ts';
import { isRefusal } from '../canonical/refusal.ts';
import type { ApiDeps } from './api.ts';
import { broadcastNotFound, cannot, refusesLaunch, seenBroadcast } from './broadcast-access.ts';
import { BroadcastForm, Retry, tellBroadcast } from './broadcast-forms.ts';
import { type Route, tenantRoute } from './route.ts';

const nameMax = 200;
const nameEnd = ' (retry)';

export function broadcastRetryRoutes(deps: ApiDeps, progress: ProgressReader): Route[] {
  const { database, now, feeder } = deps;
  return [
    tenantRoute(
      {
        method: 'POST',
        path: '/api/v1/broadcasts/:broadcastId/retry',
        operation: 'retryBroadcast',
        summary: 'Launch a new broadcast for those whom one that has ended left without its message',
        description:
          'Whose message failed or expired, and who was left out; not those whom Meta would refuse again, whose message is or was in doubt, ' +
          'or for whom a variable is missing (docs/broadcasts.md). A broadcast has one retry, which can be retried itself: nobody gets two.',
        body: Retry,
        answer: { status: 201, about: 'The new broadcast.', schema: BroadcastForm },
        refusals: [
          ...(['field_invalid', 'object_not_found', 'conflict', 'template_not_found'] as const),
          ...(['template_not_approved', 'number_disconnected', 'power_missing'] as const),
        ],
      },
      async ({ params, body }, principal, _credential, ip) => {
        const seen = await seenBroadcast(database, principal, params.broadcastId!);
        if (isRefusal(seen)) return seen;
        const refused = await refusesLaunch(deps, principal, seen, ip);
        if (refused !== undefined) return refused;
        const { tenantId, keyId } = principal;
        const key = { tenantId, broadcastId: newId() };
        const at = now();
        const made = await database.transact(async tx => {
          const before = await lockBroadcast(tx, tenantId, seen.id);
          if (before === undefined) return broadcastNotFound(seen.id);
          if (before.endedAt === null) return cannot(`It is ${before.state}; what has ended can be retried.`);
          const earlier = await retryOf(tx, tenantId, before.id);
          if (earlier !== undefined) return cannot(`It was retried as ${earlier}: retry that one.`);
          const { name, content, endpoint, numberIds, options, dialect } = before;
          await insertBroadcast(tx, {
            ...{ tenantId, id: key.broadcastId, keyId, dialect, content, endpoint, numberIds },
            name: body.name ?? `${name.slice(0, nameMax - nameEnd.length)}${nameEnd}`,
            audience: {
              ...{ tags: [], filter: null, exclude: { phones: [], tags: [] } },
              retry: { canceled: body.canceled === true },
            },
            options: { ...options, localStart: null },
            ...{ startAt: null, createdAt: at, retryOf: before.id },
          });
          await launchBroadcast(tx, key, keyId, body.limit ?? null, at);
          return undefined;
        });
        if (made !== undefined) return made;
        feeder.wake(key);
        const launched = (await findBroadcast(database, tenantId, key.broadcastId))!;
        return { status: 201, body: tellBroadcast(launched, await progress.of(launched)) };
      },
    ),
  ];
}
