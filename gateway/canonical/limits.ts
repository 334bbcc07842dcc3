/**
 * Limits of content, checked once for all dialects on the canonical content (cloud-api.md §1.3-1.8, §2.1).
 *
 * What Meta documents is refused here, with the field named; what it does not know yet passes, so that a newer member or
 * kind of interactive message needs no release of ours. Paths are canonical: `interactive.action.buttons[0].reply.title`.
 */
import type { Content, ContentType } from './content.ts';
import type { Json } from './json.ts';
import { type Field, fault, member, objectAt, root } from './limits/field.ts';
import { checkInteractive } from './limits/interactive.ts';
import {
  checkContacts,
  checkContext,
  checkLocation,
  checkMedia,
  checkReaction,
  checkText,
} from './limits/simple.ts';
import { checkTemplate } from './limits/template.ts';
import type { Issue } from './refusal.ts';

/** Deeper than anything Meta documents, far shallower than what makes JSON.stringify run out of stack. */
const depthMax = 64;

/** Enough to mend a body with; a hostile one could have a hundred thousand. */
const issuesMax = 50;

/** Everything wrong with a content, in the order it is written; empty when it may be sent. */
export function checkContent(content: Content): Issue[] {
  const issues: Issue[] = [];
  const whole = root(content, issues);
  for (const [key, value] of Object.entries(content)) {
    if (deeper(value, depthMax)) {
      fault(member(whole, key), 'format', `must not be nested deeper than ${depthMax} levels`);
      return issues;
    }
  }
  checkBody(content, whole);
  checkContext(whole);
  return issues.slice(0, issuesMax);
}

const rules: Record<Exclude<ContentType, 'contacts' | 'interactive'>, (body: Field) => void> = {
  text: checkText,
  image: checkMedia,
  audio: checkMedia,
  video: checkMedia,
  document: checkMedia,
  sticker: checkMedia,
  location: checkLocation,
  reaction: checkReaction,
  template: checkTemplate,
};

function checkBody(content: Content, whole: Field): void {
  if (content.type === 'contacts') {
    checkContacts(whole);
    return;
  }
  const body = objectAt(whole, content.type);
  if (!body) return;
  if (content.type === 'interactive') checkInteractive(body, typeof content.category === 'string');
  else rules[content.type](body);
}

function deeper(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some(inner => deeper(inner as Json, levels - 1));
}
