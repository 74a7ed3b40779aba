import type { Evidence, FeatureName } from './features';

/**
 * Weights of the document features, fitted by coordinate ascent on hit@1/5/10 and reciprocal rank over questions about thirteen repositories in seven
 * languages, each repository counting the same, with an L1 penalty, and checked by leaving each repository out in turn
 * (test/bench/retrieval-fit.ts makes them again). Rounded: the second digit does not generalise.
 */
export const DOCUMENT_WEIGHTS: Readonly<Record<FeatureName, number>> = {
  document: 0.45, bestSegment: 0.57, nextSegments: 0.37, coverage: 0, bestCoverage: 0,
  path: 1.1, symbols: 0.12, bestSymbols: 0.1, docComments: 0.3, fileName: 0.07, folderName: 0.09,
  definesIdentifier: 0.35, definesProper: 0.16, definesCompound: 0.05, definesWord: 0, calledIdentifier: 0.14, calledWord: 0,
  mentioned: 0.5, test: -0.43, example: -0.25, docs: -0.65, history: -0.57, declaration: -0.14, entry: -0.05, foreign: -0.15, config: -0.4, tooling: -0.05,
  wanted: 0.05, length: 0,
};

export interface RankedDocument extends Evidence {
  score: number;
}

export function rankDocuments(evidence: readonly Evidence[], weights: Readonly<Record<FeatureName, number>> = DOCUMENT_WEIGHTS): RankedDocument[] {
  const names = Object.keys(weights) as FeatureName[];
  return evidence
    .map((item) => ({ ...item, score: names.reduce((score, name) => score + weights[name] * item.features[name], 0) }))
    .sort((a, b) => b.score - a.score || (a.hit.path < b.hit.path ? -1 : 1));
}
