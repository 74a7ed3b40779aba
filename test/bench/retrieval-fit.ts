import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LexicalIndex } from '../../src/workspace/lexical/lexical-index';
import { MAX_QUERY_TERMS } from '../../src/workspace/lexical/search';
import { SEARCH_WEIGHTS } from '../../src/search';
import { type FeatureName, FEATURES, gatherEvidence } from '../../src/search/lexical/features';
import { analyseQuestion } from '../../src/search/query/analysis';
import { createSegmenter } from '../../src/workspace/segments/segmenter';
import { readCorpus } from './retrieval/corpus';
import { row, Tally } from './retrieval/metrics';
import { extraQuestions, svelteHistory, sweQa } from './retrieval/questions';

/**
 * `npm run bench -- retrieval-fit --repos DIR [--shared DIR] [--extra FILE …]`: fits the document weights with each
 * repository left out once, then on all.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { repos: { type: 'string' }, shared: { type: 'string' }, extra: { type: 'string', multiple: true } },
  });
  const repos = resolve(values.repos ?? process.env['ANCHORAGE_BENCH_REPOS'] ?? '.');
  const shared = resolve(values.shared ?? process.env['ANCHORAGE_SHARED'] ?? '../shared/data');
  const questions = [...sweQa(shared), ...svelteHistory(shared), ...(values.extra ?? []).flatMap(extraQuestions)];
  const samples: Sample[] = [];
  const segmenter = await createSegmenter();
  for (const name of new Set(questions.map(({ repository }) => repository))) {
    if (!existsSync(join(repos, name))) continue;
    const index = LexicalIndex.inMemory();
    for (const document of await readCorpus(join(repos, name)))
      index.add(document.path, document, await segmenter.segment(document));
    for (const question of questions) if (question.repository === name) samples.push(sampleOf(index, question));
    console.log(`${name}: ${index.status().documents} documents`);
  }
  segmenter.close();

  report('as shipped', samples, () => Float64Array.from(FEATURES, (name) => SEARCH_WEIGHTS.documents[name]));
  const repositories = [...new Set(samples.map(({ repository }) => repository))];
  const leftOut = new Map(
    repositories.map((name) => [name, fit(samples.filter(({ repository }) => repository !== name))]),
  );
  report('fitted on the other repositories', samples, ({ repository }) => leftOut.get(repository) as Float64Array);
  const weights = fit(samples);
  report('fitted on all', samples, () => weights);
  console.log(
    JSON.stringify(Object.fromEntries(FEATURES.map((name, i) => [name, Number((weights[i] as number).toFixed(2))]))),
  );
}

/** A question with the features of each candidate document, and whether it is gold. */
interface Sample {
  repository: string;
  features: Float64Array[];
  gold: boolean[];
}

function sampleOf(
  index: LexicalIndex,
  question: { repository: string; text: string; gold: readonly { path: string }[] },
): Sample {
  const asked = analyseQuestion(question.text);
  const fields = { ...SEARCH_WEIGHTS.fields, segmentsPerDocument: 6 };
  const found = index.search(asked.terms, { ...fields, limit: 150 });
  const names = asked.names.slice(0, MAX_QUERY_TERMS);
  const named = index.search(
    names.map(({ term }) => ({ term, weight: 1 })),
    { ...fields, limit: 300 },
  );
  const gold = new Set(question.gold.map(({ path }) => path));
  const evidence = gatherEvidence(asked, found, names, named, SEARCH_WEIGHTS.features);
  return {
    repository: question.repository,
    features: evidence.map((item) => Float64Array.from(FEATURES, (name: FeatureName) => item.features[name])),
    gold: evidence.map(({ hit }) => gold.has(hit.path)),
  };
}

/** Returns the rank of the best gold document. Ties count against it; 0 when none was found. */
function rankIn(scores: Float64Array, gold: readonly boolean[]): number {
  let best = -Infinity;
  gold.forEach((is, i) => (best = is ? Math.max(best, scores[i] as number) : best));
  if (best === -Infinity) return 0;
  let rank = 1;
  gold.forEach((is, i) => (rank += !is && (scores[i] as number) >= best ? 1 : 0));
  return rank;
}

const scoresOf = ({ features }: Sample, weights: Float64Array): Float64Array =>
  Float64Array.from(features, (vector) => vector.reduce((sum, value, i) => sum + value * (weights[i] as number), 0));

/** Value of a rank: hit@1, @5 and @10 and the reciprocal rank, weighted by their importance for a reader. */
const worth = (rank: number): number =>
  rank === 0
    ? 0
    : (rank <= 1 ? 0.35 : 0) + (rank <= 5 ? 0.3 : 0) + (rank <= 10 ? 0.15 : 0) + 0.2 / rank + 0.1 / Math.log2(1 + rank);

const STEPS = [-0.6, -0.25, -0.1, -0.04, 0.04, 0.1, 0.25, 0.6];
const PASSES = 4;
const L1 = 0.0004;

/**
 * Runs coordinate ascent from plain BM25. The objective is the mean value of the questions, averaged over
 * repositories, minus L1 times Σ|w|.
 */
function fit(samples: readonly Sample[]): Float64Array {
  const weights = Float64Array.from(FEATURES, (name) => (name === 'document' ? 1 : name === 'bestSegment' ? 0.5 : 0));
  const counts = new Map<string, number>();
  for (const { repository } of samples) counts.set(repository, (counts.get(repository) ?? 0) + 1);
  const scores = samples.map((sample) => scoresOf(sample, weights));
  const objective = (feature: number, step: number): number => {
    let sum = 0;
    samples.forEach(({ repository, features, gold }, i) => {
      const moved = (scores[i] as Float64Array).map(
        (score, d) => score + step * ((features[d] as Float64Array)[feature] as number),
      );
      sum += worth(rankIn(moved, gold)) / (counts.get(repository) as number);
    });
    const norm = weights.reduce((total, weight, i) => total + Math.abs(i === feature ? weight + step : weight), 0);
    return sum / counts.size - L1 * norm;
  };
  let best = objective(0, 0);
  for (let pass = 0; pass < PASSES; pass++) {
    const before = best;
    for (let feature = 0; feature < FEATURES.length; feature++) {
      let taken = 0;
      for (const step of STEPS) {
        const value = objective(feature, step);
        if (value > best + 1e-6) [best, taken] = [value, step];
      }
      if (taken === 0) continue;
      weights[feature] = (weights[feature] as number) + taken;
      samples.forEach(({ features }, i) =>
        (scores[i] as Float64Array).forEach(
          (score, d, all) => (all[d] = score + taken * ((features[d] as Float64Array)[feature] as number)),
        ),
      );
    }
    if (best - before < 1e-3) break;
  }
  return weights;
}

function report(title: string, samples: readonly Sample[], weightsOf: (sample: Sample) => Float64Array): void {
  const tallies = new Map<string, Tally>();
  for (const sample of samples) {
    const rank = rankIn(scoresOf(sample, weightsOf(sample)), sample.gold);
    for (const name of ['all', sample.repository]) {
      if (!tallies.has(name)) tallies.set(name, new Tally());
      tallies.get(name)?.add(rank);
    }
  }
  console.log(`\n${title}`);
  for (const [name, tally] of tallies) console.log(row(`  ${name}`, tally.scores()));
}
