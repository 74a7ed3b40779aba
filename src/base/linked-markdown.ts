import type { Citation } from '../protocol';

/** Code, in which brackets are not citations; or the number of a citation. */
const CODE_OR_NUMBER = /(^(?<fence>`{3,})[^\n]*\n[\s\S]*?^\k<fence>`*[ \t]*$|`[^`\n]+`)|\[(?<number>\d+)\](?!\()/gm;

/**
 * An answer as Markdown for an issue, a review or a chat: each citation links to its lines, and a list of sources
 * follows. Links are relative to the workspace folder, as forges resolve them.
 */
export function linkedMarkdown(markdown: string, citations: readonly Citation[]): string {
  // A commit has no address in the folder, so its number stays as it is.
  const files = citations.filter(({ commit }) => commit === undefined);
  const targets = new Map(files.map((citation) => [citation.number, target(citation)]));
  const text = markdown.replace(CODE_OR_NUMBER, (whole, ...groups) => {
    const { number } = groups.at(-1) as { number?: string };
    const to = number === undefined ? undefined : targets.get(Number(number));
    return to === undefined ? whole : `[\\[${number}\\]](${to})`;
  });
  const sources = [...citations]
    .sort((a, b) => a.number - b.number)
    .map((citation) =>
      citation.commit === undefined
        ? `${citation.number}. [${place(citation)}](${target(citation)})`
        : `${citation.number}. ${citation.commit}`,
    );
  return [text, ...(sources.length > 0 ? ['', ...sources] : [])].join('\n');
}

function target({ path, startLine, endLine, place }: Citation): string {
  const address = path
    .split('/')
    .map((part) => encodeURIComponent(part).replace(/[()]/g, (each) => `%${each.charCodeAt(0).toString(16)}`))
    .join('/');
  if (place) return address;
  return `${address}#L${startLine}${endLine > startLine ? `-L${endLine}` : ''}`;
}

function place({ path, startLine, endLine, place: part }: Citation): string {
  const where = part ? `, ${part.kind} ${part.number}` : `:${startLine}${endLine > startLine ? `-${endLine}` : ''}`;
  return `${path.replace(/[\\[\]`*_<>]/g, '\\$&')}${where}`;
}
