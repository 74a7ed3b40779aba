/** Tells what a prose document is: its title, and the sentence that says what it is for. */
import { passagesOf, type ReadDocument } from '../../workspace';
import { plainDoc } from '../facts';
import { plainSentence, type Sentence, sentencesOf } from './sentences';

/** Passages in which a document introduces itself. */
const PASSAGES = 40;
/** Least score of the sentence. */
const LEAST = 1;

const SELF =
  /\b(?:this|the purpose of this) (?:\w+ )?(?:manual|documents?|guide|book|reference|text|specification|rfc|paper|handbook|tutorial|proposal|standard|readme|howto|policy|report|library|package|project|memo)\b.*\b(?:describes?|is|are|provides?|explains?|defines?|proposes?|contains?|covers?|specifies|introduces?|shows?)\b/i;
const INTRODUCING =
  /^(?:[\d.]+\s+)?(?:summary|abstract|description|introduction|scope(?: of this document)?|overview|about\b.*|purpose|what is .*)$/i;
/** `git-rebase - Reapply commits`, in the section NAME of a manual page. */
const NAME_LINE = /^\s*([\w.+-]+(?:, [\w.+-]+)*)\s+(?:--?|–|—|\\-)\s+(\S.{8,200})$/;

export interface About {
  title: string | undefined;
  sentence: Sentence | undefined;
}

export function aboutOf(read: ReadDocument): About {
  const { document, segmented } = read;
  const headings = segmented.symbols.filter(({ kind }) => kind === 'heading');
  const first = headings[0];
  // A number or a command is a section, and no title.
  const titleText = first && plainDoc(first.name).replace(/\(\)\s*\{?\s*$/, '');
  const title =
    first &&
    first.startLine <= 60 &&
    titleText &&
    !INTRODUCING.test(titleText) &&
    !/^v?\d|^\[|unreleased/i.test(titleText)
      ? titleText
      : undefined;
  const lines = document.text.split('\n', 400);
  const named = headings.find(({ name }) => /^name$/i.test(name.trim()));
  if (named) {
    for (let line = named.startLine; line < Math.min(named.endLine, lines.length); line++) {
      const found = NAME_LINE.exec(lines[line] ?? '');
      if (!found) continue;
      const text = `${found[1]}: ${plainSentence(found[2] ?? '')}`;
      return { title, sentence: { text, startLine: line + 1, endLine: line + 1, isHead: true } };
    }
  }
  let best: Sentence | undefined;
  let bestScore = LEAST;
  const words = new Set((titleText ?? '').toLowerCase().match(/\p{L}{3,}/gu) ?? []);
  for (const [i, passage] of passagesOf(read).slice(0, PASSAGES).entries()) {
    const section = plainSentence(passage.titles.at(-1) ?? '');
    for (const [n, sentence] of sentencesOf(passage, document.text).entries()) {
      const start = sentence.text.split(/\s+/, 6).join(' ').toLowerCase();
      const isDefinition =
        /\b(?:is|are) (?:an?|the)\b/i.test(sentence.text) && [...words].some((word) => start.includes(word));
      const score =
        (SELF.test(sentence.text) ? 2 : 0) +
        (INTRODUCING.test(section) && n === 0 ? 1.5 : 0) +
        (isDefinition ? 1 : 0) +
        (i === 0 && n === 0 ? 1 : 0) -
        (i + n / 4) / 20;
      if (score > bestScore) [best, bestScore] = [sentence, score];
    }
  }
  return { title, sentence: best };
}
