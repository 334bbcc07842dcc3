/** Templates as the send path needs them: looked up, pulled from Meta when a name is not known yet, and completed. */
import { readCategory } from '../billing/category.ts';
import type { Category } from '../billing/prices.ts';
import type { Content } from '../canonical/content.ts';
import { isObject, type JsonObject } from '../canonical/json.ts';
import type { Refusal } from '../canonical/refusal.ts';
import type { TemplateNeed } from '../dialects/dialect.ts';
import type { Graph } from '../meta/graph.ts';
import { metaError } from '../meta/verdict.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { SendingNumber } from './number-book.ts';
import {
  findTemplateById,
  findTemplatesByName,
  type ListedTemplate,
  saveTemplates,
  type Template,
} from './templates.ts';

export interface TemplateBook {
  complete(number: SendingNumber, need: TemplateNeed): Promise<Content | Refusal>;
  /** Of the template as last listed, at most a minute old; null when it is not known. */
  categoryOf(
    number: Pick<SendingNumber, 'tenantId' | 'wabaId'>,
    name: string,
    language: string | null,
  ): Promise<Category | null>;
  /** Pulls the whole list of the number's account; answers how many there are. */
  pull(number: Pick<SendingNumber, 'tenantId' | 'wabaId' | 'accessToken'>): Promise<number | Refusal>;
  /** A template was changed, and that is committed: its category is looked up anew. */
  forget(): void;
}

/** A name that Meta may have approved a moment ago is asked for at most this often per account. */
const pullEveryMs = 60_000;
const categoryKeptMs = 60_000;
const categoriesMax = 20_000;
const pageSize = 200;
const pagesMax = 100;
const fields = 'id,name,language,status,category,parameter_format,components,quality_score,rejected_reason';

export function createTemplateBook(deps: {
  database: Database;
  graph: Graph;
  log: Log;
  now(): number;
}): TemplateBook {
  const { database, graph, log, now } = deps;
  const pulledAt = new Map<string, number>();
  const categories = new Map<string, { category: Category | null; until: number }>();

  async function pull(
    number: Pick<SendingNumber, 'tenantId' | 'wabaId' | 'accessToken'>,
  ): Promise<number | Refusal> {
    const listed: ListedTemplate[] = [];
    const askedAt = now();
    let after = '';
    for (let page = 0; page < pagesMax; page++) {
      const answer = await graph.request({
        method: 'GET',
        path: `/${number.wabaId}/message_templates?fields=${fields}&limit=${pageSize}${after}`,
        accessToken: number.accessToken,
      });
      if (answer.kind !== 'answer') return { code: 'meta_unreachable', reason: answer.reason };
      const body = answer.body ?? {};
      if (answer.status !== 200) {
        const error = metaError(answer.status, body);
        return error === undefined
          ? { code: 'meta_unreachable', reason: `HTTP ${answer.status}` }
          : { code: 'meta_rejected', messageId: null, error };
      }
      if (Array.isArray(body.data)) listed.push(...body.data.filter(isObject).map(readTemplate));
      const cursor = nextCursor(body);
      if (cursor === undefined) break;
      after = `&after=${encodeURIComponent(cursor)}`;
    }
    await database.transact(tx => saveTemplates(tx, number.tenantId, number.wabaId, listed, askedAt));
    categories.clear();
    log.info({ tenant: number.tenantId, waba: number.wabaId, templates: listed.length }, 'templates pulled');
    return listed.length;
  }

  async function pullIfDue(number: SendingNumber): Promise<boolean> {
    const key = `${number.tenantId} ${number.wabaId}`;
    if ((pulledAt.get(key) ?? 0) + pullEveryMs > now()) return false;
    if (pulledAt.size > 10_000) pulledAt.clear();
    pulledAt.set(key, now());
    return typeof (await pull(number)) === 'number';
  }

  async function find(number: SendingNumber, need: TemplateNeed): Promise<Template | undefined> {
    const { template } = need;
    if (template.by === 'id') return findTemplateById(database, number.tenantId, number.wabaId, template.id);
    const translations = await findTemplatesByName(database, number.tenantId, number.wabaId, template.name);
    const alive = translations.filter(({ status }) => status !== 'DELETED');
    if (template.language !== null) return alive.find(({ language }) => language === template.language);
    return alive.length === 1 ? alive[0] : alive.find(({ language }) => /^en(_|$)/.test(language));
  }

  async function categoryOf(
    { tenantId, wabaId }: Pick<SendingNumber, 'tenantId' | 'wabaId'>,
    name: string,
    language: string | null,
  ): Promise<Category | null> {
    const key = `${tenantId} ${wabaId} ${language ?? ''} ${name}`;
    const kept = categories.get(key);
    // Not further ahead than it can be: the clock may have been set back.
    if (kept !== undefined && kept.until > now() && kept.until <= now() + categoryKeptMs)
      return kept.category;
    const translations = await findTemplatesByName(database, tenantId, wabaId, name);
    const template = translations.find(one => language === null || one.language === language);
    const category = template === undefined ? null : readCategory(template.category);
    if (categories.size >= categoriesMax) categories.clear();
    categories.set(key, { category, until: now() + categoryKeptMs });
    return category;
  }

  return {
    pull,
    forget: () => categories.clear(),
    categoryOf,
    async complete(number, need) {
      let template = await find(number, need);
      if ((template === undefined || template.status !== 'APPROVED') && (await pullIfDue(number))) {
        template = await find(number, need);
      }
      if (template === undefined) {
        const { template: asked } = need;
        return (
          need.notFound ?? {
            code: 'template_not_found',
            template: asked.by === 'id' ? asked.id : asked.name,
            language: asked.by === 'id' ? null : asked.language,
          }
        );
      }
      if (template.status !== 'APPROVED') {
        return { code: 'template_not_approved', template: template.name, status: template.status };
      }
      return need.complete(template);
    },
  };
}

/** Of the template that a content names; null for what is no template, or one that our list does not know. */
export async function knownCategory(
  templates: Pick<TemplateBook, 'categoryOf'>,
  number: Pick<SendingNumber, 'tenantId' | 'wabaId'>,
  { type, template }: Content,
): Promise<Category | null> {
  if (type !== 'template' || !isObject(template)) return null;
  const language = isObject(template.language) ? template.language.code : null;
  return templates.categoryOf(
    number,
    String(template.name ?? ''),
    typeof language === 'string' ? language : null,
  );
}

function readTemplate(listed: JsonObject): ListedTemplate {
  const { quality_score: quality, rejected_reason: reason } = listed;
  return {
    metaId: String(listed.id ?? ''),
    name: String(listed.name ?? ''),
    language: String(listed.language ?? ''),
    category: String(listed.category ?? ''),
    status: String(listed.status ?? 'UNKNOWN'),
    parameterFormat: listed.parameter_format === 'NAMED' ? 'NAMED' : 'POSITIONAL',
    components: Array.isArray(listed.components) ? listed.components.filter(isObject) : [],
    quality: isObject(quality) && typeof quality.score === 'string' ? quality.score : null,
    reason: typeof reason === 'string' && reason !== 'NONE' ? reason : null,
  };
}

/** The cursor of the next page; Meta gives `paging.next` only when there is one. */
function nextCursor(body: JsonObject): string | undefined {
  const paging = isObject(body.paging) ? body.paging : {};
  const cursors = isObject(paging.cursors) ? paging.cursors : {};
  return typeof paging.next === 'string' && typeof cursors.after === 'string' ? cursors.after : undefined;
}
