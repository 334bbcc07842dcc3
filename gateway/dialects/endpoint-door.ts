/**
 * The second contract of a dialect: doors about where a tenant's events are posted. As pure as the first (dialect.ts); what happens
 * between reading and answering is the same for all (`http/endpoint-doors.ts`).
 */
import { isObject, type JsonObject } from '../canonical/json.ts';
import type { Refusal } from '../canonical/refusal.ts';
import type { NumberSelector, WireAnswer, WireRequest } from './dialect.ts';

/** Where one endpoint of a vendor's door stands: there is one at each place, and what is registered there again takes its place. */
export type Place =
  /** Connectly: one address per topic. */
  | { of: 'topic'; topic: string }
  /** Connexease's application, Cloud's phone number. */
  | { of: 'number'; number: NumberSelector }
  /** Cloud: the tenant's numbers in one WhatsApp Business Account. */
  | { of: 'account'; wabaId: string };

/** What a vendor's door says of an endpoint. */
export interface WantedEndpoint {
  url: string;
  format: 'meta' | 'connectly';
  /** Patterns (canonical/event.ts). */
  events: string[];
  /** A value that is `keptHeader` stands for the one that is stored. */
  headers: Record<string, string>;
  /** app: signed as Meta itself signs; then it has no secret of its own. */
  signsWith: 'endpoint' | 'app';
  /** What only this door shows again. */
  doorData: JsonObject;
}

/** Stands for the value of a header in answers, which never hold one. */
export const keptHeader = '********';

export type EndpointCommand = {
  tenant?: string;
} /** null: all of this door. withAccount: those of the number's account too. */ & (
  | { kind: 'list'; place: Place | null; withAccount?: true }
  /** verifyToken: the URL has to pass Meta's handshake first. */
  | { kind: 'save'; place: Place; wanted: WantedEndpoint; verifyToken: string | null }
  | { kind: 'change'; id: string; url?: string; doorData?: JsonObject }
  | { kind: 'remove'; what: Place | { id: string } }
  /** Posts a sample to the endpoint at this place, or to the one that is given. */
  | { kind: 'try'; place: Place; wanted: Pick<WantedEndpoint, 'url' | 'headers'> | null }
);

/** An endpoint as a vendor's door may tell it. */
export interface ToldEndpoint {
  id: string;
  url: string;
  numberId: number | null;
  headerNames: string[];
  doorData: JsonObject;
  /** Only where it was made by this call. */
  secret: string | null;
}

/** What came of posting a sample. status: null where no answer came, and then `problem` says why. */
export interface Tried {
  url: string;
  status: number | null;
  problem: string | null;
  answer: string;
  tookMs: number;
}

export type EndpointOutcome =
  | { kind: 'told'; tenantId: string; endpoints: ToldEndpoint[] }
  | { kind: 'tried'; tried: Tried };

/** One route about endpoints. */
export interface EndpointDoor {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  /** The parameter that holds the URL, in the caller's words. */
  urlField: string;
  read(wire: WireRequest): EndpointCommand | Refusal;
  answer(outcome: EndpointOutcome, wire: WireRequest): WireAnswer;
  /** Where it is told otherwise than at the send doors. */
  refuse?(refusal: Refusal): WireAnswer;
}

export const noObject: Refusal = { code: 'body_unreadable', reason: 'it must be a JSON object' };

/** The body, where it is an object or absent. undefined and not a refusal otherwise: a body with a member `code` could be taken for one. */
export function objectBody({ body }: WireRequest): JsonObject | undefined {
  if (body === undefined || body === null) return {};
  return isObject(body) ? body : undefined;
}
