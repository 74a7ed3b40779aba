import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Decoder, full, openCheckpoint, type Checkpoint, type WeightFormat } from '../../../src/engine';
import { writeGguf } from './gguf';
import { benchCache, fill, median, round, stopwatch, table, tokensOf } from './measure';
import { randomCheckpoint, smolLM2 } from './random';

const VERSION = '3.22.1';
const PROMPT = 512;
/** Number of turns of each side at a depth, and tokens per turn. */
const TURNS = 5;
const STEPS = 12;

/** One engine with a context. */
interface Side {
  /** Brings the context to `depth` rows. */
  to(depth: number): Promise<void>;
  /** Milliseconds of a prompt of 512 tokens after those rows. */
  prompt(): Promise<number>;
  /** Milliseconds of single tokens after those rows. */
  tokens(): Promise<number[]>;
  close(): Promise<void>;
}

/**
 * Compares with llama.cpp (flash attention on) on the same random weights of SmolLM2-135M's shape. Both are open at the
 * same time and take turns, so that other load on the machine affects both equally.
 */
export async function againstLlama(
  depths: readonly number[],
  threadCounts: readonly number[],
  formats: readonly WeightFormat[],
): Promise<void> {
  for (const [ours, theirs] of [
    ['4bit', 'q4_0'],
    ['8bit', 'q8_0'],
  ] as const) {
    if (!formats.includes(ours)) continue;
    for (const threads of threadCounts) {
      const model = join(benchCache('gguf'), `smollm2-random-${theirs}.gguf`);
      if (!existsSync(model)) await writeGguf(randomCheckpoint(smolLM2), theirs, model);
      const sides = [
        await openOurs(randomCheckpoint(smolLM2), ours, threads, Math.max(...depths)),
        await openLlama(model, threads, Math.max(...depths)),
      ] as const;
      const rows = await inTurns(sides, depths, TURNS);
      for (const side of sides) await side.close();
      table(
        `${ours} beside llama.cpp's ${theirs} (node-llama-cpp ${VERSION}, flash attention on), ${threads} threads, Node ${process.versions.node}; a prompt of ${PROMPT} tokens, and single tokens, behind so many rows`,
        rows,
      );
    }
  }
}

/** The same for a GGUF file, which both read. */
export async function onFile(model: string, depths: readonly number[], threads: number, turns: number): Promise<void> {
  const checkpoint = await openCheckpoint(model);
  const sides = [
    await openOurs(checkpoint, '4bit', threads, Math.max(...depths)),
    await openLlama(model, threads, Math.max(...depths)),
  ] as const;
  await checkpoint.close();
  const rows = await inTurns(sides, depths, turns);
  for (const side of sides) await side.close();
  const time = threads === 1 ? 'processor time' : 'wall-clock time';
  table(
    `${basename(model)}, ours at 4 bits beside llama.cpp, ${threads} threads, ${time}; a prompt of ${PROMPT} tokens, and single tokens, behind so many rows`,
    rows,
  );
}

/** Speeds of both sides at each depth; they take turns. */
async function inTurns(
  sides: readonly [Side, Side],
  depths: readonly number[],
  turns: number,
): Promise<Record<string, string | number>[]> {
  const rows: Record<string, string | number>[] = [];
  for (const depth of [...depths].sort((x, y) => x - y)) {
    const prompts: [number[], number[]] = [[], []];
    const steps: [number[], number[]] = [[], []];
    for (const side of sides) await side.to(depth);
    console.log(`${depth} rows filled`);
    for (let turn = 0; turn < turns; turn++) {
      for (const i of [0, 1] as const) prompts[i].push(await sides[i].prompt());
      for (const i of [0, 1] as const) steps[i].push(...(await sides[i].tokens()));
    }
    const [a, b] = prompts.map((times) => median(times.slice(1))) as [number, number];
    const [x, y] = steps.map((times) => median(times.slice(STEPS))) as [number, number];
    rows.push({
      'rows before': depth,
      'prefill tok/s': round((PROMPT / a) * 1000, 0),
      'llama.cpp': round((PROMPT / b) * 1000, 0),
      'prefill ratio': round(b / a, 2),
      'decode tok/s': round(1000 / x),
      'llama.cpp decode': round(1000 / y),
      'decode ratio': round(y / x, 2),
    });
  }
  return rows;
}

