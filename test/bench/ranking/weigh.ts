import { SEARCH_WEIGHTS } from '../../../src/search';
import { FEATURES, kindPenalty } from '../../../src/search/lexical/features';
import { SPAN_PARTS } from '../../../src/search/lexical/span-ranking';
import { readIntent } from '../../../src/search/query/intent';
import type { SimilaritySettings } from '../../../src/search/weights';
import { interval, mean } from '../memory/statistics';
import { row, Tally } from '../retrieval/metrics';

/** Scores and features of a question, as the ranking saw them (collect.ts). */
export interface KeptRow {
  id: string;
  repo: string;
  kind?: string;
  text: string;
  gold: readonly string[];
  names: readonly (readonly [kind: string, text: string])[];
  documents: readonly {
    path: string;
    features: readonly number[];
    spans: readonly { startLine: number; endLine: number; parts: readonly number[]; cos: number }[];
  }[];
  units: readonly { path: string; startLine: number; endLine: number; cos: number }[];
  cos: { mean: number; sd: number };
}

/** A place with its lexical score and its share of the passage scorer. */
interface Place {
  path: string;
  words: number;
  passage: number;
}

interface Sample {
  row: KeptRow;
  places: Place[];
  rivals: number;
  isNamed: boolean;
}

type Factor = (sample: Sample) => number;

/** Values that are tried for a factor by rivals. */
const CHOICES = [2, 4, 6, 8, 10].flatMap((rivals) =>
  [0, 0.3, 0.5].flatMap((perRival) => [2, 3].map((most) => ({ rivals, perRival, most }))),
);

/** Ranks kept questions with the product's weights and with others, without searching again. */
export function weigh(rows: readonly KeptRow[]): void {
  const samples = rows.filter(({ gold }) => gold.length > 0).map(sampleOf);
  const repositories = [...new Set(rows.map(({ repo }) => repo))];
  const leftOut = new Map(
    repositories.map((name) => [name, fit(samples.filter(({ row: { repo } }) => repo !== name))]),
  );
  for (const [name, choice] of leftOut) console.log(`fitted without ${name}: ${JSON.stringify(choice)}`);
  const arms: Record<string, Factor> = {
    'words alone': () => 0,
    'words and passages': () => 1,
    'by rivals, as shipped': factorWith(SEARCH_WEIGHTS.similarity),
    'by rivals, fitted on the others': (sample) => factorWith(leftOut.get(sample.row.repo) as Choice)(sample),
  };
  const kinds = [...new Set(samples.map(kindOf))];
  const groups = [
    ...repositories.map((name) => ({ name, own: samples.filter(({ row: { repo } }) => repo === name) })),
    ...kinds.map((kind) => ({ name: kind, own: samples.filter((sample) => kindOf(sample) === kind) })),
    { name: 'all', own: samples },
  ];
  for (const { name, own } of groups) {
    const base = own.map((sample) => worth(rankOf(sample, 1)));
    for (const [arm, factor] of Object.entries(arms)) {
      const ranks = own.map((sample) => rankOf(sample, factor(sample)));
      const tally = new Tally();
      for (const rank of ranks) tally.add(rank);
      const [low, high] = interval(ranks.map((rank, i) => worth(rank) - (base[i] as number)));
      console.log(
        `${row(`${name} · ${arm}`.padEnd(52), tally.scores())}   worth minus words and passages [${low.toFixed(4)}, ${high.toFixed(4)}]`,
      );
    }
  }
}

type Choice = Pick<SimilaritySettings, 'rivals' | 'perRival' | 'most'>;

const factorWith =
  ({ rivals, perRival, most }: Choice): Factor =>
  (sample) =>
    sample.isNamed ? 1 : Math.min(most, 1 + perRival * Math.max(0, sample.rivals - rivals));

/** The choice with the greatest mean worth, each repository counting the same. */
function fit(samples: readonly Sample[]): Choice {
  const repositories = [...new Set(samples.map(({ row: { repo } }) => repo))];
  const value = (choice: Choice): number =>
    mean(
      repositories.map((name) =>
        mean(
          samples
            .filter(({ row: { repo } }) => repo === name)
            .map((sample) => worth(rankOf(sample, factorWith(choice)(sample)))),
        ),
      ),
    );
  const values = CHOICES.map(value);
  return CHOICES[values.indexOf(Math.max(...values))] as Choice;
}

const worth = (rank: number): number =>
  rank === 0 ? 0 : (rank === 1 ? 0.5 : 0) + (rank <= 5 ? 0.25 : 0) + 0.25 / rank;

const kindOf = ({ row: { id, kind } }: Sample): string =>
  kind ?? /^(short|cosqa|svelte)/.exec(id)?.[0]?.replace(/$/, ' questions') ?? 'SWE-QA';

function sampleOf(kept: KeptRow): Sample {
  const { documents: weights, spans: spanWeights, similarity, scorers } = SEARCH_WEIGHTS;
  const deviation = Math.max(similarity.leastDeviation, kept.cos.sd) * similarity.deviations;
  const share = (cosine: number): number => scorers.passage * Math.max(0, (cosine - kept.cos.mean) / deviation);
  const found = kept.documents.flatMap(({ path, features, spans }) => {
    const document = FEATURES.reduce((sum, name, i) => sum + weights[name] * (features[i] ?? 0), 0);
    return spans.map((span) => ({
      ...span,
      path,
      words: SPAN_PARTS.reduce((sum, part, i) => sum + spanWeights[part] * (span.parts[i] ?? 0), document),
      passage: share(span.cos),
    }));
  });
  const least = found.length === 0 ? 0 : Math.min(...found.map(({ words }) => words));
  const intent = readIntent(kept.text);
  const outside = kept.units
    .slice(0, SEARCH_WEIGHTS.limits.addedSegments)
    .filter(
      (unit) =>
        !found.some(
          (span) => span.path === unit.path && span.startLine <= unit.endLine && unit.startLine <= span.endLine,
        ),
    )
    .map(({ path, cos }) => ({ path, words: least + kindPenalty(path, intent, weights), passage: share(cos) }));
  const best = Math.max(...found.map(({ words }) => words));
  return {
    row: kept,
    places: [...found, ...outside],
    rivals: new Set(found.filter(({ words }) => words > best - similarity.rivalMargin).map(({ path }) => path)).size,
    isNamed: kept.names.some(([kind]) => kind === 'identifier'),
  };
}

/** Rank of the best gold file; ties count against it. 0 when none was found. */
function rankOf({ row: { gold }, places }: Sample, factor: number): number {
  const files = new Map<string, number>();
  for (const { path, words, passage } of places)
    files.set(path, Math.max(files.get(path) ?? -Infinity, words + factor * passage));
  const best = Math.max(-Infinity, ...gold.map((path) => files.get(path) ?? -Infinity));
  if (best === -Infinity) return 0;
  return 1 + [...files].filter(([path, score]) => !gold.includes(path) && score >= best).length;
}
