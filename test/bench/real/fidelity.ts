/**
 * How far the next token's distribution is from that of the file's weights in f32: ours at 8 and 4 bits, and llama.cpp
 * on the file itself. The Kullback-Leibler divergence is in nats a token.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Decoder, full, openCheckpoint, type WeightFormat } from '../../../src/engine';
import { loadLlama } from '../engine/llama';
import { benchCache, median, round, table } from '../engine/measure';

const TEXT = 'docs/architecture.md';
/** Tokens that are read before the first one that counts. */
const BEFORE = 64;

type Logits = ArrayLike<number>;

interface ControlledSequence {
  controlledEvaluate(input: unknown[]): Promise<({ next: { logits?: Map<number, number> } } | undefined)[]>;
}

/** Prints a row for each way to run the file. @param count tokens whose successors are compared */
export async function fidelity(model: string, count: number, threads: number): Promise<void> {
  const checkpoint = await openCheckpoint(model);
  const tokens = (await checkpoint.openTokenizer()).encode(readFileSync(TEXT, 'utf8')).slice(0, BEFORE + count);
  await checkpoint.close();
  const reference = await withOurs(model, 'f32', tokens, threads);
  const rows = [];
  for (const weights of ['8bit', '4bit'] as const)
    rows.push(row(`ours, ${weights}`, reference, await withOurs(model, weights, tokens, threads)));
  rows.push(row('llama.cpp', reference, await withLlama(model, tokens, threads)));
  table(
    `${basename(model)}: next-token distributions beside those of its weights in f32, ${reference.length} tokens`,
    rows,
  );
}

function row(name: string, reference: readonly Logits[], logits: readonly Logits[]): Record<string, string | number> {
  const divergences = reference.map((expected, i) => divergence(expected, logits[i] as Logits));
  const same = reference.filter((expected, i) => best(expected) === best(logits[i] as Logits)).length;
  return {
    run: name,
    'mean KL': round(divergences.reduce((a, b) => a + b, 0) / divergences.length, 4),
    'median KL': round(median(divergences), 4),
    'worst KL': round(Math.max(...divergences), 3),
    'same best token': round(same / reference.length, 3),
  };
}

async function withOurs(
  model: string,
  weights: WeightFormat,
  tokens: readonly number[],
  threads: number,
): Promise<Logits[]> {
  const checkpoint = await openCheckpoint(model);
  const decoder = await Decoder.open(checkpoint, { weights, threads, cacheDirectory: benchCache('compiled') });
  await checkpoint.close();
  const context = decoder.newContext(full(), tokens.length);
  await context.prefill(tokens.slice(0, BEFORE));
  const logits: Logits[] = [];
  for (const token of tokens.slice(BEFORE)) logits.push(Float32Array.from(await context.decode(token)));
  await decoder.close();
  return logits;
}

async function withLlama(modelPath: string, tokens: readonly number[], threads: number): Promise<Logits[]> {
  const llama = await (await loadLlama()).getLlama({ gpu: false, build: 'never', logLevel: 'error' });
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({ contextSize: 2 * tokens.length, threads });
  const sequence = context.getSequence() as unknown as ControlledSequence;
  const asked = { generateNext: { logits: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } } };
  const read = await sequence.controlledEvaluate(
    tokens.map((token, i) => (i < BEFORE ? token : [token, structuredClone(asked)])),
  );
  const logits = read.slice(BEFORE).map((each) => {
    const given = each?.next.logits;
    if (!given) throw new Error('llama.cpp gave no logits.');
    const values = new Float32Array(given.size);
    for (const [token, logit] of given) values[token] = logit;
    return values;
  });
  await context.dispose();
  await model.dispose();
  await llama.dispose();
  return logits;
}

/** KL(p ‖ q) of the softmax distributions. */
function divergence(expected: Logits, logits: Logits): number {
  const p = logSoftmax(expected);
  const q = logSoftmax(logits);
  return p.reduce((sum, logP, i) => sum + Math.exp(logP) * (logP - (q[i] as number)), 0);
}

function logSoftmax(logits: Logits): Float64Array {
  const values = Float64Array.from(logits);
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0)) + most;
  return values.map((value) => value - total);
}

const best = (logits: Logits): number => {
  let at = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[at] as number)) at = i;
  return at;
};
