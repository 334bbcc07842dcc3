/** The native API from the outside: requests with a key, refusals as sentences. */
import type { Readable } from 'node:stream';
import { request as sendFile } from 'undici';
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { CliFailure, failed, unreachable } from './failure.ts';

export interface Client {
  url: string;
  request(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    headers?: Record<string, string>,
  ): Promise<JsonObject>;
  /** With a file as its body, read as it is sent; it may last as long as it takes. */
  upload(path: string, contentType: string, body: Readable): Promise<JsonObject>;
  /** The parts of an endless answer as they come. */
  stream(path: string): AsyncIterable<Uint8Array>;
}

export interface ClientOptions {
  url: string;
  key: string;
  /** Added to a refusal of the key. */
  hint?: string;
}

export function createClient({ url, key, hint }: ClientOptions): Client {
  async function send(
    method: string,
    path: string,
    body: object | undefined,
    headers: Record<string, string>,
  ): Promise<Response> {
    if (!/^[\x21-\x7e]+$/.test(key)) throw failed('The key holds characters that no key has.');
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    try {
      return await fetch(url + path, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          accept: 'application/json, text/event-stream',
          ...type,
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw noAnswer(url, error);
    }
  }

  return {
    url,
    async request(method, path, body, headers = {}) {
      const response = await send(method, path, body, headers);
      const answer = parseJson(await response.text().catch(error => Promise.reject(noAnswer(url, error))));
      if (!isObject(answer)) throw failed(`${url} answers HTTP ${response.status}, but not as Wagate does.`);
      if (!response.ok) throw failed(sentencesOf(answer, response.status, hint), answer);
      return answer;
    },
    async upload(path, contentType, body) {
      try {
        const response = await sendFile(url + path, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${key}`,
            accept: 'application/json',
            'content-type': contentType,
          },
          body,
          headersTimeout: 0,
          bodyTimeout: 0,
        });
        const answer = parseJson(await response.body.text());
        if (!isObject(answer))
          throw failed(`${url} answers HTTP ${response.statusCode}, but not as Wagate does.`);
        if (response.statusCode >= 300) throw failed(sentencesOf(answer, response.statusCode, hint), answer);
        return answer;
      } catch (error) {
        throw error instanceof CliFailure ? error : noAnswer(url, error);
      }
    },
    async *stream(path) {
      const response = await send('GET', path, undefined, {});
      if (!response.ok || response.body === null) {
        const answer = parseJson(await response.text());
        throw failed(sentencesOf(isObject(answer) ? answer : {}, response.status, hint), answer);
      }
      try {
        for await (const part of response.body) yield part;
      } catch (error) {
        throw noAnswer(url, error);
      }
    },
  };
}

function noAnswer(url: string, error: unknown) {
  const { code, message } = ((error as { cause?: unknown }).cause ?? error) as {
    code?: string;
    message?: string;
  };
  return code === 'ECONNREFUSED'
    ? unreachable(`No gateway answers at ${url}; start one with \`npm start\`.`)
    : unreachable(`The gateway at ${url} does not answer (${code ?? message ?? String(error)}).`);
}

function sentencesOf(problem: JsonObject, status: number, hint: string | undefined): string {
  const { title, detail, errors, code } = problem;
  const lines = [
    typeof title === 'string' ? `${title} (${String(code)}).` : `The gateway answers HTTP ${status}.`,
  ];
  if (Array.isArray(errors)) {
    for (const issue of errors.filter(isObject))
      lines.push(`  ${String(issue.field)} ${String(issue.message)}`);
  } else if (typeof detail === 'string' && !detail.startsWith(String(title))) lines.push(detail);
  if (status === 401 && hint !== undefined) lines.push(hint);
  return lines.join('\n');
}
