/**
 * Canonical paths in Connectly's words, for what limits find. Where the same canonical part stands in several kinds of
 * message (header, footer, section titles, catalogue) the kind is written `*`.
 */

const members: [RegExp, string][] = [
  [/^text(\.body)?$/, 'message.text'],
  [/^(?:image|video|audio|document)$/, 'message.attachments[0]'],
  [/^(?:image|video|audio|document)\.(?:link|id)$/, 'message.attachments[0].url'],
  [/^(?:image|video|audio|document)\.(caption|filename)$/, 'message.attachments[0].$1'],
  [/^location(.*)$/, 'message.location$1'],
  [/^interactive\.body(\.text)?$/, 'message.text'],
  [/^interactive\.footer(.*)$/, 'message.*.footer$1'],
  [/^interactive\.header\.(?:image|video|document)\.(?:link|id)$/, 'message.*.header.attachment.url'],
  [/^interactive\.header\.(?:image|video|document)\.filename$/, 'message.*.header.attachment.filename'],
  [/^interactive\.header\.text$/, 'message.*.header.text'],
  [/^interactive\.header.*$/, 'message.*.header'],
  [/^interactive\.action\.button$/, 'message.listMessage.button.text'],
  [/^interactive\.action\.buttons(.*)$/, 'message.replyButtonMessage.buttons$1'],
  [/^interactive\.action\.(sections\[\d+\]\.rows.*)$/, 'message.listMessage.$1'],
  [
    /^interactive\.action\.(sections\[\d+\]\.)product_items(.*)$/,
    'message.multiProductMessage.$1productItems$2',
  ],
  [/^interactive\.action\.sections(.*)$/, 'message.*.sections$1'],
  [/^interactive\.action\.catalog_id$/, 'message.*.catalogId'],
  [
    /^interactive\.action\.product_retailer_id$/,
    'message.singleProductMessage.productItem.productRetailerId',
  ],
  [/^interactive.*$/, 'message'],
  [/^template\.language.*$/, 'language'],
  [/^template\.components.*$/, 'parameters'],
  [/^template.*$/, 'templateName'],
];

/** `interactive.action.sections[1].rows[0].title` → `message.listMessage.sections[1].rows[0].text`. */
export function field(canonicalPath: string): string {
  const [pattern, name] = members.find(([each]) => each.test(canonicalPath)) ?? [];
  if (pattern === undefined || name === undefined) return canonicalPath;
  return canonicalPath
    .replace(pattern, name)
    .replace(/\.buttons(\[\d+\])\.reply\b/, '.buttons$1')
    .replace(/((?:buttons|rows)\[\d+\])\.title$/, '$1.text')
    .replace(/\.product_retailer_id$/, '.productRetailerId');
}
