/** Which of our messages people answered: by the wamid that Meta gives as context, or as what was reacted to. */
import type { Tx } from '../platform/database.ts';
import type { Answered } from './drafts.ts';
import type { IncomingFact } from './facts.ts';
import type { Owned } from './owned.ts';

/** By number and wamid (`answeredName`); nothing is asked of the database when nothing was answered. */
export async function findAnswered(
  tx: Tx,
  tenantId: string,
  incoming: Owned<IncomingFact>[],
): Promise<Map<string, Answered>> {
  const wamids = [...new Set(incoming.flatMap(({ answers }) => answers ?? []))];
  if (wamids.length === 0) return new Map();
  const rows = await tx.all<{
    id: string;
    number_id: number;
    wamid: string;
    dialect: string;
    callback_data: string | null;
    campaign: string | null;
  }>(
    `select id, number_id, wamid, dialect, callback_data, campaign from messages
     where tenant_id = $1 and one_of(wamid, select value ->> 'wamid' from json_rows($2))`,
    [tenantId, JSON.stringify(wamids.map(wamid => ({ wamid })))],
  );
  return new Map(
    rows.map(({ id, number_id, wamid, dialect, callback_data, campaign }) => [
      answeredName(number_id, wamid),
      { id, wamid, dialect, callbackData: callback_data, campaign },
    ]),
  );
}

export const answeredName = (numberId: number, wamid: string) => `${numberId} ${wamid}`;
