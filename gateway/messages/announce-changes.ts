/** Changes of messages, told to their tenants' endpoints: in the transaction that made them. */
import type { EventDraft, EventType, MetaChange } from '../canonical/event.ts';
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import type { MessageStatus } from '../canonical/status.ts';
import { isoTime } from '../platform/clock.ts';
import { type Sql, type Tx, together } from '../platform/database.ts';
import { numberNames } from '../tenants/numbers.ts';
import type { Announcer } from '../webhooks/announce.ts';
import type { Change } from './feed.ts';
import { readError, type StoredError } from './lookup.ts';

/** A change with what Meta told of it, where it was Meta. */
export type ToldChange = Change & { meta?: MetaChange };

/** Announces the changes of any tenants, in their order; what is only on its way is not told. */
export type AnnounceChanges = (tx: Tx, changes: ToldChange[]) => Promise<void>;

const events: Partial<Record<MessageStatus, EventType>> = {
  accepted: 'message.accepted',
  sent: 'message.sent',
  delivered: 'message.delivered',
  read: 'message.read',
  played: 'message.played',
  failed: 'message.failed',
  expired: 'message.expired',
  canceled: 'message.canceled',
  uncertain: 'message.uncertain',
};

export function createChangeAnnouncer(announcer: Announcer): AnnounceChanges {
  async function ofTenant(tx: Tx, tenantId: string, changes: ToldChange[]): Promise<void> {
    const heard = await announcer.isHeard(tx, tenantId);
    if (heard === 'no') return;
    const facts = await lookUp(
      tx,
      tenantId,
      [...new Set(changes.map(({ id }) => id))],
      heard === 'with content',
    );
    const drafts = changes.flatMap(change => {
      const about = facts.get(change.id);
      return about === undefined ? [] : draftOf(events[change.status]!, change, about);
    });
    await announcer.announce(tx, tenantId, drafts);
  }

  return async (tx, changes) => {
    const told = changes.filter(({ status }) => status in events);
    if (told.length === 0) return;
    await together(
      [...Map.groupBy(told, ({ tenantId }) => tenantId)].map(([tenantId, own]) =>
        ofTenant(tx, tenantId, own),
      ),
    );
  };
}

/** What an event says of its message; the row as it stands after the change. */
interface MessageFacts {
  id: string;
  number_id: number;
  phone_number_id: string;
  waba_id: string;
  display_number: string;
  type: string;
  recipient_kind: string;
  recipient: string;
  dialect: string;
  campaign: string | null;
  callback_data: string | null;
  wamid: string | null;
  wa_id: string | null;
  error: string | null;
  created_at: number;
  /** null unless an endpoint asks for what was sent. */
  body: string | null;
}

async function lookUp(
  sql: Sql,
  tenantId: string,
  ids: string[],
  withContent: boolean,
): Promise<Map<string, MessageFacts>> {
  const rows = await sql.all<MessageFacts>(
    `select messages.id, messages.number_id, numbers.phone_number_id, numbers.waba_id,
       numbers.display_number, messages.type,
       messages.recipient_kind, messages.recipient, messages.dialect, messages.campaign, messages.callback_data, messages.wamid,
       messages.wa_id, messages.error, messages.created_at, ${withContent ? 'messages.body' : 'null as body'}
     from messages join numbers on numbers.tenant_id = $1 and numbers.id = messages.number_id
     where messages.tenant_id = $1 and one_of(messages.id, select value ->> 'id' from json_rows($2))`,
    [tenantId, JSON.stringify(ids.map(id => ({ id })))],
  );
  return new Map(rows.map(row => [row.id, row]));
}

function draftOf(type: EventType, change: ToldChange, about: MessageFacts): EventDraft {
  // Of an erased person nothing is told that names it.
  const isErased = about.recipient_kind === 'erased';
  const meta =
    isErased || change.meta === undefined ? null : withCallbackData(change.meta, about.callback_data);
  const pricing = meta === null ? undefined : statusIn(meta)?.pricing;
  return {
    type,
    at: change.at,
    numberId: about.number_id,
    person: isErased ? null : about.recipient,
    messageId: about.id,
    data: {
      message: {
        id: about.id,
        type: about.type,
        to: isErased ? null : about.recipient,
        status: change.status,
        wamid: about.wamid,
        waId: about.wa_id,
        campaign: about.campaign,
        callbackData: about.callback_data,
        dialect: about.dialect,
        createdAt: isoTime(about.created_at),
        ...(type === 'message.accepted' && !isErased ? contentOf(about.body) : {}),
        error: change.status === 'failed' ? tellError(readError(about.error), change.reason) : null,
        ...(change.status !== 'failed' && change.reason !== undefined ? { reason: change.reason } : {}),
      },
      number: numberNames({
        id: about.number_id,
        phoneNumberId: about.phone_number_id,
        displayNumber: about.display_number,
        wabaId: about.waba_id,
      }),
      ...(pricing === undefined ? {} : { pricing }),
    },
    meta,
  };
}

/** What Meta received, without what is only addressed to Meta. */
function contentOf(body: string | null): JsonObject {
  const sent = body === null ? undefined : parseJson(body);
  if (!isObject(sent)) return {};
  const { biz_opaque_callback_data: _ours, ...content } = sent;
  return { content };
}

function tellError(error: StoredError | null, reason: string | undefined): JsonObject {
  const { code = null, title = null, details = null } = error?.meta ?? {};
  return { code, title, details, reason: error?.reason ?? reason ?? null };
}

/** Our id travelled in `biz_opaque_callback_data` (decision 2): the caller sees its own value there, or none. */
function withCallbackData(meta: MetaChange, callbackData: string | null): MetaChange {
  const status = statusIn(meta);
  if (status === undefined) return meta;
  const { biz_opaque_callback_data: _ours, ...rest } = status;
  const told = callbackData === null ? rest : { ...rest, biz_opaque_callback_data: callbackData };
  return { ...meta, value: { ...meta.value, statuses: [told] } };
}

function statusIn({ value }: MetaChange): JsonObject | undefined {
  const [status] = Array.isArray(value.statuses) ? value.statuses : [];
  return isObject(status) ? status : undefined;
}
