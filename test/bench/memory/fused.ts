import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LateInteraction, type MemoryReader } from '../../../src/memory';
import { SEARCH_WEIGHTS } from '../../../src/search';
import { spansOf } from '../../../src/search/candidate-spans';
import { type Candidate, fuse, runScorers, type ScorerResult } from '../../../src/search/fusion';
import { LexicalRanker } from '../../../src/search/lexical/lexical-ranker';
import { analyseQuestion } from '../../../src/search/query/analysis';
import { SCORERS } from '../../../src/search/scorers';
import { lexicalScorer } from '../../../src/search/scorers/lexical';
import type { ScorerWeights } from '../../../src/search/weights';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';
import type { Document } from '../../../src/workspace/types';
import type { MemoryModel } from '../../../src/inference/memory-model';
import { benchCache, round, table } from '../engine/measure';
import { readCorpus } from '../retrieval/corpus';
import { goldLines, goldRank, Tally } from '../retrieval/metrics';
import { cosqa, svelteHistory, sweQa, type Question } from '../retrieval/questions';
import { MEMORY_ARMS, type MemoryArm } from './arms';
import { encodeAll, engineOf, IndexedWorkspace } from './indexed';
import { generator, interval, mean } from './statistics';

export interface FusedOptions {
  repos: string | undefined;
  shared: string;
  /** True: all repositories and all of CoSQA. False: the two smallest and a sample of CoSQA. */
  whole: boolean;
}

const SAMPLE = new Set(['flask', 'requests']);
const SAMPLE_POOL = 1_500;

type MemoryWeights = Omit<ScorerWeights, 'lexical' | 'phrase'>;
const NONE: MemoryWeights = { passage: 0, lateInteraction: 0, tokenRun: 0 };
const PRODUCT: MemoryWeights = SEARCH_WEIGHTS.scorers;
const LATE = { lateInteraction: PRODUCT.lateInteraction, tokenRun: PRODUCT.tokenRun };

interface Arm {
  weights: MemoryWeights;
  /** Omits the lexical scorer. */
  alone?: boolean;
  /** Default: as they are. */
  memories?: MemoryArm;
}

const ARMS: Record<string, Arm> = {
  lexical: { weights: NONE },
  'the product': { weights: PRODUCT },
  'the product, memories zeroed': { weights: PRODUCT, memories: 'zeroed' },
  'the product, memories of another file': { weights: PRODUCT, memories: 'of another file' },
  'the product, memories left out': { weights: PRODUCT, memories: 'left out' },
  'the product without late interaction': { weights: { ...PRODUCT, lateInteraction: 0, tokenRun: 0 } },
  'the product without late interaction but runs': { weights: { ...PRODUCT, lateInteraction: 0 } },
  'the product without the 8M model': { weights: { ...NONE, passage: PRODUCT.passage } },
  'the product without the sentence encoder': { weights: { ...PRODUCT, passage: 0 } },
  'lexical and passages, weight .5': { weights: { ...NONE, passage: 0.5 } },
  'lexical and passages, weight 1': { weights: { ...NONE, passage: 1 } },
  'lexical and passages, weight 1.5': { weights: { ...NONE, passage: 1.5 } },
  'lexical and late interaction': { weights: { ...NONE, ...LATE } },
  'model alone': { weights: PRODUCT, alone: true },
  'model alone, memories zeroed': { weights: PRODUCT, alone: true, memories: 'zeroed' },
  'model alone, memories of another file': { weights: PRODUCT, alone: true, memories: 'of another file' },
  'model alone, memories left out': { weights: PRODUCT, alone: true, memories: 'left out' },
  'passages alone': { weights: { ...NONE, passage: 1 }, alone: true },
  'late interaction alone': { weights: { ...NONE, ...LATE }, alone: true },
};

/** Weights from which the cross-fit chooses. */
const CHOICES: MemoryWeights[] = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5].flatMap((passage) =>
  [0, 0.3].flatMap((lateInteraction) => [0, 0.5].map((tokenRun) => ({ passage, lateInteraction, tokenRun }))),
);

type Ranks = Record<string, number[]>;

interface Measured {
  arms: Ranks;
  /** Reciprocal ranks for each entry of CHOICES. */
  choices: number[][];
}

/**
 * Measures retrieval with the model's scorers, with and without the lexical one, as reciprocal rank of the first gold
 * file. Each arm is compared with the lexical scorer. Arms with altered memories are compared with the same arm and
 * memories as they are. Questions are paired, with bootstrap intervals.
 */
