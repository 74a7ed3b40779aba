import type { RankReason } from '../../protocol';
import type { SearchWeights } from '../weights';
import type { RankedDocument } from './document-ranking';
import type { FeatureName } from './features';
import type { ScoredCandidate, SpanQuestion } from './span-ranking';

/** Tags for features that lower the rank; the panel strikes them through. */
const PENALTIES: Readonly<Partial<Record<FeatureName, string>>> = {
  test: 'test',
  example: 'example',
  docs: 'documentation',
  history: 'change log',
  declaration: 'declarations only',
  entry: 're-exports',
  foreign: 'third-party or generated',
  config: 'settings or data',
  tooling: 'tooling',
  translation: 'translation',
};

/** Returns the reasons for a span as short tags, largest contribution first. */
export function explain(
  prepared: SpanQuestion,
  document: RankedDocument,
  candidate: ScoredCandidate,
  { documents, spans, reasons: settings }: SearchWeights,
): RankReason[] {
  const { features } = document;
  const part = (...names: FeatureName[]): number =>
    names.reduce((sum, name) => sum + documents[name] * features[name], 0);
  const reasons: RankReason[] = [];
  const add = (kind: RankReason['kind'], text: string, weight: number): void => {
    if (Math.abs(weight) >= settings.least) reasons.push({ kind, text, weight });
  };
  const listed = (field: string, mask: number): string => {
    const words = wordsOf(prepared, mask, settings.words);
    // The mask has only the question's own words, while a field may match related words.
    return words === '' ? `${field}: related words` : `${field}: ${words}`;
  };
  if (candidate.defines.length > 0) add('definition', `defines ${candidate.defines.join(', ')}`, spans.defines);
  add('definition', 'defined in this file', part('definesIdentifier', 'definesProper', 'definesCompound'));
  add(
    'fileName',
    features.mentioned > 0 ? 'named in question' : listed('path', document.hit.inPath),
    part('path', 'fileName', 'calledIdentifier', 'mentioned'),
  );
  add('folder', 'folder name', part('folderName'));
  add('symbol', listed('names', document.hit.symbol), part('symbols', 'bestSymbols', 'docComments'));
  add('body', listed('body', candidate.matched), part('bestSegment', 'document'));
  add('coherence', 'more matches in file', part('nextSegments'));
  for (const [name, text] of Object.entries(PENALTIES) as [FeatureName, string][]) add('penalty', text, part(name));
  return reasons.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
}

/** Returns the question's words behind a mask, rarest first, at most `most`. */
function wordsOf({ question, termWeights }: SpanQuestion, mask: number, most: number): string {
  const words = question.terms
    .map((term, bit) => ({
      word: question.words.get(term.term) ?? term.term,
      weight: (mask >>> bit) & 1 ? (termWeights[bit] as number) : 0,
    }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ word }) => word);
  // An identifier has several terms, and two forms of a word are one.
  return [...new Map(words.map((word) => [word.toLowerCase(), word])).values()].slice(0, most).join(', ');
}
