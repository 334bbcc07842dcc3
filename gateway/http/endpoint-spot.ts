/** Which endpoint a vendor's door means: the one at a topic, a number or an account of the key's tenant. */
import type { JsonObject } from '../canonical/json.ts';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Place } from '../dialects/endpoint-door.ts';
import type { Endpoint } from '../tenants/endpoints.ts';
import type { NumberBook } from '../tenants/number-book.ts';
import type { Principal } from './authenticate.ts';
import { numberOfNew } from './endpoint-scope.ts';
import { seesNumber, selectNumber } from './select-number.ts';

export type DoorName = 'cloud' | 'connexease' | 'connectly';

export interface Spot {
  /** Of the endpoint that is made there. */
  numberId: number | null;
  /** What of the place has to stand with the endpoint. */
  doorData: JsonObject;
  /** Of the account that it is, or that its number is in. */
  wabaId: string | null;
  holds(endpoint: Endpoint): boolean;
}

export async function findSpot(
  numbers: NumberBook,
  principal: Principal,
  door: DoorName,
  place: Place,
): Promise<Spot | Refusal> {
  switch (place.of) {
    case 'topic': {
      const numberId = await numberOfNew(numbers, principal, undefined);
      if (isRefusal(numberId)) return numberId;
      const holds = (one: Endpoint) =>
        one.door === door && one.numberId === numberId && one.doorData.topic === place.topic;
      return { numberId, doorData: {}, wabaId: null, holds };
    }
    case 'number': {
      const number = await selectNumber(numbers, principal, place.number);
      if (isRefusal(number)) return number;
      const { id: numberId, wabaId } = number;
      const holds = (one: Endpoint) => one.door === door && one.numberId === numberId;
      return { numberId, doorData: {}, wabaId, holds };
    }
    case 'account': {
      const { wabaId } = place;
      const own = (await numbers.ofWaba(wabaId)).filter(({ tenantId }) => tenantId === principal.tenantId);
      const seen = own.filter(({ id }) => seesNumber(principal, id));
      if (seen.length === 0) return { code: 'object_not_found', kind: 'account', id: wabaId };
      // It may not say what happens to the webhooks of numbers that it does not know of.
      if (principal.numberIds !== null)
        return { code: 'power_missing', reason: 'it is bound to numbers, and this is about a whole account' };
      const holds = (one: Endpoint) => one.door === door && one.doorData.wabaId === wabaId;
      return { numberId: null, doorData: { wabaId }, wabaId, holds };
    }
  }
}
