/** Templates as Meta lists them, pulled on add and on demand. `id` is our numeric id (AutoKonnect), `metaId` is Meta's. */
import { isObject, parseJson } from '../canonical/json.ts';
import type { TemplateFacts } from '../dialects/dialect.ts';
import { first, type Row, type Sql, type Tx } from '../platform/database.ts';

export interface Template extends TemplateFacts {
  id: number;
  wabaId: string;
  metaId: string;
  /** GREEN, YELLOW, RED, UNKNOWN; null when Meta never said. */
  quality: string | null;
  /** Why Meta rejected or paused it; null when there is no reason. */
  reason: string | null;
  syncedAt: number;
}

/** As Meta lists it. */
export type ListedTemplate = Omit<Template, 'id' | 'wabaId' | 'syncedAt'>;

/** What a webhook of Meta's says of a template; what it does not say stays. */
export type TemplateWord = Partial<Pick<Template, 'status' | 'reason' | 'quality' | 'category'>>;

interface TemplateRow extends Row {
  id: number;
  waba_id: string;
  meta_id: string;
  name: string;
  language: string;
  category: string;
  status: string;
  parameter_format: string;
  components: string;
  quality: string | null;
  reason: string | null;
  synced_at: number;
}

const columns =
  'id, waba_id, meta_id, name, language, category, status, parameter_format, components, quality, reason, synced_at';

function fromRow(row: TemplateRow): Template {
  const components = parseJson(row.components);
  return {
    id: row.id,
    wabaId: row.waba_id,
    metaId: row.meta_id,
    name: row.name,
    language: row.language,
    category: row.category,
    status: row.status,
    parameterFormat: row.parameter_format === 'NAMED' ? 'NAMED' : 'POSITIONAL',
    components: Array.isArray(components) ? components.filter(isObject) : [],
    quality: row.quality,
    reason: row.reason,
    syncedAt: row.synced_at,
  };
}

/**
 * Writes Meta's list of one account as it was asked for at `askedAt`: known templates keep their id, new ones get the next, and what
 * Meta lists no more is marked DELETED rather than forgotten. What a webhook changed since then is newer than the list.
 */
export async function saveTemplates(
  tx: Tx,
  tenantId: string,
  wabaId: string,
  listed: ListedTemplate[],
  askedAt: number,
): Promise<void> {
  const rows = await tx.all<{ id: number; meta_id: string }>(
    'select id, meta_id from templates where tenant_id = $1 and waba_id = $2',
    [tenantId, wabaId],
  );
  const idOf = new Map(rows.map(row => [row.meta_id, row.id]));
  const highest = await first<{ id: number | null }>(
    tx,
    'select max(id) as id from templates where tenant_id = $1',
    [tenantId],
  );
  let id = highest?.id ?? 0;
  for (const template of listed) {
    await tx.all(
      `insert into templates (tenant_id, ${columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
       on conflict (tenant_id, waba_id, meta_id) do update set name = excluded.name, language = excluded.language,
         category = ${listedUnlessTold('category')}, status = ${listedUnlessTold('status')},
         quality = ${listedUnlessTold('quality')}, reason = ${listedUnlessTold('reason')},
         parameter_format = excluded.parameter_format, components = excluded.components, synced_at = excluded.synced_at`,
      [
        tenantId,
        idOf.get(template.metaId) ?? ++id,
        wabaId,
        template.metaId,
        template.name,
        template.language,
        template.category,
        template.status,
        template.parameterFormat,
        JSON.stringify(template.components),
        template.quality,
        template.reason,
        askedAt,
      ],
    );
  }
  await tx.all(
    `update templates set status = 'DELETED', synced_at = $3 where tenant_id = $1 and waba_id = $2 and synced_at < $3`,
    [tenantId, wabaId, askedAt],
  );
}

const listedUnlessTold = (column: string) =>
  `case when templates.told_at >= excluded.synced_at then templates.${column} else excluded.${column} end`;

/** The template a webhook names: by Meta's id, or else by name and language. */
export async function findTemplateTold(
  sql: Sql,
  tenantId: string,
  wabaId: string,
  { metaId, name, language }: { metaId: string | null; name: string | null; language: string | null },
): Promise<Template | undefined> {
  if (metaId === null)
    return (await findTemplatesByName(sql, tenantId, wabaId, name ?? '')).find(
      one => one.language === language && one.status !== 'DELETED',
    );
  const row = await first<TemplateRow>(
    sql,
    `select ${columns} from templates where tenant_id = $1 and waba_id = $2 and meta_id = $3`,
    [tenantId, wabaId, metaId],
  );
  return row && fromRow(row);
}

export async function tellTemplate(
  tx: Tx,
  tenantId: string,
  id: number,
  { status, reason, quality, category }: TemplateWord,
  now: number,
): Promise<void> {
  await tx.all(
    `update templates set status = coalesce($3, status), reason = case when $3 is null then reason else $4 end,
       quality = coalesce($5, quality), category = coalesce($6, category), told_at = $7
     where tenant_id = $1 and id = $2`,
    [tenantId, id, status ?? null, reason ?? null, quality ?? null, category ?? null, now],
  );
}

/** By our id, or by Meta's when it is written in full. */
export async function findTemplateById(
  sql: Sql,
  tenantId: string,
  wabaId: string,
  id: string,
): Promise<Template | undefined> {
  const ours = /^\d{1,15}$/.test(id) ? Number(id) : -1;
  const row = await first<TemplateRow>(
    sql,
    `select ${columns} from templates where tenant_id = $1 and waba_id = $2 and (id = $3 or meta_id = $4)
     order by case when id = $3 then 0 else 1 end limit 1`,
    [tenantId, wabaId, ours, id],
  );
  return row && fromRow(row);
}

/** All translations of a template of one account. */
export async function findTemplatesByName(
  sql: Sql,
  tenantId: string,
  wabaId: string,
  name: string,
): Promise<Template[]> {
  const rows = await sql.all<TemplateRow>(
    `select ${columns} from templates where tenant_id = $1 and waba_id = $2 and name = $3 order by language`,
    [tenantId, wabaId, name],
  );
  return rows.map(fromRow);
}

export async function listTemplates(sql: Sql, tenantId: string): Promise<Template[]> {
  const rows = await sql.all<TemplateRow>(
    `select ${columns} from templates where tenant_id = $1 order by id limit 10000`,
    [tenantId],
  );
  return rows.map(fromRow);
}
