/**
 * The contract of a dialect: pure translation between one vendor's HTTP API and the canonical language.
 *
 * A dialect never touches the database, the clock or the network. It reads a wire request into a command, and renders
 * an outcome or a refusal into a wire answer. What happens between is the same for all (`http/send.ts`).
 */
import type { Content, MetaEndpoint, Recipient } from '../canonical/content.ts';
import type { Json, JsonObject } from '../canonical/json.ts';
import type { LimitState } from '../canonical/key-limit.ts';
import type { Refusal } from '../canonical/refusal.ts';
import type { CampaignDoor } from './campaign-door.ts';
import type { EndpointDoor } from './endpoint-door.ts';

export type DialectName = 'cloud' | 'connexease' | 'connectly' | 'autokonnect' | 'native';

export interface WireRequest {
  /** Path parameters by name, decoded. */
  params: Record<string, string | undefined>;
  /** Query parameters; of a repeated one the last. */
  query: Record<string, string | undefined>;
  /** Header names in lower case. */
  headers: Record<string, string | undefined>;
  /** JSON as parsed; a form as an object of its fields. undefined when the request had no body. */
  body: Json | undefined;
  /** Who asks; behind trusted proxies whom they ask for. Empty when the caller has gone already. */
  ip: string;
}

export interface WireAnswer {
  status: number;
  body: Json;
  headers?: Record<string, string>;
}

/** Which of the tenant's numbers sends. `only`: the key's own number, else the tenant's only one, else its first. */
export type NumberSelector =
  | { by: 'only' }
  | { by: 'id'; id: string }
  | { by: 'phoneNumberId'; id: string }
  | { by: 'displayNumber'; digits: string; path: string };

/** What a dialect may know of a stored template to complete a content with it. */
export interface TemplateFacts {
  name: string;
  language: string;
  category: string;
  status: string;
  parameterFormat: 'POSITIONAL' | 'NAMED';
  /** Meta's component objects as listed: `{type: 'BODY', text: 'Hi {{1}}'}`, … */
  components: JsonObject[];
}

/** A content that needs a template of ours to be looked up before it can be written down. */
export interface TemplateNeed {
  /** `id` is our numeric id or Meta's; a name without a language means the only, else the English, translation. */
  template: { by: 'id'; id: string } | { by: 'name'; name: string; language: string | null };
  complete(template: TemplateFacts): Content | Refusal;
  /** Refusal to give instead of template_not_found (AutoKonnect: a name that is no template is a malformed id). */
  notFound?: Refusal;
}

export function isTemplateNeed(content: Content | TemplateNeed): content is TemplateNeed {
  return typeof content.complete === 'function';
}

export interface SendCommand {
  kind: 'send';
  number: NumberSelector;
  /** Tenant named in the path (Connectly's businessId); must be the key's. */
  tenant?: string;
  recipients: Recipient[];
  /** Contact tags whose contacts receive it too; merged with `recipients`, each person once. */
  tags: number[];
  /** A refusal here is given after the audience is known to be non-empty: AutoKonnect documents that order. */
  content: Content | TemplateNeed | Refusal;
  /** The template to send instead to those whose 24-hour window is closed. */
  fallback: Content | null;
  endpoint: MetaEndpoint;
  /** Connexease's is_fake: everything but the call to Meta. */
  fake: boolean;
  /** meta: answer with Meta's wamid. commit: answer as soon as the message is committed. */
  wait: 'meta' | 'commit';
  /** The caller's own value: given back in what the caller sees, never shown to Meta. */
  callbackData: string | null;
  campaign: string | null;
  /** Unix ms; later than now means `scheduled`. */
  sendAt: number | null;
  /** How long the message may wait before it expires; null: by setting. */
  ttlMs: number | null;
}

/** Cloud API's "mark as read" and typing indicator: passed on, not a message. `body` is what Meta receives. */
export interface MarkReadCommand {
  kind: 'mark_read';
  number: NumberSelector;
  messageId: string;
  body: JsonObject;
}

export type Command = SendCommand | MarkReadCommand;

/** One message as the caller hears of it. `wamid` and `meta` are null until Meta answered. */
export interface AcceptedMessage {
  id: string;
  status: string;
  /** Of its content. */
  type: string;
  recipient: Recipient;
  wamid: string | null;
  /** Meta's own answer `{messaging_product, contacts, messages}`; null if it was never seen. */
  meta: JsonObject | null;
  fake: boolean;
  /** Of content that needs an open window, when it was looked at. closesAt: Unix ms, null when the recipient never wrote. */
  window?: { open: boolean; closesAt: number | null; sentFallback: boolean };
}

export type Outcome =
  | { kind: 'sent'; messages: [AcceptedMessage, ...AcceptedMessage[]] }
  | { kind: 'marked_read'; meta: JsonObject };

/** A command to so many people that it became a broadcast. */
export interface Launched {
  kind: 'launched';
  broadcastId: string;
  recipients: number;
}

/** One route of a dialect. */
export interface Door {
  method: 'POST';
  /** Fastify path: `/v1/businesses/:businessId/send/messages`. */
  path: string;
  /** When true, faults of the body are told before faults of the number in the path. */
  bodyFirst: boolean;
  /** This door only tells what its send would come to; every other does with `?preview=true`. */
  previews?: true;
  read(wire: WireRequest): Command | Refusal;
  answer(outcome: Outcome, wire: WireRequest): WireAnswer;
  /** Of doors whose commands may name any number of people. */
  answerMany?(outcome: Launched): WireAnswer;
  /** A canonical path (`interactive.action.buttons[0].reply.title`) in the caller's words. */
  field(canonicalPath: string): string;
}

export interface Dialect {
  name: DialectName;
  /** Request paths that are this dialect's even when no door matches, so that "not found" is told in its words. */
  owns: RegExp;
  doors: Door[];
  /** Where the vendor lets callers say where events are posted. */
  endpointDoors?: EndpointDoor[];
  /** Where the vendor lets callers send campaigns. */
  campaignDoors?: CampaignDoor[];
  /** The API key the request carries. */
  credential(wire: Pick<WireRequest, 'headers' | 'query'>): string | Refusal;
  refuse(refusal: Refusal): WireAnswer;
  /** Headers of every answer to a known key at a send door; `{}` where the vendor has none. */
  limitHeaders(limit: LimitState): Record<string, string>;
}