export async function fused(memory: MemoryModel, options: FusedOptions): Promise<void> {
  if (!existsSync(join(options.shared, 'retrieval')))
    return console.log(`fused: skipped, because the test data is not in ${options.shared} (--shared DIR)`);
  const segmenter = await createSegmenter();
  const pooled: Ranks = {};
  const sets: Measured[] = [];
  const questions = [...sweQa(options.shared), ...(options.whole ? svelteHistory(options.shared) : [])];
  for (const name of new Set(questions.map(({ repository }) => repository))) {
    if (!options.whole && !SAMPLE.has(name)) continue;
    if (options.repos === undefined || !existsSync(join(options.repos, name))) {
      console.log(`fused: ${name} skipped, because it is not in ${options.repos ?? 'any folder'} (--repos DIR)`);
      continue;
    }
    const own = questions.filter(({ repository }) => repository === name);
    sets.push(await measure(name, await readCorpus(join(options.repos, name)), own, memory, segmenter));
  }
  const { pool, items } = cosqa(options.shared);
  // A part of the pool with the right answer of every question. It is easier than the whole pool, and the title says
  // so.
  const asked = options.whole ? items : shuffled(items).slice(0, 100);
  const kept = options.whole
    ? pool.map((_, i) => i)
    : [...new Set([...asked.map(({ gold }) => gold), ...shuffled(pool.map((_, i) => i))])].slice(0, SAMPLE_POOL);
  const functions = kept.map((i): Document => ({
    file: `/${i}.py`,
    path: `${i}.py`,
    language: 'python',
    text: pool[i] as string,
    hash: String(i),
  }));
  const queries = asked.map(({ query, gold }): Question => ({
    id: '',
    repository: 'CoSQA',
    text: query,
    gold: [{ path: `${gold}.py`, spans: [] }],
  }));
  sets.push(
    await measure(
      options.whole ? 'CoSQA' : `CoSQA, ${SAMPLE_POOL} of its functions`,
      functions,
      queries,
      memory,
      segmenter,
    ),
  );
  for (const { arms } of sets) for (const [arm, own] of Object.entries(arms)) (pooled[arm] ??= []).push(...own);
  pooled['weights chosen on one half, tested on the other'] = crossFit(
    CHOICES.map((_, i) => sets.flatMap(({ choices }) => choices[i] as number[])),
  );
  report('Fused ranking, all questions together', pooled);
  segmenter.close();
}

async function measure(
  name: string,
  documents: readonly Document[],
  questions: readonly Question[],
  memory: MemoryModel,
  segmenter: Segmenter,
): Promise<Measured> {
  const workspace = await IndexedWorkspace.open(documents, segmenter);
  const encoded = await encodeAll(workspace, memory, join(benchCache('memory-fused'), name.replace(/\W+/g, '-')));
  console.log(
    `${name}: ${documents.length} files, ${encoded.tokens.toLocaleString('en-US')} tokens, missing ones encoded in ${encoded.seconds.toFixed(0)} s`,
  );
  const engine = engineOf(memory);
  const ranker = new LexicalRanker(workspace.index, workspace.reader);
  const segments = shuffled(encoded.memories.segments());
  const altered = new Map<MemoryArm, MemoryReader>(MEMORY_ARMS.map((arm) => [arm, encoded.altered(arm)]));
  const arms: Ranks = Object.fromEntries(Object.keys(ARMS).map((arm) => [arm, []]));
  const choices: number[][] = CHOICES.map(() => []);
  const lines = { lexical: new Tally(), 'the product': new Tally() };
  for (const question of questions) {
    const analysed = analyseQuestion(question.text);
    const spans = await ranker.search(analysed, {
      scope: { kind: 'workspace' },
      limit: SEARCH_WEIGHTS.limits.spans,
      pathOf: (file) => file,
    });
    const embedding = await engine.embedQuery(question.text);
    const input = { question: analysed, spans, segments, weights: EQUAL };
    const [lexical] = await runScorers([lexicalScorer], input);
    const results = new Map<MemoryArm, ScorerResult[]>();
    for (const [arm, memories] of altered) {
      const late =
        embedding.late && new LateInteraction(embedding.late, memories.vocabSize, SEARCH_WEIGHTS.lateInteraction);
      const scored = late && (await memories.late(segments, late));
      const scores = scored && new Map(scored.map(({ segment, score }) => [segment.key, score]));
      const lateScores = () => Promise.resolve(scores && { segments, scores });
      const { sentence } = embedding;
      const similarities = () => Promise.resolve(sentence && memories.nearestPassages(segments, sentence));
      results.set(arm, await runScorers(MEMORY_SCORERS, { ...input, memory: { embedding, similarities, lateScores } }));
    }
    const candidates = ({ weights, alone, memories = 'as they are' }: Arm): Candidate[] => {
      if (!alone && spans.length === 0) return [];
      const weighed = (results.get(memories) as ScorerResult[])
        .map((result) => ({ ...result, weight: result.weight * weights[result.scorer.name as keyof MemoryWeights] }))
        .filter(({ weight }) => weight > 0);
      const found = { spans: alone ? [] : spans, segments };
      return fuse(found, alone ? weighed : [lexical as ScorerResult, ...weighed], SEARCH_WEIGHTS);
    };
    const reciprocal = (arm: Arm): number => {
      const files = candidates(arm)
        .slice(0, SEARCH_WEIGHTS.limits.spans)
        .flatMap(({ span, segments: own }) => span?.path ?? own[0]?.path ?? []);
      const rank = goldRank([...new Set(files)], question);
      return rank === 0 ? 0 : 1 / rank;
    };
    for (const [arm, own] of Object.entries(ARMS)) (arms[arm] as number[]).push(reciprocal(own));
    for (const [arm, tally] of Object.entries(lines)) {
      const best = await spansOf(candidates(ARMS[arm] as Arm), workspace, SEARCH_WEIGHTS.limits.spans);
      tally.add(0, goldLines(best, question));
    }
    for (const [i, weights] of CHOICES.entries()) (choices[i] as number[]).push(reciprocal({ weights }));
  }
  await encoded.close();
  report(name, arms);
  for (const [arm, tally] of Object.entries(lines)) {
    const { lines: mean, linesPooled } = tally.scores();
    if (mean > 0)
      console.log(`gold lines in 4000 tokens, ${arm}: ${mean.toFixed(3)} (pooled ${linesPooled.toFixed(3)})`);
  }
  return { arms, choices };
}

