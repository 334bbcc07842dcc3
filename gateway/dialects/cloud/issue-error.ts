/** Issues of a body as Graph tells them: one error, the first issue decides its code, `details` names every field. */
import type { Issue } from '../../canonical/refusal.ts';
import type { GraphError } from './graph-error.ts';

/**
 * Two layers answer in the real thing: Graph checks the parameters of the call itself (code 100, "(#100) The parameter to is
 * required."), WhatsApp what is inside them (131008 missing, 131009 wrong, with `details`).
 */
export function issueError(issues: readonly [Issue, ...Issue[]]): GraphError {
  const [first] = issues;
  const text = first.path === 'text.body' ? textBodyMessage(first) : undefined;
  const own = /^\w+$/.test(first.path) ? parameterMessage(first) : text;
  if (own !== undefined) return { status: 400, code: 100, message: `(#100) ${own}` };
  const details = issues.map(({ path, message }) => `${path} ${message}`).join('; ');
  return first.rule === 'required'
    ? { status: 400, code: 131008, message: '(#131008) Required parameter is missing', details }
    : { status: 400, code: 131009, message: '(#131009) Parameter value is not valid', details };
}

function parameterMessage({ path, rule, message }: Issue): string | undefined {
  // "must have id or link" is about the inside of the object, though its path is the parameter's.
  if (rule === 'required')
    return message === 'is required' ? `The parameter ${path} is required.` : undefined;
  if (rule === 'type')
    return `Param ${path} ${message === 'must be an object' ? 'must be a JSON object' : message}.`;
  if (rule === 'enum') return `Param ${path} ${message}.`;
  return message === templateOnly ? templateOnly : undefined;
}

/**
 * The text itself is checked by Graph. Senders that cut long texts know the error by these words, which are Meta's as logged by
 * bots and asserted by SDKs; an empty text is a missing one.
 */
function textBodyMessage({ rule, message }: Issue): string | undefined {
  const max = /^must be at most (\d+) characters/.exec(message)?.[1];
  if (max !== undefined) return `Param text['body'] must be at most ${max} characters long.`;
  if (rule === 'type') return `Param text['body'] ${message}.`;
  return rule === 'required' || rule === 'length' ? "The parameter text['body'] is required." : undefined;
}

/** Meta's words for anything else than a template on marketing_messages (cloud-api.md §3). */
export const templateOnly = 'Message must be a template message.';
