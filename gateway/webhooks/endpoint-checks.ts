/** What every door checks of an endpoint before it is kept. `path`: the field in the words of the door. */
import { invalid, type Refusal } from '../canonical/refusal.ts';
import { checkTarget, type TargetRules } from '../platform/outbound.ts';

const urlMax = 2_048;
const headersMax = 20;
const headerValueMax = 1_000;

/** Ours to set, or the connection's; the signatures would be worth nothing if anybody could write them. */
const ownHeaders = new Set([
  ...['host', 'connection', 'content-length', 'content-type', 'content-encoding', 'transfer-encoding'],
  ...['keep-alive', 'upgrade', 'te', 'trailer', 'expect', 'proxy-authorization', 'user-agent'],
  ...['webhook-id', 'webhook-timestamp', 'webhook-signature'],
  ...['x-hub-signature', 'x-hub-signature-256', 'x-connectly-hmac-sha256'],
]);

/** The address behind the name is looked up here, and again whenever something is posted. */
export async function urlProblem(
  url: string,
  path: string,
  rules: TargetRules,
): Promise<Refusal | undefined> {
  if (url.length > urlMax) return invalid(path, 'length', `must be at most ${urlMax} characters`);
  const problem = await checkTarget(url, rules);
  return problem === undefined ? undefined : invalid(path, 'format', problem);
}

export function headersProblem(headers: Record<string, string>, path: string): Refusal | undefined {
  const names = Object.keys(headers);
  if (names.length > headersMax) return invalid(path, 'count', `must be at most ${headersMax}`);
  const lower = names.map(name => name.toLowerCase());
  for (const [i, name] of names.entries()) {
    const at = `${path}.${name}`;
    if (!/^[\w!#$%&'*+.^`|~-]{1,100}$/.test(name))
      return invalid(at, 'format', 'is not a name that a header can have');
    if (ownHeaders.has(lower[i]!)) return invalid(at, 'conflict', 'is set by the gateway');
    if (lower.indexOf(lower[i]!) !== i) return invalid(at, 'unique', 'is there twice');
    const value = headers[name]!;
    if (value.length > headerValueMax)
      return invalid(at, 'length', `must be at most ${headerValueMax} characters`);
    if (!/^[\x20-\x7e]*$/.test(value)) return invalid(at, 'format', 'must be printable ASCII');
  }
  return undefined;
}