/** Every scorer runs once; the arms only weigh its scores differently. */
const EQUAL = {
  ...SEARCH_WEIGHTS,
  scorers: { phrase: 0, lexical: 1, passage: 1, lateInteraction: 1, tokenRun: 1 },
};
const MEMORY_SCORERS = SCORERS.filter(({ name }) => name in NONE);

/**
 * Chooses the weights that are best on one half of the questions and tests them on the other, in both directions.
 * Returns the mean over many halvings for each question.
 */
function crossFit(choices: readonly (readonly number[])[]): number[] {
  const count = choices[0]?.length ?? 0;
  const sums = new Array<number>(count).fill(0);
  const random = generator(11);
  for (let time = 0; time < HALVINGS; time++) {
    const order = Array.from({ length: count }, (_, i) => ({ i, key: random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ i }) => i);
    const halves = [order.slice(0, count / 2), order.slice(count / 2)] as const;
    for (const [fit, held] of [halves, [halves[1], halves[0]] as const]) {
      const scores = choices.map((own) => mean(fit.map((i) => own[i] as number)));
      const best = choices[scores.indexOf(Math.max(...scores))] as readonly number[];
      for (const i of held) sums[i] = (sums[i] as number) + (best[i] as number) / HALVINGS;
    }
  }
  return sums;
}

const HALVINGS = 20;

function report(title: string, ranks: Ranks): void {
  const lexical = ranks['lexical'] ?? [];
  const against = (values: readonly number[], other: readonly number[]): string => {
    const [low, high] = interval(values.map((value, i) => value - (other[i] as number)));
    return `${low.toFixed(4)} … ${high.toFixed(4)}`;
  };
  table(
    `${title}: MRR over ${lexical.length} questions`,
    Object.entries(ranks).map(([arm, values]) => {
      const whole = ranks[arm.split(', memories')[0] as string];
      return {
        arm,
        MRR: round(mean(values), 4),
        'hit@1': round(mean(values.map((value) => (value === 1 ? 1 : 0))), 3),
        'minus lexical (95%)': arm === 'lexical' ? '' : against(values, lexical),
        'minus the product (95%)': arm.startsWith('the product ') ? against(values, ranks['the product'] ?? []) : '',
        'minus memories as they are (95%)': whole && whole !== values ? against(values, whole) : '',
      };
    }),
  );
}

function shuffled<T>(values: readonly T[]): T[] {
  const random = generator(3);
  return values
    .map((value) => ({ value, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}
