import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fusedSpans, judge, judgesOf, POINTS, SPANS, type Judge, type Points } from '../../../src/search/fused-search';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';
import type { Document } from '../../../src/workspace/types';
import type { Memories } from '../../../src/memory/memories';
import type { MemoryModel } from '../../../src/inference/memory-model';
import { benchCache, round, table } from '../engine/measure';
import { readCorpus } from '../retrieval/corpus';
import { filesOf, goldRank } from '../retrieval/metrics';
import { cosqa, svelteHistory, sweQa, type Question } from '../retrieval/questions';
import { MEMORY_ARMS, type MemoryArm } from './arms';
import { encodeAll, engineOf, IndexedWorkspace } from './indexed';
import { generator, interval, mean } from './statistics';

export interface FusedOptions {
  repos: string | undefined;
  shared: string;
  /** All repositories and all of CoSQA; else the two smallest and a part of CoSQA. */
  whole: boolean;
}

const SAMPLE = new Set(['flask', 'requests']);
const SAMPLE_POOL = 1_500;

const NONE: Points = { vector: 0, window: 0, run: 0, attention: 0 };

interface Arm {
  points: Points;
  /** Without the lexical ranker. */
  alone?: boolean;
  /** As they are unless said otherwise. */
  memories?: MemoryArm;
}

const ARMS: Record<string, Arm> = {
  lexical: { points: NONE },
  'the product': { points: POINTS },
  'the product, memories zeroed': { points: POINTS, memories: 'zeroed' },
  'the product, memories of another file': { points: POINTS, memories: 'of another file' },
  'the product, memories left out': { points: POINTS, memories: 'left out' },
  'the product without attention': { points: { ...POINTS, attention: 0 } },
  'lexical and vector': { points: { ...NONE, vector: POINTS.vector } },
  'lexical and late interaction': { points: { ...NONE, window: POINTS.window, run: POINTS.run } },
  'lexical and attention': { points: { ...NONE, attention: POINTS.attention } },
  'model alone': { points: POINTS, alone: true },
  'model alone, memories zeroed': { points: POINTS, alone: true, memories: 'zeroed' },
  'model alone, memories of another file': { points: POINTS, alone: true, memories: 'of another file' },
  'model alone, memories left out': { points: POINTS, alone: true, memories: 'left out' },
  'vector alone': { points: { ...NONE, vector: 1 }, alone: true },
  'late interaction alone': { points: { ...NONE, window: POINTS.window, run: POINTS.run }, alone: true },
  'attention alone': { points: { ...NONE, attention: 1 }, alone: true },
};

/** Points that the cross-fit chooses among. */
const CHOICES: Points[] = [0.25, 0.5, 0.75, 1].flatMap((vector) =>
  [0, 0.3, 0.6].flatMap((window) =>
    [0, 0.5].flatMap((run) => [0, 0.1, 0.3].map((attention) => ({ vector, window, run, attention }))),
  ),
);

type Ranks = Record<string, number[]>;

interface Measured {
  arms: Ranks;
  /** By CHOICES. */
  choices: number[][];
}

/**
 * Retrieval with the model's judges beside the lexical ranker, and without it: reciprocal rank of the first gold file,
 * each arm against the lexical ranker, and each with altered memories against the same with memories as they are, on
 * the same questions, with paired bootstrap intervals.
 */
export async function fused(memory: MemoryModel, options: FusedOptions): Promise<void> {
  if (!existsSync(join(options.shared, 'retrieval')))
    return console.log(`fused: the test data is not in ${options.shared} (--shared DIR), left out`);
  const segmenter = await createSegmenter();
  const pooled: Ranks = {};
  const sets: Measured[] = [];
  const questions = [...sweQa(options.shared), ...(options.whole ? svelteHistory(options.shared) : [])];
  for (const name of new Set(questions.map(({ repository }) => repository))) {
    if (!options.whole && !SAMPLE.has(name)) continue;
    if (options.repos === undefined || !existsSync(join(options.repos, name))) {
      console.log(`fused: ${name} is not in ${options.repos ?? 'any folder'} (--repos DIR), left out`);
      continue;
    }
    const own = questions.filter(({ repository }) => repository === name);
    sets.push(await measure(name, await readCorpus(join(options.repos, name)), own, memory, segmenter));
  }
  const { pool, items } = cosqa(options.shared);
  // A part of the pool that holds every right answer asked for: an easier set than the whole, and said to be.
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
  pooled['points chosen on one half, judged on the other'] = crossFit(
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
    `${name}: ${documents.length} files, ${encoded.tokens.toLocaleString('en-US')} tokens, what was missing encoded in ${encoded.seconds.toFixed(0)} s`,
  );
  const engine = engineOf(memory);
  const segments = shuffled(encoded.memories.segments());
  const altered = new Map<MemoryArm, Memories>(MEMORY_ARMS.map((arm) => [arm, encoded.altered(arm)]));
  const arms: Ranks = Object.fromEntries(Object.keys(ARMS).map((arm) => [arm, []]));
  const choices: number[][] = CHOICES.map(() => []);
  for (const question of questions) {
    const { spans } = await workspace.search(question.text, { limit: SPANS });
    const look = await engine.look(question.text);
    const judges = new Map<MemoryArm, Judge[]>();
    for (const [arm, memories] of altered) judges.set(arm, await judgesOf(segments, look, memories, ALL));
    const reciprocal = async ({ points, alone, memories = 'as they are' }: Arm): Promise<number> => {
      const weighed = weigh(judges.get(memories) as Judge[], points);
      const found = alone ? [] : spans;
      const ranked = await fusedSpans(judge(found, segments, weighed), alone ? SPANS : spans.length, workspace);
      const rank = goldRank(filesOf(ranked), question);
      return rank === 0 ? 0 : 1 / rank;
    };
    for (const [arm, own] of Object.entries(ARMS)) (arms[arm] as number[]).push(await reciprocal(own));
    for (const [i, points] of CHOICES.entries()) (choices[i] as number[]).push(await reciprocal({ points }));
  }
  await encoded.close();
  report(name, arms);
  return { arms, choices };
}

const ALL: Points = { vector: 1, window: 1, run: 1, attention: 1 };

/** The judges of `judgesOf` with other points; those that have none are left out. */
function weigh(judges: readonly Judge[], { vector, window, run, attention }: Points): Judge[] {
  const late = [window, run];
  return judges
    .map((each) => ({
      ...each,
      weight: each.kind === 'vector' ? vector : each.kind === 'attention' ? attention : (late.shift() ?? 0),
    }))
    .filter(({ weight }) => weight > 0);
}

/**
 * The points that are best on one half of the questions, judged on the other, and the other way round; the mean over
 * many halvings, question by question.
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
