/**
 * What becomes of the money held for messages (decision 0014). One rule, a pure function of what the row says now, so that repeats,
 * disorder and crashes come to the same: our fee is charged once Meta has the message, Meta's price once it is delivered and Meta has
 * said what it costs, and what can no longer be charged is released. Released is not final: Meta's late word still charges.
 *
 * Locks in one order everywhere: message rows, then the wallet, then lanes.
 */
import { statusRank } from '../canonical/status.ts';
import { type Tx, together } from '../platform/database.ts';
import type { PriceOf } from './prices.ts';
import { forgetCharged, moveMoney } from './wallet.ts';

type MoneyState = 'held' | 'charged' | 'released';

/** What a billed message says of itself. Times are Unix ms. */
export interface Billed {
  id: string;
  rank: number;
  /** Meta has it: it answered, or a status proves it. */
  isTaken: boolean;
  isDelivered: boolean;
  /** Of the recipient; null when it has no phone number or is erased. */
  digits: string | null;
  createdAt: number;
  market: string;
  category: string;
  fee: number;
  feeState: MoneyState;
  price: number;
  priceState: MoneyState;
  /** `regular <category>` or `free <category>`; null until Meta said so. */
  pricing: string | null;
}

/** Failed at Meta or given up, expired, canceled: nothing more is expected. Word of a delivery still outranks a failure. */
const hasEnded = ({ rank }: Billed) =>
  rank === 25 || rank === statusRank.failed || rank >= statusRank.expired;

/** The row's money as it should stand. `isTooOld`: it has been held for so long that Meta will not say more. */
export function judgeMoney(row: Billed, priceOf: PriceOf, isTooOld = false): Billed {
  const { isTaken, isDelivered, pricing } = row;
  const isOver = isTooOld || (hasEnded(row) && !isDelivered);
  const feeState = row.feeState === 'charged' || isTaken ? 'charged' : isOver ? 'released' : row.feeState;
  if (row.priceState === 'charged') return { ...row, feeState };
  const priceState = isDelivered && pricing !== null ? 'charged' : isOver ? 'released' : row.priceState;
  return { ...row, ...pricedByMeta(row, priceOf), feeState, priceState };
}

function pricedByMeta(row: Billed, priceOf: PriceOf): Pick<Billed, 'price' | 'market' | 'category'> {
  const { price, market, category, pricing } = row;
  if (pricing === null) return { price, market, category };
  const [type, said = category] = pricing.split(' ');
  if (type === 'free') return { price: 0, market, category: said };
  // Of an erased person the market is all that is left.
  const found = priceOf(row.digits ?? (market === '*' ? null : market), said, row.createdAt);
  if (found !== undefined) return { price: found.micros, market: found.market, category: said };
  // Meta's category is not in the table: what was held stands.
  return { price, market, category: said };
}

/** What a row adds to its wallet. */
export function inWallet({ fee, feeState, price, priceState }: Billed): { held: number; charged: number } {
  const sum = (state: MoneyState) => (feeState === state ? fee : 0) + (priceState === state ? price : 0);
  return { held: sum('held'), charged: sum('charged') };
}

/** A row's id, and whether there is money on it: what statements that move messages give back for `charge`. */
export const billedColumns = 'messages.id, messages.fee_state';

export interface MaybeBilled {
  id: string;
  fee_state: string | null;
}

export const billedIds = (rows: MaybeBilled[]): string[] =>
  rows.filter(({ fee_state }) => fee_state !== null).map(({ id }) => id);

interface BilledRow {
  id: string;
  rank: number;
  is_taken: number;
  is_delivered: number;
  digits: string | null;
  created_at: number;
  market: string;
  category: string;
  fee: number;
  fee_state: MoneyState;
  price: number;
  price_state: MoneyState;
  pricing: string | null;
}

const moneyColumns = `id, rank,
  case when coalesce(accepted_at, sent_at, delivered_at, read_at, played_at) is null and wamid is null then 0 else 1 end as is_taken,
  case when coalesce(delivered_at, read_at, played_at) is null then 0 else 1 end as is_delivered,
  case when recipient_kind = 'phone' then recipient end as digits,
  created_at, market, category, fee, fee_state, price, price_state, pricing`;

const fromRow = (row: BilledRow): Billed => ({
  ...{ id: row.id, rank: row.rank, isTaken: row.is_taken === 1, isDelivered: row.is_delivered === 1 },
  ...{ digits: row.digits, createdAt: row.created_at, market: row.market, category: row.category },
  ...{ fee: row.fee, feeState: row.fee_state, price: row.price, priceState: row.price_state },
  pricing: row.pricing,
});

export interface Charging {
  tenantId: string;
  ids: string[];
  /** These messages are Meta's, as its own report says, whatever the rows still tell (an erased row tells no wamid). */
  isTaken?: boolean;
  /** What moved already, in the statement that wrote other rows of the tenant (`chargesFee`). */
  moved?: Moved;
}

/**
 * For the statement that writes Meta's yes, which most messages come to: the fee is charged there and nothing else of the money changes
 * (judgeMoney), so that no row is read and written a second time. `was` is a number to be added to `news`.
 */
export const chargesFee = {
  set: "fee_state = case when fee_state is null then null else 'charged' end",
  was: "case fee_state when 'held' then 1024 when 'released' then 2048 else 0 end",
};

/** What rows that were written so say of the wallet. */
export function movedByFees(rows: { news: number; fee: number | null }[]): Moved {
  const moved = { held: 0, charged: 0 };
  for (const { news, fee } of rows) {
    if ((news & 1024) !== 0) moved.held -= fee!;
    if ((news & (1024 | 2048)) !== 0) moved.charged += fee!;
  }
  return moved;
}

