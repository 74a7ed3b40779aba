import * as l10n from '@vscode/l10n';
import type { RankReason } from '../../protocol';
import type { SearchWeights } from '../weights';
import type { RankedDocument } from './document-ranking';
import type { FeatureName } from './features';
import type { ScoredCandidate, SpanQuestion } from './span-ranking';

/** Tags for features that lower the rank; the panel strikes them through. */
const penalties = (): Readonly<Partial<Record<FeatureName, string>>> => ({
  test: l10n.t('test'),
  example: l10n.t('example'),
  docs: l10n.t('documentation'),
  history: l10n.t('change log'),
  declaration: l10n.t('declarations only'),
  entry: l10n.t('re-exports'),
  foreign: l10n.t('third-party or generated'),
  config: l10n.t('settings or data'),
  tooling: l10n.t('tooling'),
  translation: l10n.t('translation'),
});

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
    return words === '' ? l10n.t('{0}: related words', field) : `${field}: ${words}`;
  };
  if (candidate.defines.length > 0)
    add('definition', l10n.t('defines {0}', candidate.defines.join(', ')), spans.defines);
  add('definition', l10n.t('defined in this file'), part('definesIdentifier', 'definesProper', 'definesCompound'));
  add(
    'fileName',
    features.mentioned > 0 ? l10n.t('named in question') : listed(l10n.t('path'), document.hit.inPath),
    part('path', 'fileName', 'calledIdentifier', 'mentioned'),
  );
  add('folder', l10n.t('folder name'), part('folderName'));
  add('symbol', listed(l10n.t('names'), document.hit.symbol), part('symbols', 'bestSymbols', 'docComments'));
  add('body', listed(l10n.t('body'), candidate.matched), part('bestSegment', 'document'));
  add('coherence', l10n.t('more matches in file'), part('nextSegments'));
  for (const [name, text] of Object.entries(penalties()) as [FeatureName, string][]) add('penalty', text, part(name));
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
