import type { RankReason } from '../protocol';
import type { FeatureName } from './features';
import { DOCUMENT_WEIGHTS, type RankedDocument } from './rank';
import { type ScoredUnit, type SpanQuestion, SPAN_WEIGHTS } from './spans';

/** Reasons that moved a score by less are not worth a reader's time. */
const WORTH_SAYING = 0.02;

const PENALTIES: Readonly<Partial<Record<FeatureName, string>>> = {
  test: 'a test',
  example: 'an example',
  docs: 'documentation',
  history: 'a change log',
  declaration: 'declarations only',
  entry: 'passes names on',
  foreign: 'third-party or generated',
  config: 'settings or data',
  tooling: 'tooling',
};

/** Why a span was found, in words, the weightiest first. */
export function explain(asked: SpanQuestion, document: RankedDocument, unit: ScoredUnit): RankReason[] {
  const { features } = document;
  const part = (...names: FeatureName[]): number =>
    names.reduce((sum, name) => sum + DOCUMENT_WEIGHTS[name] * features[name], 0);
  const reasons: RankReason[] = [];
  const say = (kind: RankReason['kind'], text: string, weight: number): void => {
    if (text !== '' && Math.abs(weight) >= WORTH_SAYING) reasons.push({ kind, text, weight });
  };
  if (unit.defines.length > 0) say('definition', `defines ${unit.defines.join(', ')}`, SPAN_WEIGHTS.defines);
  say(
    'definition',
    'the file defines names in the question',
    part('definesIdentifier', 'definesProper', 'definesCompound'),
  );
  say(
    'fileName',
    features.mentioned > 0 ? 'named in the question' : listed('path', wordsOf(asked, document.hit.inPath)),
    part('path', 'fileName', 'calledIdentifier', 'mentioned'),
  );
  say('folder', 'folder name', part('folderName'));
  say('symbol', listed('names', wordsOf(asked, document.hit.symbol)), part('symbols', 'bestSymbols', 'docComments'));
  say('body', listed('body', wordsOf(asked, unit.matched)), part('bestSegment', 'document'));
  say('coherence', 'other parts of the file match too', part('nextSegments'));
  for (const [name, text] of Object.entries(PENALTIES) as [FeatureName, string][]) say('penalty', text, part(name));
  return reasons.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
}

/** Without the question's own words a field matched by related ones, which the mask does not hold. */
function listed(field: string, words: string): string {
  return words === '' ? `${field}: related words` : `${field}: ${words}`;
}

/** The words of the question behind a mask, the most telling first, at most six. */
function wordsOf(asked: SpanQuestion, mask: number): string {
  const words = asked.question.terms
    .map((term, bit) => ({
      word: asked.question.words.get(term.term) ?? term.term,
      weight: (mask >>> bit) & 1 ? (asked.termWeights[bit] as number) : 0,
    }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ word }) => word);
  // An identifier is several terms, and two forms of a word are one.
  return [...new Map(words.map((word) => [word.toLowerCase(), word])).values()].slice(0, 6).join(', ');
}
