/** How a broadcast moves on: launched, paused, resumed, canceled. */
import type { TSchema } from 'typebox';
import { charge } from '../billing/charge.ts';
import type { Broadcast } from '../broadcasts/broadcast.ts';
import type { ProgressReader } from '../broadcasts/progress.ts';
import {
  cancelBroadcast,
  launchBroadcast,
  type Moved,
  pauseBroadcast,
  resumeBroadcast,
} from '../broadcasts/states.ts';
import { broadcastEvent } from '../broadcasts/tell.ts';
import type { EventType } from '../canonical/event.ts';
import { isRefusal, type Refusal, type RefusalCode } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import type { Tx } from '../platform/database.ts';
import type { ApiDeps } from './api.ts';
import { broadcastNotFound, cannot, refusesLaunch, seenBroadcast } from './broadcast-access.ts';
import { BroadcastForm, Launch, Resume, tellBroadcast } from './broadcast-forms.ts';
import { type Call, type Route, tenantRoute } from './route.ts';

export function broadcastControlRoutes(deps: ApiDeps, progress: ProgressReader): Route[] {
  const { database, now, feeder, announcer, announce, feed, wakeSender } = deps;

  /** A move of one broadcast, told to whom it concerns. */
  function move<B extends TSchema>(
    verb: 'launch' | 'pause' | 'resume' | 'cancel',
    summary: string,
    body: B | undefined,
    refusals: RefusalCode[],
    make: (
      tx: Tx,
      key: { tenantId: string; broadcastId: string },
      call: Call<TSchema, B>,
      at: number,
      keyId: string,
    ) => Promise<Moved>,
    may?: (principal: Principal, broadcast: Broadcast, ip: string) => Promise<Refusal | undefined>,
  ): Route {
    return tenantRoute(
      {
        method: 'POST',
        path: `/api/v1/broadcasts/:broadcastId/${verb}`,
        operation: `${verb}Broadcast`,
        summary,
        ...(body === undefined ? {} : { body }),
        answer: { status: 200, about: 'The broadcast as it is now.', schema: BroadcastForm },
        refusals: ['object_not_found', 'conflict', ...refusals],
      },
      async (call, principal, _credential, ip) => {
        const before = await seenBroadcast(database, principal, call.params.broadcastId!);
        if (isRefusal(before)) return before;
        const refused = await may?.(principal, before, ip);
        if (refused !== undefined) return refused;
        const { tenantId, id, numberIds } = before;
        const key = { tenantId, broadcastId: id };
        const at = now();
        const moved = await database.transact(async tx => {
          const made = await make(tx, key, call as Call<TSchema, B>, at, principal.keyId);
          if (made === undefined || 'cannot' in made || made.broadcast.state === before.state) return made;
          const type = events[verb];
          if (type !== undefined)
            await announcer.announce(tx, tenantId, [broadcastEvent(type, made.broadcast, at)]);
          await announce(
            tx,
            made.canceled.map(message => ({ tenantId, id: message, status: 'canceled', at })),
          );
          return made;
        });
        if (moved === undefined) return broadcastNotFound(id);
        if ('cannot' in moved) return cannot(moved.cannot);
        if (moved.canceled.length > 0) {
          // By itself, because everyone locks the wallet before a lane. What a crash leaves undone here is retention's (billing/charge.ts).
          await database.transact(tx => charge(tx, [{ tenantId, ids: moved.canceled }], at));
          feed.publish(moved.canceled.map(message => ({ tenantId, id: message, status: 'canceled', at })));
        }
        feeder.wake(key);
        if (verb === 'resume') for (const numberId of numberIds) wakeSender({ tenantId, numberId });
        return { status: 200, body: tellBroadcast(moved.broadcast, await progress.of(moved.broadcast)) };
      },
    );
  }

  return [
    move(
      'launch',
      'Write the audience down and send, now or at its time',
      Launch,
      ['template_not_found', 'template_not_approved', 'number_disconnected', 'power_missing'],
      (tx, key, { body }, at, keyId) => launchBroadcast(tx, key, keyId, body.limit ?? null, at),
      (principal, broadcast, ip) => refusesLaunch(deps, principal, broadcast, ip),
    ),
    move('pause', 'Send nothing more of it until it is resumed', undefined, [], (tx, key, _call, at) =>
      pauseBroadcast(tx, key, 'asked', null, at),
    ),
    move('resume', 'Go on', Resume, [], (tx, key, { body }, at) => resumeBroadcast(tx, key, body.limit, at)),
    move('cancel', 'End it: who has no message yet gets none', undefined, [], (tx, key, _call, at) =>
      cancelBroadcast(tx, key, null, at),
    ),
  ];
}

const events: Partial<Record<string, Extract<EventType, `broadcast.${string}`>>> = {
  pause: 'broadcast.paused',
  cancel: 'broadcast.canceled',
};
