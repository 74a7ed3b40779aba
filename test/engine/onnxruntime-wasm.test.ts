import { afterAll, expect, test, vi } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Engine from '../../src/engine';
import { fixture } from '../fixtures';
import { largestGap, randomTokens } from './tiny';

const directory = mkdtempSync(join(tmpdir(), 'wasm-'));
afterAll(() => {
  vi.doUnmock('../../src/engine/onnxruntime');
  rmSync(directory, { recursive: true, force: true });
});

/** The engine over the native runtime, or over its WebAssembly. */
async function engineOn(runtime: 'native' | 'wasm'): Promise<typeof Engine> {
  vi.resetModules();
  if (runtime === 'wasm') vi.doMock('../../src/engine/onnxruntime', () => import('../../src/engine/onnxruntime-wasm'));
  return import('../../src/engine');
}

async function read(
  { openCheckpoint, Decoder, full }: typeof Engine,
  weights: 'f32' | '8bit' | '4bit',
  tokens: readonly number[],
): Promise<Float32Array[]> {
  const checkpoint = await openCheckpoint(fixture('checkpoints/llama2'));
  const decoder = await Decoder.open(checkpoint, { weights, threads: 1, cacheDirectory: join(directory, weights) });
  const context = decoder.newContext(full(), 64);
  const { logits } = await context.prefill(tokens, { logits: 'all' });
  const next = await context.decode(7);
  await decoder.close();
  await checkpoint.close();
  return [logits, next].map((each) => Float32Array.from(each as unknown as ArrayLike<number>));
}

test(
  'WebAssembly computes what the native runtime computes, for each format of weights',
  { timeout: 120_000 },
  async () => {
    const tokens = randomTokens(40, 128, 3);
    const formats = ['f32', '8bit', '4bit'] as const;
    const native = await engineOn('native');
    const expected = [];
    for (const weights of formats) expected.push(await read(native, weights, tokens));
    const wasm = await engineOn('wasm');
    expect(wasm.Decoder).not.toBe(native.Decoder);
    const { readsFolders } = await import('../../src/engine/onnxruntime');
    expect(readsFolders).toBe(false);
    const made = [];
    for (const weights of formats) made.push(await read(wasm, weights, tokens));
    const [exact = [], ...rounded] = expected;
    const [exactHere = [], ...roundedHere] = made;
    expect(largestGap(exactHere, exact)).toBeLessThan(1e-4);
    // The two round the inputs of quantized weights in blocks of their own, so they err alike, not equally.
    roundedHere.forEach((logits, i) => {
      const gap = largestGap(logits, exact);
      expect(gap, formats[i + 1]).toBeLessThan(2 * largestGap(rounded[i] ?? [], exact));
    });
  },
);

test('WebAssembly reads layers with windows of their own, alone and in segments', { timeout: 120_000 }, async () => {
  const tokens = randomTokens(40, 128, 4);
  const made: ArrayLike<number>[][] = [];
  for (const runtime of ['native', 'wasm'] as const) {
    const { openCheckpoint, Decoder, full, lambda } = await engineOn(runtime);
    const checkpoint = await openCheckpoint(fixture('checkpoints/gemma3'));
    const decoder = await Decoder.open(checkpoint, { weights: 'f32', threads: 1, cacheDirectory: null });
    const rows: ArrayLike<number>[] = [];
    for (const policy of [full(), lambda({ sinks: 2, window: 12 })]) {
      const context = decoder.newContext(policy, 64);
      rows.push((await context.prefill(tokens, { logits: 'all' })).logits.slice(), (await context.decode(7)).slice());
    }
    const [encoded] = await decoder.encodeSegments([{ tokens, keep: [3, 30] }]);
    rows.push(encoded?.rows.values as Float32Array);
    await decoder.close();
    await checkpoint.close();
    made.push(rows);
  }
  expect(largestGap(made[1] ?? [], made[0] ?? [])).toBeLessThan(1e-4);
});
