/** Operator keys: listed and revoked here, made by `wagate operator create`, so that a stolen one cannot make itself another. */
import { Type } from 'typebox';
import { isoTime } from '../platform/clock.ts';
import { listOperatorKeys, revokeOperatorKey } from '../tenants/operator-keys.ts';
import type { ApiDeps } from './api.ts';
import { Revoked } from './api-key-forms.ts';
import { operatorRoute, type Route } from './route.ts';
import { listOf, nullable, Time } from './schemas.ts';

/** The id of the key that no row stands for. */
const bySetting = 'setting';

const OperatorKeyForm = Type.Object({
  id: Type.String({
    description: '`setting`: the key of WAGATE_OPERATOR_KEY, in demo mode the published one.',
  }),
  name: Type.String(),
  hint: nullable(
    Type.String({
      description: 'The last four characters; null for a key of a version that did not keep them.',
    }),
  ),
  createdAt: nullable(Time),
});

export function operatorKeyRoutes({ database, authenticator, log }: ApiDeps): Route[] {
  return [
    operatorRoute(
      {
        method: 'GET',
        path: '/api/v1/operator-keys',
        operation: 'listOperatorKeys',
        summary: 'The operator keys, without the keys themselves',
        answer: { status: 200, about: 'At most 1000 keys, oldest first.', schema: listOf(OperatorKeyForm) },
        refusals: [],
      },
      async () => {
        const stored = await listOperatorKeys(database);
        const hint = authenticator.operatorHint;
        const data = [
          ...(hint === null ? [] : [{ id: bySetting, name: 'by setting', hint, createdAt: null }]),
          ...stored.map(({ createdAt, ...key }) => ({ ...key, createdAt: isoTime(createdAt) })),
        ];
        return { status: 200, body: { data } };
      },
    ),
    operatorRoute(
      {
        method: 'DELETE',
        path: '/api/v1/operator-keys/:keyId',
        operation: 'revokeOperatorKey',
        summary: 'Revoke an operator key',
        description: 'At once in every process, and it is no longer listed. A key may revoke itself.',
        answer: { status: 200, about: 'Revoked.', schema: Revoked },
        refusals: ['object_not_found', 'conflict'],
      },
      async ({ params }) => {
        const id = params.keyId ?? '';
        if (id === bySetting && authenticator.operatorHint !== null) {
          return {
            code: 'conflict',
            reason:
              'This key comes by setting: change WAGATE_OPERATOR_KEY (in demo mode: leave the demo) and start again.',
          };
        }
        const name = /^[0-9a-f]{16}$/.test(id)
          ? await database.transact(tx => revokeOperatorKey(tx, id))
          : undefined;
        if (name === undefined) return { code: 'object_not_found', kind: 'operator key', id };
        log.info({ key: id, name }, 'operator key revoked');
        return { status: 200, body: { id, revoked: true } };
      },
    ),
  ];
}
