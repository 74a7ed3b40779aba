/** The main points of a prose document: for each main section the sentence that says most of it, with its lines. */
import * as l10n from '@vscode/l10n';
import { nameTerms, passagesOf, type ProsePassage, type ReadDocument } from '../../workspace';
import { plainDoc } from '../facts';
import { linesText } from '../phrases';

/** Sections listed, so that the points fit a screen. */
const MOST_POINTS = 10;
const DEEPEST = 3;
const SENTENCE = { least: 40, most: 240 };
/** Added to a sentence with a number, and to one that states a rule or what something is. */
const FACT = 0.35;
const RULE = 0.2;
/** Added to the first sentence of a section, less for each following one. */
const EARLY = 0.3;

/** Taken off a sentence that refers to the one before it. */
const LEANS = 0.4;
const LEANING =
  /^(?:it|its|these|this is because|they|those|that|such|among|however|also|but|and|or|so|thus|therefore|for example|when you|in this case|if so)\b/i;

interface Section {
  title: string;
  passages: ProsePassage[];
}

interface Sentence {
  text: string;
  startLine: number;
  endLine: number;
}

/** "- Title: sentence (lines 3–4)" for each main section. Empty for documents with fewer than two sections. */
export function mainPoints(read: ReadDocument): string[] {
  const sections = mainSections(passagesOf(read));
  if (sections.length < 2) return [];
  const points = sections.slice(0, MOST_POINTS).flatMap((section) => {
    const best = bestSentence(section, read.document.text);
    if (!best) return [];
    return [`- ${section.title}: ${best.text} (${linesText(best)})`];
  });
  const left = sections.length - MOST_POINTS;
  return left > 0 ? [...points, `- ${l10n.t('and {0} more sections, in the outline below', left)}`] : points;
}

/** Sections of the deepest level that has at most as many as fit; those of the first level where it has more. */
function mainSections(passages: readonly ProsePassage[]): Section[] {
  let chosen: Section[] = [];
  for (let depth = 1; depth <= DEEPEST; depth++) {
    const sections = new Map<string, Section>();
    for (const passage of passages) {
      const titles = passage.titles.slice(0, depth);
      const title = titles.at(-1);
      if (title === undefined) continue;
      const key = titles.join('\n');
      const known = sections.get(key);
      if (known) known.passages.push(passage);
      else sections.set(key, { title: plainDoc(title), passages: [passage] });
    }
    if (depth > 1 && chosen.length > 1 && sections.size > MOST_POINTS) break;
    chosen = [...sections.values()];
  }
  return chosen;
}

/** The sentence with most of the words that the section uses often. */
function bestSentence({ title, passages }: Section, text: string): Sentence | undefined {
  const sentences = passages.flatMap((passage) => sentencesOf(passage, text));
  const counts = new Map<string, number>();
  for (const { text: own } of sentences) for (const term of wordsOf(own)) counts.set(term, (counts.get(term) ?? 0) + 1);
  const titled = new Set(wordsOf(title));
  let best: Sentence | undefined;
  let bestScore = -1;
  for (const [i, sentence] of sentences.entries()) {
    const terms = new Set(wordsOf(sentence.text));
    if (terms.size === 0) continue;
    let weight = 0;
    for (const term of terms) weight += Math.log(counts.get(term) ?? 1) * (titled.has(term) ? 2 : 1);
    const score =
      weight / (terms.size + 4) +
      (/\d/.test(sentence.text) ? FACT : 0) +
      (/\b(?:must|should|may|is|are|means|default)\b/i.test(sentence.text) ? RULE : 0) +
      EARLY / (1 + i) -
      (LEANING.test(sentence.text) ? LEANS : 0);
    if (score > bestScore) [best, bestScore] = [sentence, score];
  }
  return best;
}

const wordsOf = (text: string): string[] =>
  [...text.matchAll(/[\p{L}\p{N}]{3,}/gu)].flatMap(([word]) => nameTerms(word));

/** Sentences that lead elsewhere, or that stand for nothing alone. */
const EMPTY =
  /^(?:see|this (?:section|chapter|appendix|document|page)|for (?:more|further)|note that|please)\b|[:：]$/i;

function sentencesOf({ start, end, startLine }: ProsePassage, text: string): Sentence[] {
  const own = text.slice(start, end);
  const found: Sentence[] = [];
  for (const match of own.matchAll(/[\p{Lu}\p{Lo}"“][^]*?[.!?。](?=\s|$)/gu)) {
    const [said] = match;
    if (/\n\s*(?:\n|[-*+|]\s|\d+[.)]\s)/.test(said)) continue;
    const flat = plainDoc(said);
    if (flat.length < SENTENCE.least || flat.length > SENTENCE.most || EMPTY.test(flat)) continue;
    const before = own.slice(0, match.index).split('\n').length - 1;
    const first = startLine + before;
    found.push({ text: flat, startLine: first, endLine: first + said.split('\n').length - 1 });
  }
  return found;
}
