/** Refusals of the callback doors: calls to Graph itself, which knows none of WhatsApp's own codes there. */
import type { Refusal } from '../../canonical/refusal.ts';
import type { WireAnswer } from '../dialect.ts';
import { graphError } from './graph-error.ts';
import { unsupportedRequest } from './path-error.ts';
import { refuse } from './refuse.ts';

export function refuseCallback(refusal: Refusal, method: string): WireAnswer {
  switch (refusal.code) {
    case 'field_invalid': {
      const [{ path, rule, message }] = refusal.issues;
      const text = rule === 'required' ? `The parameter ${path} is required.` : `Param ${path} ${message}.`;
      return graphError({ status: 400, code: 100, message: `(#100) ${text}` });
    }
    case 'number_not_found':
    case 'number_forbidden':
      return graphError(unsupportedRequest(method, refusal.number));
    case 'object_not_found':
      return graphError(unsupportedRequest(method, refusal.id));
    default:
      return refuse(refusal);
  }
}
