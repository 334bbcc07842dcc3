/**
 * The path of one send request, the same for every dialect: who asks, what is asked, from which number, to whom, with
 * what content; then accept, and wait for Meta where the dialect answers with Meta's word.
 */
import { type Content, type Recipient, recipientKey } from '../canonical/content.ts';
import { newFakeWamid, newId } from '../canonical/ids.ts';
import { checkContent } from '../canonical/limits.ts';
import { type Issue, isRefusal, type Refusal } from '../canonical/refusal.ts';
import {
  type Dialect,
  type Door,
  isTemplateNeed,
  type Outcome,
  type SendCommand,
  type WireAnswer,
  type WireRequest,
} from '../dialects/dialect.ts';
import type { Accept } from '../messages/accept.ts';
import { messageStatus } from '../messages/lookup.ts';
import { metaBody, type NewMessage, priorities, type Settlement } from '../messages/message.ts';
import type { Waiters } from '../messages/waiters.ts';
import type { Graph } from '../meta/graph.ts';
import { BatchFull } from '../platform/batch.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { phonesOfTags } from '../tenants/contacts.ts';
import type { NumberBook, SendingNumber } from '../tenants/number-book.ts';
import type { TemplateBook } from '../tenants/template-book.ts';
import type { Authenticator, Principal } from './authenticate.ts';
import { markRead } from './mark-read.ts';
import { selectNumber } from './select-number.ts';

export interface SendDeps {
  database: Database;
  authenticator: Authenticator;
  numbers: NumberBook;
  templates: TemplateBook;
  accept: Accept;
  waiters: Waiters;
  graph: Graph;
  log: Log;
  /** Of the log, for the line of each request. */
  lines: Log;
  now(): number;
  answerTimeoutMs: number;
  messageTtlMs: number;
}

export async function handle(
  deps: SendDeps,
  dialect: Dialect,
  door: Door,
  wire: WireRequest,
): Promise<WireAnswer> {
  const startedAt = deps.now();
  const line: RequestLine = { dialect: dialect.name, door: door.path };
  const outcome = await perform(deps, dialect, door, wire, line);
  const refused = isRefusal(outcome);
  if (refused) line.refused = outcome.code;
  deps.lines.info({ ...line, ms: deps.now() - startedAt }, 'request');
  return refused ? dialect.refuse(outcome) : door.answer(outcome, wire);
}

/** What is gathered along the way and written as one line of the log. */
interface RequestLine {
  dialect: string;
  door: string;
  tenant?: string;
  key?: string;
  number?: number;
  type?: string;
  /** The first message, and how many there are. */
  message?: string;
  messages?: number;
  refused?: string;
}

async function perform(
  deps: SendDeps,
  dialect: Dialect,
  door: Door,
  wire: WireRequest,
  line: RequestLine,
): Promise<Outcome | Refusal> {
  const credential = dialect.credential(wire);
  if (typeof credential !== 'string') return credential;
  const principal = await deps.authenticator.tenantKey(credential);
  if (isRefusal(principal)) return principal;
  line.tenant = principal.tenantId;
  line.key = principal.keyId;
  const command = door.read(wire);
  if (isRefusal(command)) return command;
  if (command.kind === 'send' && command.tenant !== undefined && command.tenant !== principal.tenantId) {
    return { code: 'tenant_forbidden', tenant: command.tenant };
  }
  const number = await selectNumber(deps.numbers, principal, command.number);
  if (isRefusal(number) && !door.bodyFirst) return number;
  if (!isRefusal(number)) line.number = number.id;
  return command.kind === 'send'
    ? send(deps, dialect, door, principal, command, number, line)
    : markRead(deps, command, number);
}

