/** Finds the parts of a document that lead to others and answer nothing: contents, navigation, badges, links. */

/** Shares of a block's lines. */
const MOSTLY = 0.6;
const LEADERS = 0.5;

/** A title as a table of contents repeats it: without number, mark and page. */
export const titleKey = (title: string): string =>
  withoutPage(title)
    .replace(/!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])?/g, '$1')
    .replace(/^\s*(?:[-*+•·]\s+)?(?:[\dA-Z]+(?:\.\d+)*[.)]?\s+)?/, '')
    .replace(/["“”'`*]/g, '')
    .toLowerCase();

/** A line without its leader and page number. One pattern for both would look at each dot of a line anew. */
function withoutPage(line: string): string {
  let end = line.trimEnd().length;
  while (end > 0 && /\d/.test(line.charAt(end - 1))) end--;
  while (end > 0 && /[\s.…]/.test(line.charAt(end - 1))) end--;
  return line.slice(0, end);
}

/** A link alone, a definition of a link, a badge, a mark of a place. */
const LINK_LINE =
  /^\s*(?:[-*+•]|\d+[.)])?\s*(?:!?\[(?:[^[\]]|\[[^\]]*\](?:\([^)]*\))?)*\](?:\([^)]*\)|\[[^\]]*\])[\s|·,.]*)+$|^\s*\[[^\]]+\]:\s*\S+|^\s*\.\. _[^:]+:|^\s*<!--.*-->\s*$|^\s*\.\. (?:contents|toctree|image|figure|highlight|index)::|^\s*:(?:maxdepth|caption|numbered|hidden|alt|depth|local)\b/;
const LEADER_LINE = /(?:\.\s?){4,}\s*\d+\s*$/;

/** @param titles keys of the document's headings */
export function isListing(lines: readonly string[], titles: ReadonlySet<string>): boolean {
  const count = lines.filter((line) => line.trim() !== '').length || 1;
  const share = (is: (line: string) => boolean): number => lines.filter(is).length / count;
  if (share((line) => LINK_LINE.test(line)) > MOSTLY) return count > 1 || !/^\s*[-*+]/.test(lines[0] ?? '');
  if (count >= 3 && share((line) => LEADER_LINE.test(line)) > LEADERS) return true;
  return count >= 3 && share((line) => titles.has(titleKey(line)) && titleKey(line) !== '') > MOSTLY;
}
