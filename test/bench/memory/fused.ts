import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fuseSpans } from '../../../src/assistant/compose/retrieval';
import type { Ranking } from '../../../src/assistant/compose/select';
import { createSegmenter, type Segmenter } from '../../../src/library/segments/segmenter';
import type { Document } from '../../../src/library/types';
import type { MemoryModel } from '../../../src/worker/memory-model';
import { benchCache, round, table } from '../engine/measure';
import { readCorpus } from '../retrieval/corpus';
import { filesOf, goldRank } from '../retrieval/metrics';
import { cosqa, svelteHistory, sweQa, type Question } from '../retrieval/questions';
import { encodeAll, engineOf, IndexedWorkspace } from './indexed';
import { generator, interval, mean } from './statistics';

export interface FusedOptions {
  repos: string | undefined;
  shared: string;
  /** All repositories and all of CoSQA; else the two smallest and a part of CoSQA. */
  whole: boolean;
}

const SPANS = 30;
const NEAREST = 60;
const SAMPLE = new Set(['flask', 'requests']);
const SAMPLE_POOL = 1_500;

/** What each judge adds at most, as a share of a span's lexical score; `alone` for what it finds without the lexical ranker. */
const ARMS: Record<string, { vector: number; attention: number; alone?: boolean }> = {
  lexical: { vector: 0, attention: 0 },
  'vector alone': { vector: 1, attention: 0, alone: true },
  'attention alone': { vector: 0, attention: 1, alone: true },
  ...Object.fromEntries([0.05, 0.1, 0.2, 0.4, 0.8].map((vector) => [`vector ${vector}`, { vector, attention: 0 }])),
  ...Object.fromEntries([0.05, 0.1, 0.2].map((attention) => [`attention ${attention}`, { vector: 0, attention }])),
  'vector 0.1, attention 0.05': { vector: 0.1, attention: 0.05 },
  'vector 0.2, attention 0.1': { vector: 0.2, attention: 0.1 },
};

type Ranks = Record<string, number[]>;

/**
 * Retrieval with the model as a second and a third judge beside the lexical ranker: reciprocal rank of the first gold file, each arm against the
 * lexical ranker on the same questions, with paired bootstrap intervals.
 */
export async function fused(memory: MemoryModel, options: FusedOptions): Promise<void> {
  if (!existsSync(join(options.shared, 'retrieval'))) return console.log(`fused: the test data is not in ${options.shared} (--shared DIR), left out`);
  const segmenter = await createSegmenter();
  const pooled: Ranks = {};
  const sets: Ranks[] = [];
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
  const kept = options.whole ? pool.map((_, i) => i) : [...new Set([...asked.map(({ gold }) => gold), ...shuffled(pool.map((_, i) => i))])].slice(0, SAMPLE_POOL);
  const functions = kept.map((i): Document => ({ file: `/${i}.py`, path: `${i}.py`, language: 'python', text: pool[i] as string, hash: String(i) }));
  const queries = asked.map(({ query, gold }): Question => ({ id: '', repository: 'CoSQA', text: query, gold: [{ path: `${gold}.py`, spans: [] }] }));
  sets.push(await measure(options.whole ? 'CoSQA' : `CoSQA, ${SAMPLE_POOL} of its functions`, functions, queries, memory, segmenter));
  for (const ranks of sets) for (const [arm, own] of Object.entries(ranks)) (pooled[arm] ??= []).push(...own);
  report('Fused ranking, all questions together', pooled);
  segmenter.close();
}

async function measure(name: string, documents: readonly Document[], questions: readonly Question[], memory: MemoryModel, segmenter: Segmenter): Promise<Ranks> {
  const workspace = await IndexedWorkspace.open(documents, segmenter);
  const { memories, seconds, tokens, close } = await encodeAll(workspace, memory, join(benchCache('memory-fused'), name.replace(/\W+/g, '-')));
  console.log(`${name}: ${documents.length} files, ${tokens.toLocaleString('en-US')} tokens, what was missing encoded in ${seconds.toFixed(0)} s`);
  const engine = engineOf(memory);
  const segments = memories.segments();
  const ranks: Ranks = Object.fromEntries(Object.keys(ARMS).map((arm) => [arm, []]));
  for (const question of questions) {
    const { spans } = await workspace.search(question.text, { limit: SPANS });
    const look = await engine.look(question.text);
    const nearest = (await memories.nearest(segments, look.vector, NEAREST)).map(({ segment }) => segment);
    const attended = (await memories.attended(segments, look.queries, NEAREST)).map(({ segment }) => segment);
    for (const [arm, { vector, attention, alone }] of Object.entries(ARMS)) {
      const found = alone ? (vector > 0 ? nearest : attended).map(({ path }) => path) : filesOf(await fuseSpans(spans, segments, judges(nearest, attended, vector, attention), workspace));
      const rank = goldRank([...new Set(found)], question);
      (ranks[arm] as number[]).push(rank === 0 ? 0 : 1 / rank);
    }
  }
  await close();
  report(name, ranks);
  return ranks;
}

function judges(nearest: readonly { key: string }[], attended: readonly { key: string }[], vector: number, attention: number): Ranking[] {
  const ranking = (name: Ranking['name'], segments: readonly { key: string }[], weight: number): Ranking[] => (weight > 0 ? [{ name, keys: segments.map(({ key }) => key), weight }] : []);
  return [...ranking('vector', nearest, vector), ...ranking('attention', attended, attention)];
}

function report(title: string, ranks: Ranks): void {
  const own = ranks['lexical'] ?? [];
  table(`${title}: MRR over ${own.length} questions`, Object.entries(ranks).map(([arm, values]) => {
    const [low, high] = interval(values.map((value, i) => value - (own[i] as number)));
    return { arm, MRR: round(mean(values), 4), 'hit@1': round(mean(values.map((value) => (value === 1 ? 1 : 0))), 3), 'minus lexical (95%)': arm === 'lexical' ? '' : `${low.toFixed(4)} … ${high.toFixed(4)}` };
  }));
}

function shuffled<T>(values: readonly T[]): T[] {
  const random = generator(3);
  return values.map((value) => ({ value, key: random() })).sort((a, b) => a.key - b.key).map(({ value }) => value);
}