async function send(
  deps: SendDeps,
  dialect: Dialect,
  door: Door,
  principal: Principal,
  command: SendCommand,
  number: SendingNumber | Refusal,
  line: RequestLine,
): Promise<Outcome | Refusal> {
  const recipients = await audience(deps.database, principal.tenantId, command);
  if (recipients.length === 0) {
    return command.tags.length > 0 ? { code: 'recipients_empty' } : { code: 'recipient_missing' };
  }
  if (isRefusal(command.content)) return command.content;
  if (isRefusal(number)) return number;
  const content = isTemplateNeed(command.content)
    ? await deps.templates.complete(number, command.content)
    : command.content;
  if (isRefusal(content)) return content;
  const issues = checkContent(content).map(issue => ({ ...issue, path: door.field(issue.path) }));
  if (issues.length > 0) return { code: 'field_invalid', issues: issues as [Issue, ...Issue[]] };
  if (number.status === 'disconnected') return { code: 'number_disconnected', number: String(number.id) };

  const at = deps.now();
  const messages = recipients.map(to =>
    newMessage(deps, dialect, principal, command, number, content, to, at),
  );
  line.type = content.type;
  line.message = messages[0]!.id;
  line.messages = messages.length;
  const waits = command.wait === 'meta' && !command.fake;
  // The waiter stands before the message is committed, so that the quickest answer finds it.
  const settlement = waits
    ? deps.waiters.wait(principal.tenantId, messages[0]!.id, deps.answerTimeoutMs)
    : undefined;
  try {
    await deps.accept({ messages, urgent: waits, perSecond: number.perSecond });
  } catch (error) {
    if (settlement !== undefined)
      deps.waiters.resolve({ ...emptySettlement, tenantId: principal.tenantId, id: messages[0]!.id });
    if (error instanceof BatchFull) return { code: 'overloaded', retryAfterSeconds: 1 };
    throw error;
  }
  if (settlement === undefined) return accepted(messages, recipients, command);
  return settled(deps, await settlement, messages[0]!, recipients[0]!, number);
}

/** The command's own recipients and those of its tags, each person once, in the order first named. */
async function audience(database: Database, tenantId: string, command: SendCommand): Promise<Recipient[]> {
  const tagged = await phonesOfTags(database, tenantId, command.tags);
  const all = [
    ...command.recipients,
    ...tagged.map(digits => ({ kind: 'phone', digits, to: `+${digits}` }) as const),
  ];
  return [
    ...new Map(all.toReversed().map(recipient => [recipientKey(recipient), recipient])).values(),
  ].toReversed();
}

function newMessage(
  deps: SendDeps,
  dialect: Dialect,
  principal: Principal,
  command: SendCommand,
  number: SendingNumber,
  content: Content,
  recipient: Recipient,
  at: number,
): NewMessage {
  const id = newId();
  const later = command.sendAt !== null && command.sendAt > at;
  const dueAt = later ? command.sendAt! : at;
  return {
    tenantId: principal.tenantId,
    id,
    numberId: number.id,
    keyId: principal.keyId,
    dialect: dialect.name,
    type: content.type,
    recipientKind: recipient.kind,
    recipient: recipientKey(recipient),
    endpoint: command.endpoint,
    body: metaBody(content, recipient, id),
    callbackData: command.callbackData,
    campaign: command.campaign,
    priority: priorities.single,
    fake: command.fake,
    status: command.fake ? 'accepted' : later ? 'scheduled' : 'queued',
    wamid: command.fake ? newFakeWamid(at) : null,
    createdAt: at,
    dueAt,
    expiresAt: dueAt + (command.ttlMs ?? deps.messageTtlMs),
  };
}

function accepted(messages: NewMessage[], recipients: Recipient[], command: SendCommand): Outcome {
  const [first, ...rest] = messages.map((message, i) => ({
    id: message.id,
    status: message.status,
    recipient: recipients[i]!,
    wamid: message.wamid,
    meta: null,
    fake: command.fake,
  }));
  return { kind: 'sent', messages: [first!, ...rest] };
}

const emptySettlement = {
  status: 'queued',
  wamid: null,
  answer: null,
  waId: null,
  error: null,
  reason: null,
} as const;

async function settled(
  deps: SendDeps,
  settlement: Settlement | undefined,
  message: NewMessage,
  recipient: Recipient,
  number: SendingNumber,
): Promise<Outcome | Refusal> {
  if (settlement === undefined) {
    // Whatever keeps us from looking: the message is kept, and a caller who is told otherwise would send it again.
    const status = await messageStatus(deps.database, message.tenantId, message.id).catch(() => undefined);
    return { code: 'answer_pending', messageId: message.id, status: status ?? 'queued' };
  }
  const { status, wamid, answer, error } = settlement;
  if (wamid !== null && status !== 'failed') {
    const meta = answer ?? null;
    const seen =
      settlement.waId !== null && recipient.kind === 'phone'
        ? { ...recipient, digits: settlement.waId }
        : recipient;
    return {
      kind: 'sent',
      // What the caller waited for, also when Meta's next word was quicker than our answer.
      messages: [{ id: message.id, status: 'accepted', recipient: seen, wamid, meta, fake: false }],
    };
  }
  if (error !== null) {
    // Meta refused our token for the number, not the caller's key.
    if (error.code === 190 || error.code === 0)
      return { code: 'number_disconnected', number: String(number.id) };
    return { code: 'meta_rejected', messageId: message.id, error };
  }
  const ended = status === 'expired' || status === 'canceled' ? status : 'failed';
  return { code: 'message_ended', messageId: message.id, status: ended, reason: settlement.reason ?? ended };
}
