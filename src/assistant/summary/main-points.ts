/** The main points of a prose document: for each main section what it is about and a fact it states, with the lines. */
import * as l10n from '@vscode/l10n';
import { passagesOf, type ProsePassage, type ReadDocument } from '../../workspace';
import { changeLogPoints } from './change-log';
import { placeText } from './place-text';
import { plainSentence, scoresOf, type Sentence, sentencesOf } from './sentences';

/** Sections listed, so that the points fit a screen, and characters of one. */
const MOST_POINTS = 12;
const MOST_CHARACTERS = 300;
const DEEPEST = 3;
/** Sentences of a section among which the one is that says what it is about. */
const OPENING = 3;
/** Titles of sections that say nothing of their document. */
const ASIDE =
  /^(?:[\d.]+\s+)?(?:table of contents|contents|toc|index|name|synopsis|list of (?:tables|figures|examples)|appendix|appendices|references|bibliography|credits|authors?|licen[sc]e|copyright|acknowledge?ments|see also|.*\b(?:index|licen[sc]e))$/i;
/** Share of a document that one section has at most; a larger one is divided. */
const DOMINATES = 0.7;

interface Section {
  title: string;
  passages: ProsePassage[];
}

/** "- Title: sentences (lines 3–4)" for each main section. Empty for documents with fewer than two sections. */
export function mainPoints(read: ReadDocument, told?: Sentence): string[] {
  const changes = changeLogPoints(read);
  if (changes) return changes;
  const sections = mainSections(passagesOf(read));
  if (sections.length < 2) return [];
  const largest = [...sections].sort((a, b) => b.passages.length - a.passages.length).slice(0, MOST_POINTS);
  const sentences = new Map(
    largest.map((section) => [section, section.passages.flatMap((each) => sentencesOf(each, read.document.text))]),
  );
  // A sentence of several sections tells of none of them.
  const known = new Map<string, number>(told ? [[told.text, 1]] : []);
  for (const text of [...sentences.values()].flatMap((own) => [...new Set(own.map((each) => each.text))]))
    known.set(text, (known.get(text) ?? 0) + 1);
  const points = sections.flatMap((section) => {
    const own = sentences.get(section)?.filter(({ text }) => known.get(text) === 1) ?? [];
    const said = sentencesFor(section.title, own);
    if (said.length === 0) return [];
    const places = [...new Set(said.map(({ startLine, endLine }) => placeText(read.document, startLine, endLine)))];
    return [`- ${section.title}: ${said.map(({ text }) => text).join(' ')} (${places.join('; ')})`];
  });
  if (points.length === 0) return [];
  const left = sections.length - points.length;
  return left > 0 ? [...points, `- ${l10n.t('and {0} more sections, in the outline below', left)}`] : points;
}

/**
 * Sections of the deepest level that has at most as many as fit; those of the first level where it has more. A section
 * that holds most of the document gives way to its own sections.
 */
function mainSections(passages: readonly ProsePassage[]): Section[] {
  const told = passages.filter(({ titles }) => !titles.some((title) => ASIDE.test(plainSentence(title))));
  let chosen: Section[] = [];
  let divided = 0;
  for (let depth = 1; depth <= DEEPEST + divided; depth++) {
    const sections = new Map<string, Section>();
    for (const passage of told) {
      // The text of a divided section itself introduces the document.
      if (passage.titles.length < Math.min(depth, divided + 1)) continue;
      const titles = passage.titles.slice(0, depth);
      const title = titles.at(-1);
      if (title === undefined) continue;
      const key = titles.join('\n');
      const known = sections.get(key);
      if (known) known.passages.push(passage);
      else sections.set(key, { title: plainSentence(title).replace(/[.:\s]+$/, ''), passages: [passage] });
    }
    const dominated = chosen.some((section) => section.passages.length > DOMINATES * told.length);
    if (depth > 1 && chosen.length > 1 && sections.size > MOST_POINTS && !dominated) break;
    if (dominated) divided = Math.min(divided + 1, DEEPEST);
    chosen = [...sections.values()];
  }
  return chosen;
}

/** The sentence that tells a section's topic, and the fact that tells most beside it, in their order. */
function sentencesFor(title: string, sentences: readonly Sentence[]): Sentence[] {
  const scores = scoresOf(title, sentences);
  const best = (from: readonly number[]): number | undefined =>
    from.length === 0 ? undefined : from.reduce((a, b) => ((scores[b] as number) > (scores[a] as number) ? b : a));
  const all = [...sentences.keys()];
  const topic = best(all.slice(0, OPENING));
  if (topic === undefined) return [];
  const lead = sentences[topic] as Sentence;
  const further = best(all.filter((i) => i !== topic));
  const fact = further === undefined ? undefined : sentences[further];
  // Two short sentences tell more than one; a long one is enough.
  if (further === undefined || !fact || lead.text.length + fact.text.length > MOST_CHARACTERS) return [lead];
  return further < topic ? [fact, lead] : [lead, fact];
}
