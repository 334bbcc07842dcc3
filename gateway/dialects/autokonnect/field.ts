/** Canonical paths in AutoKonnect's words: its bodies are flat where Meta's are nested (seeds/004). */

const renamed: [RegExp, string][] = [
  [/^text(\.body)?$/, 'message'],
  [/^(?:image|video|audio|document)\.caption$/, 'caption'],
  [/^(?:image|video|audio|document)(?:\.(?:link|id))?$/, 'link'],
  [/^template(?:\.name)?$/, 'template_id'],
  [/^template\.language(?:\.code)?$/, 'language'],
];

/** `text.body` → `message`, `template.components[0].parameters[0].image.link` → `components[0].parameters[0].link`. */
export function field(canonicalPath: string): string {
  for (const [pattern, name] of renamed) {
    if (pattern.test(canonicalPath)) return name;
  }
  if (!canonicalPath.startsWith('template.components')) return canonicalPath;
  return canonicalPath
    .slice('template.'.length)
    .replace(/(parameters\[\d+\])\.(?:image|video|document|gif)\.(link|id|filename)$/, '$1.$2');
}
