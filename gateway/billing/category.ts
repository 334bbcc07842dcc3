/** The category a content is priced by before Meta has said its own. */
import type { Content } from '../canonical/content.ts';
import { type Category, categories } from './prices.ts';

const isCategory = (value: unknown): value is Category => categories.includes(value as Category);

/** Of Meta's own name for it, as in the list of templates: `MARKETING`. */
export function readCategory(name: string): Category | null {
  const lower = name.toLowerCase();
  return isCategory(lower) ? lower : null;
}

/**
 * `ofTemplate`: what our list of templates says, null when it does not know the template; then the dearest, so that the hold covers it.
 * Direct Send names its category beside the content (cloud-api.md §1.10).
 */
export function categoryOf(content: Content, ofTemplate: Category | null): Category {
  if (content.type === 'template') return ofTemplate ?? 'marketing';
  return isCategory(content.category) ? content.category : 'service';
}