/** For callers that bring no word of a price. */
const sameAsBefore: PriceOf = () => undefined;

/**
 * Brings the money of messages to where their rows say, of any tenants; to be called after the rows were written, in the same
 * transaction and before any lane is locked. Costs nothing where nobody pays.
 */
export async function charge(
  tx: Tx,
  messages: Charging[],
  at: number,
  priceOf: PriceOf = sameAsBefore,
): Promise<void> {
  const billed = messages
    .filter(({ ids, moved }) => ids.length > 0 || moved !== undefined)
    // Wallets are locked in one order by every process.
    .sort((a, b) => (a.tenantId < b.tenantId ? -1 : 1));
  if (billed.length === 0) return;
  const moves = await together(
    billed.map(async ({ tenantId, ids, isTaken = false, moved = unmoved }) => {
      if (ids.length === 0) return [tenantId, moved] as const;
      const rows = await tx.all<BilledRow>(
        `select ${moneyColumns} from messages
         where tenant_id = $1 and fee_state is not null and one_of(id, select value ->> 'id' from json_rows($2)) for update`,
        [tenantId, JSON.stringify(ids.map(id => ({ id })))],
      );
      const before = rows.map(fromRow);
      const judged = before.map(row => judgeMoney({ ...row, isTaken: row.isTaken || isTaken }, priceOf));
      const { held, charged } = await write(tx, tenantId, before, judged, at);
      return [tenantId, { held: held + moved.held, charged: charged + moved.charged }] as const;
    }),
  );
  await together(moves.map(([tenantId, moved]) => moveMoney(tx, tenantId, moved, at)));
}

const unmoved: Moved = { held: 0, charged: 0 };

interface Moved {
  held: number;
  charged: number;
}

/** Writes the rows whose money changed; what that means for the wallet. */
async function write(
  tx: Tx,
  tenantId: string,
  before: Billed[],
  judged: Billed[],
  at: number,
): Promise<Moved> {
  const moved = { held: 0, charged: 0 };
  const changed = judged.flatMap((now, i) => {
    const was = before[i]!;
    const isSame = (['feeState', 'priceState', 'price', 'market', 'category'] as const).every(
      name => was[name] === now[name],
    );
    if (isSame) return [];
    const [from, to] = [inWallet(was), inWallet(now)];
    moved.held += to.held - from.held;
    moved.charged += to.charged - from.charged;
    const { id, feeState, priceState, price, market, category } = now;
    const pricedAt = was.priceState === priceState ? null : at;
    return [{ id, feeState, priceState, price, market, category, pricedAt }];
  });
  if (changed.length === 0) return moved;
  await tx.all(
    `with s as materialized (
       select value ->> 'id' as id, value ->> 'feeState' as fee_state, value ->> 'priceState' as price_state,
         cast(value ->> 'price' as bigint) as price, value ->> 'market' as market, value ->> 'category' as category,
         cast(value ->> 'pricedAt' as bigint) as priced_at
       from json_rows($2))
     update messages set fee_state = s.fee_state, price_state = s.price_state, price = s.price, market = s.market,
       category = s.category, priced_at = coalesce(s.priced_at, messages.priced_at)
     from s where messages.tenant_id = $1 and messages.id = s.id and one_of(messages.id, select id from s)`,
    [tenantId, JSON.stringify(changed)],
  );
  return moved;
}

/** Longer than Meta tries to deliver: after that a hold only keeps money from its owner. */
export const heldMaxMs = 30 * 86_400_000;

/**
 * Lets go of what is held for nothing: messages that ended in a transaction that could not lock the wallet (a claim finds them
 * expired), and those Meta has had for 30 days without a word of delivery or price. Returns how many it looked at.
 */
export async function releaseStale(
  tx: Tx,
  tenantId: string,
  { firstIdKept, dueBefore }: { firstIdKept: string; dueBefore: number },
  limit: number,
  at: number,
): Promise<number> {
  // In the words of the partial indexes, each by itself: from an `or` neither engine sees that they serve.
  const ended = await tx.all<BilledRow>(
    `select ${moneyColumns} from messages
     where tenant_id = $1 and fee_state = 'held' and rank >= 90 order by id limit $2 for update`,
    [tenantId, limit],
  );
  const old = await tx.all<BilledRow>(
    `select ${moneyColumns} from messages
     where tenant_id = $1 and price_state = 'held' and id < $2 and due_at < $3 and rank > ${statusRank.uncertain}
     order by id limit $4 for update`,
    [tenantId, firstIdKept, dueBefore, limit],
  );
  const endedIds = new Set(ended.map(({ id }) => id));
  const before = [...ended, ...old.filter(({ id }) => !endedIds.has(id))].map(fromRow);
  if (before.length === 0) return 0;
  const judged = before.map(row => judgeMoney(row, sameAsBefore, true));
  await moveMoney(tx, tenantId, await write(tx, tenantId, before, judged, at), at);
  return before.length;
}

/** Rows as `delete … returning` gives them. */
export interface RemovedMoney {
  fee: number | null;
  fee_state: string | null;
  price: number | null;
  price_state: string | null;
}

export const removedColumns = 'fee, fee_state, price, price_state';

/** The money of messages that were removed in this transaction: the charged stays charged, the held is released. */
export async function forgetMoney(
  tx: Tx,
  tenantId: string,
  removed: RemovedMoney[],
  at: number,
): Promise<void> {
  const sum = (state: MoneyState) =>
    removed.reduce(
      (total, row) =>
        total + (row.fee_state === state ? row.fee! : 0) + (row.price_state === state ? row.price! : 0),
      0,
    );
  await forgetCharged(tx, tenantId, sum('charged'));
  await moveMoney(tx, tenantId, { held: 0 - sum('held'), charged: 0 }, at);
}
