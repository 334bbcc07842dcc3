/** What limits, money and idempotency add to a synchronous send: the same gateway, with all of them and with the least. */
import { call } from '../../test/harness/programs.ts';
import { must, operatorKey } from '../../test/harness/tenant.ts';
import { type Bench, type Figure, inTurn, measure, ofPairs } from '../figure.ts';
import { newTarget, withSubject } from '../subject.ts';

export const policy = (bench: Bench): Promise<Figure[]> =>
  withSubject(bench, { numbers: 4, perSecond: 10_000 }, async ({ gateways, target }) => {
    const paying = await newTarget(gateways[0]!.url, 4, 10_000);
    const tenant = `${gateways[0]!.url}/api/v1/tenants/${paying.tenantId}`;
    const operator = { key: operatorKey };
    await must(call(`${tenant}/top-ups`, { ...operator, body: { amount: '100000.00' } }));
    await must(call(tenant, { ...operator, method: 'PATCH', body: { billing: 'prepaid' } }));
    const pairs = await inTurn(
      bench,
      seconds => measure(bench, gateways, { kind: 'keyed', target: paying, seconds }),
      seconds => measure(bench, gateways, { kind: 'cloud', target, seconds }),
    );
    return [
      ofPairs(bench, pairs, gateways, {
        name: 'policy',
        what: 'synchronous send from a prepaid tenant, each with an Idempotency-Key',
        baseline: 'of a tenant that pays nothing here, without the header',
        goal: 0.8,
      }),
    ];
  });
