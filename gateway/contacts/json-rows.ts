/** JSON Lines of people: one object a line, as the API takes them. */
import { isObject, parseJson } from '../canonical/json.ts';
import { type FileRow, type RowReader, rowMax, tooLong } from './file-rows.ts';

export function createJsonRows(): RowReader {
  let rest = '';
  let line = 1;
  let dropping = false;

  function read(last: boolean): FileRow[] {
    const rows: FileRow[] = [];
    let at = 0;
    for (;;) {
      const newline = rest.indexOf('\n', at);
      const end = newline === -1 ? rest.length : newline;
      if (!dropping && end - at > rowMax) {
        rows.push({ line, text: rest.slice(at, at + rowMax), said: { wrong: tooLong } });
        dropping = true;
      }
      if (newline === -1 && !last) break;
      const text = rest
        .slice(at, end)
        .replace(/^\uFEFF/, '')
        .trim();
      if (!dropping && text !== '') {
        const fields = parseJson(text);
        rows.push({
          ...{ line, text },
          said: isObject(fields) ? { fields } : { wrong: 'must be a JSON object' },
        });
      }
      dropping = false;
      line++;
      at = end + 1;
      if (newline === -1) break;
    }
    rest = dropping ? '' : rest.slice(at);
    return rows;
  }

  return {
    push(text) {
      rest += text;
      return read(false);
    },
    end: () => read(true),
  };
}
