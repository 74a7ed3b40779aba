/**
 * Measures the cost of a warm question. The baselines read the same text afresh, or restore a saved cache of another
 * engine.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { memories as memoriesPolicy, openCheckpoint } from '../../../src/engine';
import { composeContext } from '../../../src/assistant/context';
import { type MemoryReader, type MemorySegment } from '../../../src/memory';
import { createSegmenter } from '../../../src/workspace/segments/segmenter';
import type { Document } from '../../../src/workspace/types';
import type { MemoryModel } from '../../../src/inference/memory-model';
import type { ComposeParams, ComposedContext } from '../../../src/protocol/memory';
import { writeGguf } from '../engine/gguf';
import { loadLlama } from '../engine/llama';
import { benchCache, median, round, table } from '../engine/measure';
import { copiesOf } from './copies';
import { encodeAll, engineOf, IndexedWorkspace, searchOver } from './indexed';
import { partsOf } from './windows';

const CHARACTERS_PER_TOKEN = 3.3;
const QUESTIONS = [
  'how is the store evicted',
  'where are positions shared',
  'what happens when the process is killed',
  'which rows are folded',
  'how are tokens counted',
];
const QUESTION = 'What is kept of it, and where?';
/** Numbers of tokens read in full. The product reads at most 1,024; the last value fills the window. */
const FULL_TOKENS = [512, 1_024, 2_048, 3_584];
const TIMES = 5;

/** @param directory directory of the checkpoint */
export async function warm(
  memory: MemoryModel,
  directory: string,
  texts: readonly { path: string; text: string }[],
  tokens: number,
  threads: number,
): Promise<void> {
  const segmenter = await createSegmenter();
  const documents = copiesOf(texts, tokens * CHARACTERS_PER_TOKEN).map(({ path, text }, i): Document => ({
    file: `/${path}`,
    path,
    language: 'typescript',
    text,
    hash: `${i}:${text.length}`,
  }));
  const workspace = await IndexedWorkspace.open(documents, segmenter);
  segmenter.close();
  // Kept between benches, because encoding a million tokens takes minutes.
  const { memories, store, seconds, close } = await encodeAll(workspace, memory, benchCache('memory-warm'));
  const segments = memories.segments();
  const stood = segments.reduce((sum, segment) => sum + segment.tokens, 0);
  console.log(
    `\nWorkspace of ${stood.toLocaleString('en-US')} tokens in ${segments.length.toLocaleString('en-US')} segments; missing ones encoded in ${seconds.toFixed(0)} s`,
  );
  const opened = {
    memories,
    engine: engineOf(memory),
    indexed: (path: string) => workspace.indexed(path),
  };
  const search = searchOver(workspace, opened);
  const rows: Record<string, string | number>[] = [];
  for (const arm of ['rows of the selected segments read now', 'rows of the selected segments in the cache']) {
    const times: ComposedContext[] = [];
    for (const question of QUESTIONS)
      times.push(
        await composeContext({ question, scope: { kind: 'workspace' }, maxNewTokens: 1 }, { search, memory: opened }),
      );
    const middle = (pick: (one: ComposedContext) => number): number => round(median(times.map(pick)));
    const full = (one: ComposedContext): number =>
      one.ledger.groups.reduce((sum, { kind, rows: count }) => sum + (kind === 'full' ? count : 0), 0);
    rows.push({
      arm,
      'tokens read in full': middle(full),
      'retrieve ms': middle(({ timing }) => timing.retrieve),
      'splice ms': middle(({ timing }) => timing.splice),
      'read ms': middle(({ timing }) => timing.read),
      'first token ms': middle(({ timing }) => timing.firstToken),
    });
  }
  table(
    'A question over the workspace: retrieval, rows, the first token (goals: 400 ms from the cache, 1,200 ms when up to 4,096 tokens are read)',
    rows,
  );
  await againstFresh(memory, workspace, segments);
  await againstLlamaState(memory, directory, memories, workspace, segments, threads);
  console.log(
    `Memory of this process: ${round(process.memoryUsage.rss() / 1e6)} MB; store ${round(store.stats().bytes / stood)} MB per million tokens`,
  );
  await close();
}

type Text = Pick<IndexedWorkspace, 'indexed'>;

async function textOf(workspace: Text, { path, start, end }: MemorySegment): Promise<string> {
  return ((await workspace.indexed(path))?.document.text ?? '').slice(start, end);
}

/** Returns the first segments with at most this many tokens in total. */
function take(segments: readonly MemorySegment[], tokens: number): MemorySegment[] {
  let left = tokens;
  return segments.filter((segment) => (segment.tokens <= left ? ((left -= segment.tokens), true) : false));
}

const params = (more: Partial<ComposeParams>): ComposeParams => ({
  coarse: { id: 'none', rows: new Uint8Array(0), tokens: 0 },
  fine: { rows: new Uint8Array(0), tokens: 0 },
  full: [],
  question: QUESTION,
  capacityRows: 4_096,
  maxNewTokens: 1,
  ...more,
});

