/**
 * The path of one send request, the same for every dialect: who asks, what is asked, from which number, to whom, with
 * what content; then accept, and wait for Meta where the dialect answers with Meta's word.
 */
import type { PriceBook } from '../billing/price-book.ts';
import type { Content, Recipient } from '../canonical/content.ts';
import { isObject } from '../canonical/json.ts';
import type { LimitState } from '../canonical/key-limit.ts';
import { checkContent } from '../canonical/limits.ts';
import { type Issue, isRefusal, type Refusal } from '../canonical/refusal.ts';
import {
  type Dialect,
  type Door,
  isTemplateNeed,
  type Launched,
  type Outcome,
  type SendCommand,
  type WireAnswer,
  type WireRequest,
} from '../dialects/dialect.ts';
import type { Accept, Preview } from '../messages/accept.ts';
import type { NewMessage } from '../messages/message.ts';
import type { Verdict } from '../messages/policy/judge.ts';
import { type ToldWindow, tellWindows } from '../messages/policy/people.ts';
import type { Waiters } from '../messages/waiters.ts';
import type { Graph } from '../meta/graph.ts';
import { BatchFull } from '../platform/batch.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { mayNot } from '../tenants/key-powers.ts';
import type { NumberBook, SendingNumber } from '../tenants/number-book.ts';
import type { TemplateBook } from '../tenants/template-book.ts';
import { audience, callMost } from './audience.ts';
import type { Authenticator, Principal } from './authenticate.ts';
import { compose } from './compose.ts';
import { readIdempotency } from './idempotency-key.ts';
import { limitsFor } from './key-limits.ts';
import { countRecipients, type LaunchDeps, launch } from './launch.ts';
import type { LimitMemory } from './limit-memory.ts';
import { markRead } from './mark-read.ts';
import { isPreview, type Previewed, previewed } from './preview.ts';
import { selectNumber } from './select-number.ts';
import { repeated, settled } from './settled.ts';

export interface SendDeps extends LaunchDeps {
  database: Database;
  authenticator: Authenticator;
  numbers: NumberBook;
  templates: TemplateBook;
  prices: PriceBook;
  limits: LimitMemory;
  accept: Accept;
  preview: Preview;
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
  const beside: Beside = {};
  const outcome = await perform({ ...deps, dialect, door, wire, line, beside });
  const refused = isRefusal(outcome);
  if (refused) line.refused = outcome.code;
  deps.lines.info({ ...line, ms: deps.now() - startedAt }, 'request');
  const answer = refused
    ? dialect.refuse(outcome)
    : outcome.kind === 'previewed'
      ? { status: 200, body: outcome.body }
      : outcome.kind === 'launched'
        ? door.answerMany!(outcome)
        : door.answer(outcome, wire);
  const limit = limitOf(deps, dialect, beside, startedAt);
  const headers = {
    ...(limit === undefined ? {} : dialect.limitHeaders(limit)),
    ...(beside.replayed === true ? { 'idempotency-replayed': 'true' } : {}),
    ...answer.headers,
  };
  return { ...answer, headers };
}

/** Of every answer to a known key, also of one that did not come as far as the limit. */
function limitOf(
  { limits }: SendDeps,
  { name }: Dialect,
  { principal, limit }: Beside,
  now: number,
): LimitState | undefined {
  if (principal === undefined) return undefined;
  if (limit === undefined) return limits.recall(principal.keyId, limitsFor(principal, name), now);
  limits.remember(principal.keyId, limit, now);
  return limit;
}

/** What the answer's headers tell beside the outcome. */
interface Beside {
  principal?: Principal;
  limit?: LimitState;
  replayed?: boolean;
}

