import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Decoder, full, type WeightFormat } from '../../../src/engine';
import { writeGguf, type GgufFormat } from './gguf';
import { benchCache, decodeTime, fill, median, round, stopwatch, table, tokensOf } from './measure';
import { randomCheckpoint, smolLM2 } from './random';

const VERSION = '3.22.1';
const PROMPT = 512;

interface Times {
  /** Milliseconds of a prompt of 512 tokens behind the rows that were there, and of one decoded token. */
  prefill: number;
  decode: number;
}

/** Against llama.cpp (flash attention on), the same random weights of SmolLM2-135M's shape. */
export async function againstLlama(depths: readonly number[], threadCounts: readonly number[]): Promise<void> {
  for (const [ours, theirs] of [['4bit', 'q4_0'], ['8bit', 'q8_0']] as const) {
    for (const threads of threadCounts) {
      const llama = await timesOfLlama(theirs, threads, depths);
      const own = await timesOfOurs(ours, threads, depths);
      const rows = depths.map((depth, i) => {
        const [a, b] = [own[i] as Times, llama[i] as Times];
        return { 'rows before': depth, 'prefill tok/s': round((PROMPT / a.prefill) * 1000, 0), 'llama.cpp': round((PROMPT / b.prefill) * 1000, 0),
          'prefill ratio': round(b.prefill / a.prefill, 2), 'decode tok/s': round(1000 / a.decode), 'llama.cpp decode': round(1000 / b.decode), 'decode ratio': round(b.decode / a.decode, 2) };
      });
      table(`${ours} beside llama.cpp's ${theirs} (node-llama-cpp ${VERSION}, flash attention on), ${threads} threads; a prompt of ${PROMPT} tokens, and single tokens, behind so many rows`, rows);
    }
  }
}

async function timesOfOurs(weights: WeightFormat, threads: number, depths: readonly number[]): Promise<Times[]> {
  const decoder = await Decoder.open(randomCheckpoint(smolLM2), { weights, threads, cacheDirectory: benchCache('compiled') });
  const times: Times[] = [];
  for (const depth of depths) {
    const prompt = async () => {
      const context = decoder.newContext(full(), depth + 2 * PROMPT);
      fill(decoder, context, depth);
      const elapsed = stopwatch(threads);
      await context.prefill(tokensOf(PROMPT, smolLM2.vocabSize));
      return elapsed();
    };
    await prompt();
    const prefill = median([await prompt(), await prompt(), await prompt()]);
    const context = decoder.newContext(full(), depth + PROMPT);
    fill(decoder, context, depth);
    times.push({ prefill, decode: await decodeTime(context, threads) });
  }
  await decoder.close();
  return times;
}

/** The part of node-llama-cpp's API that is used here. */
interface LlamaSequence {
  evaluateWithoutGeneratingNewTokens(tokens: number[]): Promise<void>;
  evaluate(tokens: number[], options: { temperature: number }): AsyncIterable<number>;
  eraseContextTokenRanges(ranges: { start: number; end: number }[]): Promise<void>;
  dispose(): void;
}
interface LlamaModule {
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{ createContext(options: object): Promise<{ getSequence(): LlamaSequence; dispose(): Promise<void> }>; dispose(): Promise<void> }>;
    dispose(): Promise<void>;
  }>;
}

async function timesOfLlama(format: GgufFormat, threads: number, depths: readonly number[]): Promise<Times[]> {
  const modelPath = join(benchCache('gguf'), `smollm2-random-${format}.gguf`);
  if (!existsSync(modelPath)) await writeGguf(randomCheckpoint(smolLM2), format, modelPath);
  const llama = await (await loadLlama()).getLlama({ gpu: false, build: 'never', logLevel: 'error' });
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({ contextSize: Math.max(...depths) + 2 * PROMPT, flashAttention: true, threads, batchSize: PROMPT, ignoreMemorySafetyChecks: true });
  const sequence = context.getSequence();
  const times: Times[] = [];
  let there = 0;
  for (const depth of [...depths].sort((a, b) => a - b)) {
    if (depth > there) await sequence.evaluateWithoutGeneratingNewTokens(tokensOf(depth - there, smolLM2.vocabSize, there));
    there = depth;
    const back = () => sequence.eraseContextTokenRanges([{ start: depth, end: depth + 2 * PROMPT }]);
    const prompts: number[] = [];
    for (let i = 0; i < 4; i++) {
      const elapsed = stopwatch(threads);
      await sequence.evaluateWithoutGeneratingNewTokens(tokensOf(PROMPT, smolLM2.vocabSize, depth));
      prompts.push(elapsed());
      await back();
    }
    const steps: number[] = [];
    let elapsed = stopwatch(threads);
    for await (const _token of sequence.evaluate([60], { temperature: 0 })) {
      steps.push(elapsed());
      if (steps.length > 20) break;
      elapsed = stopwatch(threads);
    }
    await back();
    times.push({ prefill: median(prompts.slice(1)), decode: median(steps.slice(1)) });
  }
  sequence.dispose();
  await context.dispose();
  await model.dispose();
  await llama.dispose();
  return times;
}

/** Installs the peer outside the repository, once. */
async function loadLlama(): Promise<LlamaModule> {
  const folder = benchCache(`node-llama-cpp-${VERSION}`);
  const entry = join(folder, 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
  if (!existsSync(entry)) {
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    const done = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', `node-llama-cpp@${VERSION}`], { cwd: folder, stdio: 'inherit' });
    if (done.status !== 0) throw new Error('node-llama-cpp could not be installed');
  }
  return (await import(pathToFileURL(entry).href)) as LlamaModule;
}
