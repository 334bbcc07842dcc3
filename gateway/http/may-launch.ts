/** What keeps a broadcast from being launched: the powers of the key, its numbers, its template. */
import type { Content } from '../canonical/content.ts';
import { isObject } from '../canonical/json.ts';
import { isRefusal, type Refusal } from '../canonical/refusal.ts';
import { mayNot } from '../tenants/key-powers.ts';
import type { SendingNumber } from '../tenants/number-book.ts';
import type { TemplateBook } from '../tenants/template-book.ts';
import type { Principal } from './authenticate.ts';

/** Why this key may not launch it, or nobody may: powers, and a template that Meta would refuse for everyone. */
export async function mayLaunch(
  { templates }: { templates: Pick<TemplateBook, 'complete'> },
  { powers }: Principal,
  { content }: { content: Content },
  numbers: SendingNumber[],
  ip: string,
): Promise<Refusal | undefined> {
  const template = templateOf(content);
  for (const number of numbers) {
    const deed = { what: 'send', ip, numberId: number.id, template: template?.name ?? null } as const;
    const forbidden = mayNot(powers, deed);
    if (forbidden !== undefined) return { code: 'power_missing', reason: forbidden };
    if (number.status === 'disconnected') return { code: 'number_disconnected', number: String(number.id) };
    if (template === null) continue;
    const need = { template: { by: 'name' as const, ...template }, complete: (): Content => content };
    const complete = await templates.complete(number, need);
    if (isRefusal(complete)) return complete;
  }
  return undefined;
}

/** The template that a content names; null where it names none. */
function templateOf({ type, template }: Content): { name: string; language: string | null } | null {
  if (type !== 'template' || !isObject(template)) return null;
  const language = isObject(template.language) ? template.language.code : null;
  return { name: String(template.name ?? ''), language: typeof language === 'string' ? language : null };
}
