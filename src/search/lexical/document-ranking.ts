import type { DocumentWeights } from '../weights';
import type { Evidence, FeatureName } from './features';

export interface RankedDocument extends Evidence {
  score: number;
}

/** Orders documents by the weighted sum of their features, best first. Equal scores are ordered by path. */
export function rankDocuments(evidence: readonly Evidence[], weights: DocumentWeights): RankedDocument[] {
  const names = Object.keys(weights) as FeatureName[];
  return evidence
    .map((item) => ({ ...item, score: names.reduce((score, name) => score + weights[name] * item.features[name], 0) }))
    .sort((a, b) => b.score - a.score || (a.hit.path < b.hit.path ? -1 : 1));
}
