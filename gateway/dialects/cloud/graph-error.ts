/** Graph's error envelope (cloud-api.md §5.1). */
import type { JsonObject } from '../../canonical/json.ts';
import type { WireAnswer } from '../dialect.ts';
import { newTrace } from './trace.ts';

export interface GraphError {
  status: number;
  code: number;
  /** As Graph writes it, with `(#code) ` where Graph has it. */
  message: string;
  type?: 'OAuthException' | 'GraphMethodException';
  subcode?: number;
  details?: string;
  transient?: boolean;
  headers?: Record<string, string>;
}

export function graphError(error: GraphError): WireAnswer {
  const { status, code, message, type = 'OAuthException', subcode, details, transient, headers } = error;
  const body: JsonObject = { message, type, code };
  if (subcode !== undefined) body.error_subcode = subcode;
  if (transient !== undefined) body.is_transient = transient;
  if (details !== undefined) body.error_data = { messaging_product: 'whatsapp', details };
  return traced(status, body, headers);
}

/** An error object of Meta's own, passed on; it keeps its trace if it has one. */
export function traced(status: number, error: JsonObject, headers?: Record<string, string>): WireAnswer {
  const body = { error: { ...error, fbtrace_id: error.fbtrace_id ?? newTrace() } };
  return headers === undefined ? { status, body } : { status, body, headers };
}
