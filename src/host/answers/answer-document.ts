/** A conversation as the text of an editor, with the places of its links. */
import type { Answer, Citation } from '../../protocol';

export interface AnswerDocument {
  text: string;
  links: readonly AnswerLink[];
}

export interface AnswerLink {
  /** Offsets in the text; the end is exclusive. */
  start: number;
  end: number;
  citation: Citation;
}

/** Code, in which brackets are not citations; or the number of a citation. */
const CODE_OR_NUMBER = /(?:^(?<fence>`{3,})[^\n]*\n[\s\S]*?^\k<fence>`*[ \t]*$|`[^`\n]+`)|\[(?<number>\d+)\](?!\()/gm;

/** The answers under their questions, each followed by its sources. */
export function answerDocument(answers: readonly Answer[]): AnswerDocument {
  const links: AnswerLink[] = [];
  let text = '';
  for (const { question, markdown, citations, notices } of answers) {
    text += `${text === '' ? '' : '\n'}# ${question.replace(/\s+/g, ' ').trim()}\n\n`;
    const byNumber = new Map(citations.map((citation) => [citation.number, citation]));
    for (const match of markdown.matchAll(CODE_OR_NUMBER)) {
      const citation = byNumber.get(Number(match.groups?.['number']));
      const start = text.length + match.index;
      if (citation) links.push({ start, end: start + match[0].length, citation });
    }
    text += `${markdown.trimEnd()}\n`;
    if (notices.length > 0) text += `\n${notices.map((notice) => `> ${notice.replace(/\n/g, '\n> ')}\n`).join('>\n')}`;
    if (citations.length > 0) text += '\n';
    for (const citation of [...citations].sort((a, b) => a.number - b.number)) {
      text += `${citation.number}. `;
      const place = placeOf(citation);
      links.push({ start: text.length, end: text.length + place.length, citation });
      text += `${place}\n`;
    }
  }
  return { text, links };
}

function placeOf({ path, startLine, endLine, place }: Citation): string {
  if (place) return `${path}, ${place.kind} ${place.number}`;
  return `${path}:${startLine}${endLine > startLine ? `-${endLine}` : ''}`;
}
