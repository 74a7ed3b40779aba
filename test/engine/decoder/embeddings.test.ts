import { describe, expect, it } from 'vitest';
import { Decoder, openCheckpoint, type WeightFormat } from '../../../src/engine';
import { MemoryWeightWriter } from '../../../src/engine/decoder/weight-file';
import { compileWeights } from '../../../src/engine/decoder/compile-weights';
import { fixture } from '../../fixtures';

/** Tied and untied embeddings; rows of 48 columns end in half a block. */
const TIED = 'smollm2';
const UNTIED = 'olmo2';

async function compiled(name: string, weights: WeightFormat) {
  const checkpoint = await openCheckpoint(fixture(`checkpoints/${name}`));
  const writer = new MemoryWeightWriter();
  await compileWeights(checkpoint, weights, writer);
  const exact = await checkpoint.tensors.readFloat32('model.embed_tokens.weight');
  await checkpoint.close();
  return { tensors: writer.tensors, data: writer.data(), exact, columns: checkpoint.config.hiddenSize };
}

async function logitsOf(name: string, weights: WeightFormat, byToken: boolean): Promise<Float32Array> {
  const checkpoint = await openCheckpoint(fixture(`checkpoints/${name}`));
  const decoder = await Decoder.open(checkpoint, { weights, cacheDirectory: null, threads: 1 });
  await checkpoint.close();
  const context = decoder.newContext(undefined, 16);
  const ids = [3, 17, 60, 5, 99, 41];
  let logits = new Float32Array(0);
  if (byToken) for (const id of ids) logits = (await context.decode(id)).slice();
  else logits = (await context.prefill(ids, { logits: 'last' })).logits.slice();
  await decoder.close();
  return logits;
}

/** Share of the squares of `b` that `a` misses. */
function missed(a: Float32Array, b: Float32Array): number {
  let [difference, whole] = [0, 0];
  b.forEach((value, i) => {
    difference += (value - (a[i] as number)) ** 2;
    whole += value ** 2;
  });
  return difference / whole;
}

describe('rounded embeddings', () => {
  it.each(['8bit', '4bit'] as const)('are the output matrix where both are tied (%s)', async (weights) => {
    const { tensors } = await compiled(TIED, weights);
    expect(tensors['embeddings.8bit']).toEqual(tensors['head.8bit']);
    expect(tensors['embeddings.8bit.scales']).toEqual(tensors['head.8bit.scales']);
    expect(Object.keys(tensors).filter((name) => name.startsWith('embeddings'))).toHaveLength(2);
  });

  it.each([TIED, UNTIED])('of %s hold each value to a half of a level', async (name) => {
    const { tensors, data, exact, columns } = await compiled(name, '4bit');
    const blocks = Math.ceil(columns / 32);
    const levels = tensors['embeddings.8bit'];
    const scales = tensors['embeddings.8bit.scales'];
    if (!levels || !scales) throw new Error('no embeddings');
    const scaleOf = new Float32Array(data.slice(scales.offset, scales.offset + scales.byteLength).buffer);
    exact.forEach((value, i) => {
      const block = Math.floor(i / columns) * blocks + Math.floor((i % columns) / 32);
      const scale = scaleOf[block] as number;
      const level = (data[levels.offset + block * 32 + ((i % columns) % 32)] as number) - 128;
      expect(Math.abs(level * scale - value)).toBeLessThanOrEqual(0.501 * scale);
    });
  });

  it.each([TIED, UNTIED])('of %s are read alike by graphs and kernels, within the loss of 8 bits', async (name) => {
    const exact = await logitsOf(name, 'f32', false);
    const [prompt, token] = [await logitsOf(name, '8bit', false), await logitsOf(name, '8bit', true)];
    expect(missed(prompt, exact)).toBeLessThan(5e-3);
    expect(missed(token, exact)).toBeLessThan(5e-3);
    expect(missed(token, prompt)).toBeLessThan(5e-3);
  });
});
