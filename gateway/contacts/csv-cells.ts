/** Cells of CSV that a spreadsheet may open: what would be a formula gets an apostrophe in front, which reading takes off again. */

const formula = /^'*(?:[=+@\t\r]|-(?![\d.]+$))/;

export const harmless = {
  write: (text: string): string => (formula.test(text) ? `'${text}` : text),
  read: (text: string): string => (text.startsWith("'") && formula.test(text) ? text.slice(1) : text),
};

/** RFC 4180. */
function csvCell(text: string): string {
  const safe = harmless.write(text);
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csvLine = (cells: string[]): string => `${cells.map(csvCell).join(',')}\r\n`;
