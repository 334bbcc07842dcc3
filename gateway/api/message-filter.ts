/** What a list of messages is narrowed by, and the cursor that reads on. */
import { type Static, Type } from 'typebox';
import { isUserId, phoneDigits } from '../canonical/content.ts';
import { invalid, isRefusal, type Refusal } from '../canonical/refusal.ts';
import type { Principal } from '../http/authenticate.ts';
import { selectNumber } from '../http/select-number.ts';
import type { MessageFilter } from '../messages/lookup.ts';
import { storable } from '../platform/database.ts';
import type { NumberBook } from '../tenants/number-book.ts';
import { ContentTypeName, closed, DialectName, StatusName } from './schemas.ts';
import { readTime } from './time.ts';

const messagesMax = 200;

const Text = Type.String({ maxLength: 1024 });

export const MessageQuery = Type.Partial(
  Type.Object({
    status: StatusName,
    to: Type.String({
      maxLength: 200,
      description: 'A phone number in any punctuation, a user id or a group id.',
    }),
    number: Type.String({ maxLength: 40, description: "The gateway's id of a number." }),
    type: ContentTypeName,
    dialect: DialectName,
    campaign: Text,
    wamid: Text,
    since: Type.String({ description: 'Made at this time or later: ISO 8601 with an offset.' }),
    until: Type.String({ description: 'Made before this time.' }),
    cursor: Type.String({ maxLength: 200, description: '`next` of the page before.' }),
    limit: Type.Integer({ minimum: 1, maximum: messagesMax, default: 50 }),
  }),
  closed,
);

/** The filter for the table. A key that is bound to numbers sees their messages only. */
export async function readFilter(
  query: Static<typeof MessageQuery>,
  principal: Principal,
  numbers: NumberBook,
): Promise<MessageFilter | Refusal> {
  const { status, type, dialect, campaign, wamid, to } = query;
  const filter: MessageFilter = {};
  if (status !== undefined) filter.status = status;
  if (type !== undefined) filter.type = type;
  if (dialect !== undefined) filter.dialect = dialect;
  if (campaign !== undefined) filter.campaign = storable(campaign);
  if (wamid !== undefined) filter.wamid = storable(wamid);
  if (to !== undefined) filter.to = storable(recipientKeyOf(to));
  if (principal.numberIds !== null) filter.numberIds = principal.numberIds;
  if (query.number !== undefined) {
    const number = await selectNumber(numbers, principal, { by: 'id', id: query.number });
    if (isRefusal(number)) return hidden(number, query.number);
    filter.numberIds = [number.id];
  }
  for (const bound of ['since', 'until'] as const) {
    if (query[bound] === undefined) continue;
    const time = readTime(bound, query[bound]);
    if (isRefusal(time)) return time;
    filter[bound] = time;
  }
  return filter;
}

/** Reading, another tenant's number is not there: only sending has to tell "not yours" in a vendor's words. */
function hidden(refusal: Refusal, number: string): Refusal {
  return refusal.code === 'number_forbidden' ? { code: 'number_not_found', number } : refusal;
}

function recipientKeyOf(to: string): string {
  const text = to.trim();
  if (isUserId(text) || !/^[+\d\s().-]+$/.test(text)) return text;
  return phoneDigits(text) ?? text;
}

const cursorMark = 'm:';

export function writeCursor(id: string): string {
  return Buffer.from(cursorMark + id).toString('base64url');
}

/** The id that ended the page before. */
export function readCursor(cursor: string): string | Refusal {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const id = text.slice(cursorMark.length);
  return text.startsWith(cursorMark) && /^\w{1,64}$/.test(id)
    ? id
    : invalid('cursor', 'format', 'must be the `next` of an earlier page');
}
