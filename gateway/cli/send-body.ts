/** The body of a native send from what stands on the command line. */
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { usage } from './failure.ts';

export interface ContentFlags {
  template?: string;
  language: string;
  param?: string[];
  named?: string[];
  header?: string;
  button?: string[];
  body?: string;
}

export interface SendFlags extends ContentFlags {
  number?: string;
  campaign?: string;
  callbackData?: string;
  sendAt?: string;
  ttl?: number;
  fake?: boolean;
}

export function sendBody(to: string, text: string | undefined, flags: SendFlags): JsonObject {
  const content = contentOf(text, flags);
  const options = {
    number: flags.number,
    campaign: flags.campaign,
    callbackData: flags.callbackData,
    sendAt: flags.sendAt,
    ttlSeconds: flags.ttl,
    fake: flags.fake,
  };
  const chosen = Object.entries(options).filter(([, value]) => value !== undefined);
  return { to, ...content, ...(Object.fromEntries(chosen) as JsonObject) };
}

/** What is said, whoever it goes to. */
export function contentOf(text: string | undefined, flags: ContentFlags): JsonObject {
  const given = [text, flags.template, flags.body].filter(one => one !== undefined);
  if (given.length !== 1) throw usage('Give one of: a text, --template <name>, --body <json>.');
  if (flags.template === undefined && hasParameters(flags))
    throw usage('--param, --named, --header and --button go with --template.');
  return flags.body !== undefined
    ? bodyOf(flags.body)
    : text !== undefined
      ? textOf(text)
      : templateOf(flags);
}

const hasParameters = ({ param = [], named = [], header, button = [] }: ContentFlags) =>
  param.length + named.length + button.length > 0 || header !== undefined;

const textOf = (body: string): JsonObject => ({ type: 'text', text: { body } });

function bodyOf(text: string): JsonObject {
  const body = parseJson(text);
  if (!isObject(body))
    throw usage('--body must be a JSON object, as {"type":"text","text":{"body":"Hello"}}.');
  return body;
}

function templateOf({
  template,
  language,
  param = [],
  named = [],
  header,
  button = [],
}: ContentFlags): JsonObject {
  if (param.length > 0 && named.length > 0)
    throw usage('A template has either --param or --named variables.');
  const variables = [
    ...param.map(text => ({ type: 'text', text })),
    ...named.map(pair => {
      const [name, text] = split(pair, '--named');
      return { type: 'text', parameter_name: name, text };
    }),
  ];
  const components: JsonObject[] = [
    ...(header === undefined ? [] : [{ type: 'header', parameters: [headerOf(header)] }]),
    ...(variables.length === 0 ? [] : [{ type: 'body', parameters: variables }]),
    ...button.map((pair, index) => buttonOf(pair, index)),
  ];
  const parts: JsonObject = components.length === 0 ? {} : { components };
  return { type: 'template', template: { name: template!, language: { code: language }, ...parts } };
}

/** `image=https://…`, `video=…`, `document=…`, `text=…` */
function headerOf(pair: string): JsonObject {
  const [kind, value] = split(pair, '--header');
  if (kind === 'text') return { type: 'text', text: value };
  if (!['image', 'video', 'document'].includes(kind))
    throw usage('--header must be text=…, image=…, video=… or document=….');
  return { type: kind, [kind]: { link: value } };
}

/** The variable end of a URL button, by default of the first, second, … button; `2=summer` names the button. */
function buttonOf(text: string, position: number): JsonObject {
  const [, index = String(position), value = text] = /^(\d)=(.*)$/s.exec(text) ?? [];
  return { type: 'button', sub_type: 'url', index, parameters: [{ type: 'text', text: value }] };
}

function split(pair: string, flag: string): [string, string] {
  const at = pair.indexOf('=');
  if (at < 1) throw usage(`${flag} must be written name=value, is "${pair}".`);
  return [pair.slice(0, at), pair.slice(at + 1)];
}