async function againstFresh(memory: MemoryModel, workspace: Text, segments: readonly MemorySegment[]): Promise<void> {
  const { decoder, tokenizer, config, rope } = partsOf(memory);
  const results: Record<string, string | number>[] = [];
  for (const most of FULL_TOKENS) {
    const texts = await Promise.all(take(segments, most).map((segment) => textOf(workspace, segment)));
    const cached: number[] = [];
    const missed: number[] = [];
    const fresh: number[] = [];
    const question = tokenizer.encode(QUESTION, { addSpecialTokens: false });
    const tokens = texts.flatMap((text) => tokenizer.encode(text, { addSpecialTokens: false }));
    for (let turn = 0; turn < TIMES; turn++) {
      const full = texts.map((text, i) => ({ key: `${most}:${turn}:${i}`, text }));
      missed.push((await memory.compose(params({ full }))).timing.firstToken);
      cached.push((await memory.compose(params({ full }))).timing.firstToken);
      const started = performance.now();
      const context = decoder.newContext(memoriesPolicy({ sinks: config.sinkTokens.length }), 4_096, { rope });
      await context.prefill([...config.sinkTokens, ...tokens, ...question]);
      fresh.push(performance.now() - started);
    }
    results.push({
      tokens: tokens.length,
      'rows in the cache ms': round(median(cached)),
      'segments read, then spliced ms': round(median(missed)),
      'read afresh ms': round(median(fresh)),
      'times faster from the cache': round(median(fresh) / median(cached)),
    });
  }
  table('First token, by tokens in full (goal: 5 × faster than reading them afresh)', results);
}

interface StateSequence {
  evaluateWithoutGeneratingNewTokens(tokens: number[]): Promise<void>;
  evaluate(tokens: number[], options: { temperature: number }): AsyncIterable<number>;
  saveStateToFile(path: string): Promise<{ fileSize: number }>;
  loadStateFromFile(path: string, options: { acceptRisk: true }): Promise<void>;
  clearHistory(): Promise<void>;
  dispose(): void;
}

/**
 * Compares with the same weights in llama.cpp (q8_0). Its rotary frequencies are plain, which does not affect the
 * time. There, the state of a sequence is saved, restored and queried. Here, the memories of the same tokens are read
 * from the store, spliced and queried. Both files are in the page cache.
 */
async function againstLlamaState(
  memory: MemoryModel,
  directory: string,
  memories: MemoryReader,
  workspace: Text,
  segments: readonly MemorySegment[],
  threads: number,
): Promise<void> {
  const { tokenizer } = partsOf(memory);
  const folder = benchCache('gguf');
  const checkpoint = await openCheckpoint(directory);
  const modelPath = join(folder, `memory-model-${checkpoint.fingerprint.slice(0, 12)}.gguf`);
  await writeGguf(checkpoint, 'q8_0', modelPath);
  await checkpoint.close();
  const llama = await (await loadLlama()).getLlama({ gpu: false, build: 'never', logLevel: 'error' });
  const model = await llama.loadModel({ modelPath });
  const question = tokenizer.encode(QUESTION, { addSpecialTokens: false });
  const results: Record<string, string | number>[] = [];
  for (const size of [4_096, 16_384]) {
    const own = take(segments, size);
    const tokens: number[] = [];
    for (const segment of own)
      tokens.push(...tokenizer.encode(await textOf(workspace, segment), { addSpecialTokens: false }));
    const context = await model.createContext({
      contextSize: tokens.length + 256,
      flashAttention: true,
      threads,
      batchSize: 512,
      ignoreMemorySafetyChecks: true,
    });
    const sequence = context.getSequence() as unknown as StateSequence;
    const statePath = join(folder, `state-${size}.bin`);
    await sequence.evaluateWithoutGeneratingNewTokens(tokens);
    await sequence.saveStateToFile(statePath);
    const theirs: number[] = [];
    const ours: number[] = [];
    for (let turn = 0; turn < TIMES; turn++) {
      await sequence.clearHistory();
      let started = performance.now();
      await sequence.loadStateFromFile(statePath, { acceptRisk: true });
      for await (const _token of sequence.evaluate(question, { temperature: 0 })) break;
      theirs.push(performance.now() - started);
      memories.clear();
      started = performance.now();
      const rows = new Uint8Array(
        own.reduce((sum, { fineRows }) => sum + fineRows, 0) * memory.description.storedRowBytes,
      );
      let at = 0;
      for (const segment of own) at += await memories.fine(segment, rows.subarray(at));
      await memory.compose(params({ fine: { rows: rows.subarray(0, at), tokens: tokens.length } }));
      ours.push(performance.now() - started);
    }
    sequence.dispose();
    await context.dispose();
    const rows = own.reduce((sum, { fineRows }) => sum + fineRows, 0);
    const bytes = rows * memory.description.storedRowBytes;
    const state = statSync(statePath).size;
    results.push({
      tokens: tokens.length,
      'ours ms': round(median(ours)),
      'llama.cpp ms': round(median(theirs)),
      'ours MB': round(bytes / 1e6, 2),
      'llama.cpp MB': round(state / 1e6, 2),
      '% of its bytes': round((100 * bytes) / state, 2),
    });
  }
  await model.dispose();
  await llama.dispose();
  table(
    `Stored memories read and queried, compared with llama.cpp restoring its state of the same tokens, ${threads} threads (goals: no slower, 5% of its bytes)`,
    results,
  );
}
