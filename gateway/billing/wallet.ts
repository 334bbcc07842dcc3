/**
 * The prepaid wallet of a tenant, in integer micros (decision 7). Available is what was topped up less what is charged and less what
 * is held; every change of it stands in the same transaction as the message rows it is about.
 */
import { first, type Sql, type Tx } from '../platform/database.ts';

export interface Wallet {
  toppedUp: number;
  charged: number;
  held: number;
}

/** As people see it, with the mark under which the balance is low. */
export interface WalletState extends Wallet {
  lowBelow: number | null;
  /** Since when, Unix ms; a top-up that reaches the mark again ends it. */
  lowSince: number | null;
}

export const availableOf = ({ toppedUp, charged, held }: Wallet) => toppedUp - charged - held;

/** Locks the tenant's wallet; an empty one if there is none yet. */
export async function lockWallet(tx: Tx, tenantId: string): Promise<Wallet> {
  const row = await first<{ topped_up: number; charged: number; held: number }>(
    tx,
    `insert into wallets (tenant_id, topped_up, charged, held, forgotten) values ($1, 0, 0, 0, 0)
     on conflict (tenant_id) do update set held = wallets.held
     returning topped_up, charged, held`,
    [tenantId],
  );
  return { toppedUp: row!.topped_up, charged: row!.charged, held: row!.held };
}

/** Empty where there is none yet. */
export async function readWallet(sql: Sql, tenantId: string): Promise<WalletState> {
  const row = await first<{
    topped_up: number;
    charged: number;
    held: number;
    low_below: number | null;
    low_since: number | null;
  }>(sql, 'select topped_up, charged, held, low_below, low_since from wallets where tenant_id = $1', [
    tenantId,
  ]);
  if (row === undefined) return { toppedUp: 0, charged: 0, held: 0, lowBelow: null, lowSince: null };
  return {
    ...{ toppedUp: row.topped_up, charged: row.charged, held: row.held },
    ...{ lowBelow: row.low_below, lowSince: row.low_since },
  };
}

/** Moves micros: `held` falls by what is charged or released. Notes since when the balance is low, once. */
export async function moveMoney(
  tx: Tx,
  tenantId: string,
  { held, charged }: { held: number; charged: number },
  at: number,
): Promise<void> {
  if (held === 0 && charged === 0) return;
  const moved = await tx.all(
    `update wallets set held = held + $2, charged = charged + $3,
       low_since = case when low_since is null and topped_up - charged - held - $2 - $3 < low_below then $4 else low_since end
     where tenant_id = $1 returning tenant_id`,
    [tenantId, held, charged, at],
  );
  if (moved.length === 0) throw new Error(`tenant ${tenantId} has money on its messages and no wallet`);
}

/** Of charged micros, those whose messages are removed now (retention). */
export async function forgetCharged(tx: Tx, tenantId: string, micros: number): Promise<void> {
  if (micros === 0) return;
  await tx.all('update wallets set forgotten = forgotten + $2 where tenant_id = $1', [tenantId, micros]);
}

/** The mark under which the balance is low; null: none. */
export async function setLowBelow(
  tx: Tx,
  tenantId: string,
  micros: number | null,
  at: number,
): Promise<void> {
  await lockWallet(tx, tenantId);
  await tx.all('update wallets set low_below = $2 where tenant_id = $1', [tenantId, micros]);
  await noteLow(tx, tenantId, at);
}

export interface TopUp {
  tenantId: string;
  id: string;
  /** Below 0: a correction. */
  micros: number;
  note: string;
  madeBy: string;
  madeAt: number;
}

/** Puts money into the wallet, once for each id: a repeat changes nothing. Answers the top-up as it is stored under that id. */
export async function topUp(tx: Tx, wanted: TopUp): Promise<TopUp> {
  const { tenantId, id, micros, note, madeBy, madeAt } = wanted;
  const made = await tx.all(
    `insert into top_ups (tenant_id, id, micros, note, made_by, made_at) values ($1, $2, $3, $4, $5, $6)
     on conflict (tenant_id, id) do nothing returning id`,
    [tenantId, id, micros, note, madeBy, madeAt],
  );
  if (made.length === 0) {
    const row = await first<TopUpRow>(
      tx,
      `select ${topUpColumns} from top_ups where tenant_id = $1 and id = $2`,
      [tenantId, id],
    );
    return fromRow(tenantId, row!);
  }
  await lockWallet(tx, tenantId);
  await tx.all('update wallets set topped_up = topped_up + $2 where tenant_id = $1', [tenantId, micros]);
  await noteLow(tx, tenantId, madeAt);
  return wanted;
}

/** What was already low stays so since then. */
async function noteLow(tx: Tx, tenantId: string, at: number): Promise<void> {
  await tx.all(
    `update wallets set low_since = case when topped_up - charged - held < low_below then coalesce(low_since, $2) else null end
     where tenant_id = $1`,
    [tenantId, at],
  );
}

interface TopUpRow {
  id: string;
  micros: number;
  note: string;
  made_by: string;
  made_at: number;
}

const topUpColumns = 'id, micros, note, made_by, made_at';

const fromRow = (tenantId: string, row: TopUpRow): TopUp => ({
  ...{ tenantId, id: row.id, micros: row.micros, note: row.note },
  ...{ madeBy: row.made_by, madeAt: row.made_at },
});

/** Newest first. */
export async function listTopUps(sql: Sql, tenantId: string, limit: number): Promise<TopUp[]> {
  const rows = await sql.all<TopUpRow>(
    `select ${topUpColumns} from top_ups where tenant_id = $1 order by made_at desc, id desc limit $2`,
    [tenantId, limit],
  );
  return rows.map(row => fromRow(tenantId, row));
}
