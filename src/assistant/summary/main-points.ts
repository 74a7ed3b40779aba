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
const EARLY = 1;

/** Taken off a sentence that refers to the one before it, or that tells one case of many. */
const LEANS = 0.9;
const LEANING =
  /^(?:it|its|this(?! (?:manual|guide|book|handbook|reference|specification|rfc|project|library|package|paper|text|is\b))|these|they|those|that|such|among|however|also|but|and|or|so|thus|therefore|hence|otherwise|instead|similarly|finally|for (?:example|this|that)|when you|in (?:this|that|these|such) |if (?:so|such|this|that|there)|the (?:same|other|latter|following|final|above)|there|here|as such|additionally|furthermore|moreover|likewise|except)\b/i;
const CASE = /^(?:if|when|unless|in case|once|after|before|where)\b/i;
/** Taken off a sentence that tells one case. */
const ONE_CASE = 0.3;
/** Titles of sections that say nothing of their document. */
const ASIDE =
  /^(?:table of contents|contents|toc|index|name|synopsis|list of (?:tables|figures|examples)|appendix|appendices|references|bibliography|credits|authors?|licen[sc]e|copyright|acknowledge?ments)$/i;
/** Share of a document that one section has at most; a larger one is divided. */
const DOMINATES = 0.7;

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

/**
 * Sections of the deepest level that has at most as many as fit; those of the first level where it has more. A section
 * that holds most of the document gives way to its own sections.
 */
function mainSections(passages: readonly ProsePassage[]): Section[] {
  const told = passages.filter(({ titles }) => !titles.some((title) => ASIDE.test(plainDoc(title))));
  let chosen: Section[] = [];
  let divided = 0;
  for (let depth = 1; depth <= DEEPEST + divided; depth++) {
    const sections = new Map<string, Section>();
    for (const passage of told) {
      const titles = passage.titles.slice(0, depth);
      const title = titles.at(-1);
      if (title === undefined) continue;
      const key = titles.join('\n');
      const known = sections.get(key);
      if (known) known.passages.push(passage);
      else sections.set(key, { title: plainDoc(title), passages: [passage] });
    }
    const dominated = chosen.some((section) => section.passages.length > DOMINATES * told.length);
    if (depth > 1 && chosen.length > 1 && sections.size > MOST_POINTS && !dominated) break;
    if (dominated) divided = Math.min(divided + 1, DEEPEST);
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
      (LEANING.test(sentence.text) ? LEANS : 0) -
      (CASE.test(sentence.text) ? ONE_CASE : 0);
    if (score > bestScore) [best, bestScore] = [sentence, score];
  }
  return best;
}

const wordsOf = (text: string): string[] =>
  [...text.matchAll(/[\p{L}\p{N}]{3,}/gu)].flatMap(([word]) => nameTerms(word));

/** Sentences that lead elsewhere, that stand for nothing alone, or that are lines of a table of contents. */
const EMPTY =
  /\d+\.\d+(?:\.\d+)*\.?$|\*\*|^(?:see|this (?:section|chapter|appendix|document|page)|for (?:more|further)|note that|please)\b|[:：?？]$/i;

const FREE = /\b(?:free software|redistribute|licen[sc]ed? under|all rights reserved|copyright)\b/i;

function sentencesOf({ start, end, startLine }: ProsePassage, text: string): Sentence[] {
  const own = text.slice(start, end);
  const found: Sentence[] = [];
  for (const match of own.matchAll(/[\p{Lu}\p{Lo}"“][^]*?[.!?。](?=\s|$)/gu)) {
    const [said] = match;
    if (/\n\s*(?:\n|[-*+|]\s|\d+[.)]\s)/.test(said)) continue;
    const flat = plainDoc(said);
    if (flat.length < SENTENCE.least || flat.length > SENTENCE.most || EMPTY.test(flat) || FREE.test(flat)) continue;
    const before = own.slice(0, match.index).split('\n').length - 1;
    const first = startLine + before;
    found.push({ text: flat, startLine: first, endLine: first + said.split('\n').length - 1 });
  }
  return found;
}