async function openOurs(
  checkpoint: Checkpoint,
  weights: WeightFormat,
  threads: number,
  deepest: number,
): Promise<Side> {
  const vocab = checkpoint.config.vocabSize;
  const decoder = await Decoder.open(checkpoint, {
    weights,
    threads,
    cacheDirectory: benchCache('compiled'),
  });
  const capacity = deepest + 2 * PROMPT;
  // Prompts and tokens use separate contexts. Slots of a prompt stay allocated, and a token would scan them.
  let [context, writing] = [decoder.newContext(full(), capacity), decoder.newContext(full(), capacity)];
  let depth = 0;
  return {
    to: async (rows) => {
      [context, writing] = [decoder.newContext(full(), capacity), decoder.newContext(full(), capacity)];
      for (const each of [context, writing]) fill(decoder, each, rows);
      depth = rows;
    },
    prompt: async () => {
      const elapsed = stopwatch(threads);
      await context.prefill(tokensOf(PROMPT, vocab));
      const time = elapsed();
      context.dropPositions(depth, Infinity);
      return time;
    },
    tokens: async () => {
      const times: number[] = [];
      for (let i = 0; i < STEPS; i++) {
        const elapsed = stopwatch(threads);
        await writing.decode(60 + i);
        times.push(elapsed());
      }
      writing.dropPositions(depth, Infinity);
      return times;
    },
    close: () => decoder.close(),
  };
}

/** The used part of node-llama-cpp's API. */
interface LlamaSequence {
  evaluateWithoutGeneratingNewTokens(tokens: number[]): Promise<void>;
  evaluate(tokens: number[], options: { temperature: number; yieldEogToken?: boolean }): AsyncIterable<number>;
  eraseContextTokenRanges(ranges: { start: number; end: number }[]): Promise<void>;
  dispose(): void;
}
interface LlamaModule {
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{
      tokenize(text: string): number[];
      createContext(options: object): Promise<{ getSequence(): LlamaSequence; dispose(): Promise<void> }>;
      dispose(): Promise<void>;
    }>;
    dispose(): Promise<void>;
  }>;
}

async function openLlama(modelPath: string, threads: number, deepest: number): Promise<Side> {
  const llama = await (await loadLlama()).getLlama({ gpu: false, build: 'never', logLevel: 'error' });
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({
    contextSize: deepest + 2 * PROMPT,
    flashAttention: true,
    threads,
    batchSize: PROMPT,
    ignoreMemorySafetyChecks: true,
  });
  const sequence = context.getSequence();
  let depth = 0;
  const back = () => sequence.eraseContextTokenRanges([{ start: depth, end: depth + 2 * PROMPT }]);
  return {
    to: async (rows) => {
      if (rows > depth)
        await sequence.evaluateWithoutGeneratingNewTokens(tokensOf(rows - depth, smolLM2.vocabSize, depth));
      depth = rows;
    },
    prompt: async () => {
      const elapsed = stopwatch(threads);
      await sequence.evaluateWithoutGeneratingNewTokens(tokensOf(PROMPT, smolLM2.vocabSize, depth));
      const time = elapsed();
      await back();
      return time;
    },
    tokens: async () => {
      const times: number[] = [];
      let elapsed = stopwatch(threads);
      for await (const _token of sequence.evaluate([60], { temperature: 0, yieldEogToken: true })) {
        times.push(elapsed());
        if (times.length === STEPS) break;
        elapsed = stopwatch(threads);
      }
      await back();
      return times;
    },
    close: async () => {
      sequence.dispose();
      await context.dispose();
      await model.dispose();
      await llama.dispose();
    },
  };
}

/** Installs the peer once, outside the repository. */
export async function loadLlama(): Promise<LlamaModule> {
  const folder = benchCache(`node-llama-cpp-${VERSION}`);
  const entry = join(folder, 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
  if (!existsSync(entry)) {
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    const done = spawnSync(
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', `node-llama-cpp@${VERSION}`],
      { cwd: folder, stdio: 'inherit' },
    );
    if (done.status !== 0) throw new Error('node-llama-cpp could not be installed.');
  }
  return (await import(pathToFileURL(entry).href)) as LlamaModule;
}
