/** Puts the lines that answer a question by themselves (its sites) before the other passages. */
import type { RankedSite, TermCoverage, Question } from '../../search';
import type { PassageSource } from './passage-source';
import { passageOfSite, type Passage } from './passages';

/** A further site is shown if its score is at least this share of the best one's. */
const WORTH_SHOWING = 0.85;
const MOST = 2;

export async function withSites(
  passages: readonly Passage[],
  sites: readonly RankedSite[],
  question: Question,
  weights: TermCoverage,
  source: PassageSource,
): Promise<Passage[]> {
  const best = sites[0]?.score ?? 0;
  const leading: Passage[] = [];
  for (const site of sites.filter(({ score }) => score >= WORTH_SHOWING * best).slice(0, MOST)) {
    const file = await source.open(site.file);
    const passage = file && passageOfSite(question, site, file, weights);
    const repeats = leading.some(
      (other) => other.document === passage?.document && other.text && other.text === passage.text,
    );
    if (passage && !repeats) leading.push(passage);
  }
  /** The passage of the same definition, whose lines are shown below its site. */
  const wholeOf = (lead: Passage): Passage | undefined =>
    passages.find(
      ({ document, symbol, text }) =>
        document.file === lead.document.file && (lead.text === undefined ? symbol === lead.symbol : text === lead.text),
    );
  const score = Math.max(...passages.map((passage) => passage.score), 0);
  const whole = leading.map(wholeOf);
  const withWhole = leading.map((lead, i): Passage => {
    const own = lead.site && whole.indexOf(whole[i]) === i ? whole[i] : undefined;
    const lines = own && {
      startLine: Math.min(own.startLine, lead.startLine),
      endLine: Math.max(own.endLine, lead.endLine),
    };
    return { ...lead, ...lines, score: Math.max(score, lead.score) };
  });
  return [...withWhole, ...passages.filter((passage) => !whole.includes(passage))];
}
