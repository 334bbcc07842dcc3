/** What one item of Meta's webhooks says, read and checked. Times are Unix ms. */
import type { EventType, MetaChange } from '../canonical/event.ts';
import type { Json, JsonObject } from '../canonical/json.ts';
import type { NumberWord } from '../tenants/numbers.ts';
import type { TemplateWord } from '../tenants/templates.ts';

/** What every fact has: whose it is, and Meta's change reduced to this one item. */
interface FromMeta {
  wabaId: string;
  change: MetaChange;
}

export interface StatusFact extends FromMeta {
  kind: 'status';
  phoneNumberId: string;
  messageId: string | null;
  wamid: string;
  status: 'sent' | 'delivered' | 'read' | 'played' | 'failed';
  at: number;
  waId: string | null;
  error: string | null;
  /** Meta's error code, of a failure. */
  code: number | null;
  reason?: string;
  /** The names by which Meta knows the recipient: digits, user id. */
  names: string[];
  /** Meta's word that everything to the person is free until then: it came by an ad. */
  freeUntil: number | null;
  /** What it costs: `regular <category>` or `free <category>`; null when the status does not say. */
  pricing: string | null;
}

export interface IncomingFact extends FromMeta {
  kind: 'incoming';
  phoneNumberId: string;
  wamid: string;
  /** Digits, or the user id when Meta withholds the phone number. */
  sender: string;
  /** All names by which the sender is known, `sender` first: digits, user id. */
  names: string[];
  type: string;
  at: number;
  /** What the person said, as far as it may be a word that ends or takes up marketing. */
  words: string[];
  /** The person came by an ad. */
  referred: boolean;
  /** Written to us: not to a group, not Meta's own word, and no change of an earlier message. */
  opensWindow: boolean;
  /** Written to a group, not to us. */
  inGroup: boolean;
  /** The wamid of the message it answers or reacts to. */
  answers: string | null;
  /** What the sender is called from now on, where that is what the message tells. */
  renamedTo: string[];
  /** The message as Meta sent it, with the sender's contact beside it. */
  payload: JsonObject;
}

/** What Meta tells of a person beside messages; kept, so that it takes effect once. */
interface AboutPerson extends FromMeta {
  phoneNumberId: string;
  at: number;
  field: string;
  payload: Json;
}

/** A person called the business, which opens the window as a message does (§8). `at`: when it rang. */
export interface CallFact extends AboutPerson {
  kind: 'call';
  names: string[];
}

/** A person whose user id is another now. */
export interface RenameFact extends AboutPerson {
  kind: 'rename';
  /** Names of before, and those of now. */
  from: string[];
  to: string[];
}

/** The person told WhatsApp to end our marketing, or to take it up again. */
export interface PreferenceFact extends AboutPerson {
  kind: 'preference';
  names: string[];
  wish: 'stop' | 'start';
}

/** What we do not interpret. `field` is Meta's, or `messages.error` and the like for a part of it. */
export interface KeptFact extends FromMeta {
  kind: 'kept';
  phoneNumberId: string | null;
  field: string;
  at: number;
  payload: Json;
}

/** What the facts about an account, its templates and its numbers have in common. */
interface AboutAccount extends FromMeta {
  phoneNumberId: string | null;
  field: string;
  type: EventType;
  at: number;
  /** Which of its states the fact is a word on: only the latest word on each counts. */
  state: string;
  /** The rest of what Meta says, for the event. */
  data: JsonObject;
  payload: Json;
}

export interface TemplateFact extends AboutAccount {
  kind: 'template';
  template: { metaId: string | null; name: string | null; language: string | null; category: string | null };
  told: TemplateWord;
  /** Meta's list says more than the fact does. */
  asksForPull: boolean;
}

export interface NumberFact extends AboutAccount {
  kind: 'number';
  /** Digits. */
  displayNumber: string;
  told: NumberWord;
  /** Messages per second from now on, where Meta raised the number from its ordinary throughput. */
  raisedTo: number | null;
}

export interface AccountFact extends AboutAccount {
  kind: 'account';
  /** Of the numbers of the account. */
  told: NumberWord;
  /** Meta lets the account send again, or no more, and why. */
  sending: { allowed: true } | { allowed: false; reason: string } | null;
}

/** About people and messages of one number, told in the busiest transaction there is. */
export type MessageFact = StatusFact | IncomingFact | CallFact | RenameFact | PreferenceFact | KeptFact;
/** About what a tenant has at Meta: rare. */
export type AssetFact = TemplateFact | NumberFact | AccountFact;
export type Fact = MessageFact | AssetFact;