/** One request on its way: what all steps may use. */
interface Request extends SendDeps {
  dialect: Dialect;
  door: Door;
  wire: WireRequest;
  line: RequestLine;
  beside: Beside;
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

async function perform(request: Request): Promise<Outcome | Launched | Previewed | Refusal> {
  const { dialect, door, wire, line } = request;
  const credential = dialect.credential(wire);
  if (typeof credential !== 'string') return credential;
  const principal = await request.authenticator.tenantKey(credential);
  if (isRefusal(principal)) return principal;
  request.beside.principal = principal;
  line.tenant = principal.tenantId;
  line.key = principal.keyId;
  const command = door.read(wire);
  if (isRefusal(command)) return command;
  const forbidden = mayNot(principal.powers, { what: command.kind, ip: wire.ip });
  if (forbidden !== undefined) return { code: 'power_missing', reason: forbidden };
  if (command.kind === 'send' && command.tenant !== undefined && command.tenant !== principal.tenantId) {
    return { code: 'tenant_forbidden', tenant: command.tenant };
  }
  const number = await selectNumber(request.numbers, principal, command.number);
  if (isRefusal(number) && !door.bodyFirst) return number;
  if (!isRefusal(number)) line.number = number.id;
  return command.kind === 'send'
    ? send(request, principal, command, number)
    : markRead(request, command, number);
}

async function send(
  request: Request,
  principal: Principal,
  command: SendCommand,
  number: SendingNumber | Refusal,
): Promise<Outcome | Launched | Previewed | Refusal> {
  const { door, line } = request;
  const recipients = await audience(request.database, principal.tenantId, command);
  if (recipients.length === 0) {
    return command.tags.length > 0 ? { code: 'recipients_empty' } : { code: 'recipient_missing' };
  }
  if (isRefusal(command.content)) return command.content;
  if (isRefusal(number)) return number;
  const content = isTemplateNeed(command.content)
    ? await request.templates.complete(number, command.content)
    : command.content;
  if (isRefusal(content)) return content;
  const issues = checkContent(content).map(issue => ({ ...issue, path: door.field(issue.path) }));
  if (issues.length > 0) return { code: 'field_invalid', issues: issues as [Issue, ...Issue[]] };
  for (const said of command.fallback === null ? [content] : [content, command.fallback]) {
    const deed = {
      what: 'send',
      ip: request.wire.ip,
      numberId: number.id,
      template: templateName(said),
    } as const;
    const forbidden = mayNot(principal.powers, deed);
    if (forbidden !== undefined) return { code: 'power_missing', reason: forbidden };
  }
  if (number.status === 'disconnected') return { code: 'number_disconnected', number: String(number.id) };
  const idempotency = readIdempotency(request.wire, request.door, request.dialect);
  if (isRefusal(idempotency)) return idempotency;

  const { name } = request.dialect;
  const saying = { dialect: name, principal, command, number, content, idempotency, at: request.now() };
  const isMany = recipients.length > callMost;
  if (isMany && !isPreview(request)) {
    line.type = content.type;
    const { verdict, outcome } = await launch(request, saying);
    request.beside.limit = verdict.limit;
    if (verdict.kind === 'refused') return verdict.refusal;
    if (verdict.kind === 'launched') return outcome;
    request.beside.replayed = true;
    return repeated(request, principal.tenantId, { ...verdict, told: {} }, false, number);
  }
  const call = await compose(request, saying, recipients.slice(0, callMost));
  const { messages } = call;
  line.type = content.type;
  line.message = messages[0]!.id;
  line.messages = messages.length;
  if (isPreview(request)) {
    const verdict = await request.preview(call);
    request.beside.limit = verdict.limit;
    const count = isMany
      ? await countRecipients(request.database, principal.tenantId, command)
      : recipients.length;
    return previewed(request.dialect, door, number, call, count, verdict);
  }
  // The waiter stands before the message is committed, so that the quickest answer finds it.
  const settlement = call.urgent
    ? request.waiters.wait(principal.tenantId, messages[0]!.id, request.answerTimeoutMs)
    : undefined;
  const release = () => {
    if (settlement !== undefined)
      request.waiters.resolve({ ...emptySettlement, tenantId: principal.tenantId, id: messages[0]!.id });
  };
  let verdict: Verdict;
  try {
    verdict = await request.accept(call);
  } catch (error) {
    release();
    if (error instanceof BatchFull) return { code: 'overloaded', retryAfterSeconds: 1 };
    throw error;
  }
  request.beside.limit = verdict.limit;
  if (verdict.kind !== 'accepted') release();
  if (verdict.kind === 'refused') return verdict.refusal;
  if (verdict.kind === 'repeated') {
    request.beside.replayed = true;
    return repeated(request, principal.tenantId, verdict, call.urgent, number);
  }
  const told = call.needsWindow ? tellWindows(verdict.messages, verdict.windows) : {};
  if (settlement === undefined) return accepted(verdict.messages, recipients, told);
  return settled(request, await settlement, messages[0]!, recipients[0]!, number, told[messages[0]!.id]);
}

function templateName({ type, template }: Content): string | null {
  return type === 'template' && isObject(template) ? String(template.name ?? '') : null;
}

function accepted(
  messages: NewMessage[],
  recipients: Recipient[],
  told: Record<string, ToldWindow>,
): Outcome {
  const [first, ...rest] = messages.map(({ id, type, status, wamid, fake }, i) => {
    const window = told[id];
    return {
      ...{ id, type, status, recipient: recipients[i]!, wamid, meta: null, fake },
      ...(window === undefined ? {} : { window }),
    };
  });
  return { kind: 'sent', messages: [first!, ...rest] };
}

/** What wakes a waiter that waits for nothing any more. */
const emptySettlement = {
  status: 'queued',
  wamid: null,
  answer: null,
  waId: null,
  error: null,
  reason: null,
} as const;
