import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Decoder, openCheckpoint, storeFactors } from '../../../../src/engine';
import { fixture, readFloats, readJsonFixture } from '../../../fixtures';
import { f32, fixtureGguf, gguf, u32, type GgufTensorData, type Value } from './write-gguf';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'gguf-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const write = (bytes: Uint8Array, name = 'model.gguf'): string => {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
};

async function logitsOf(path: string, ids: readonly number[]): Promise<Float32Array> {
  const checkpoint = await openCheckpoint(path);
  const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
  const { logits } = await decoder.newContext(undefined, ids.length).prefill(ids, { logits: 'all' });
  await decoder.close();
  await checkpoint.close();
  return logits.slice();
}

function gap(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

/** The constants of the fixture, as llama.cpp names them. */
const GRANITE: Record<string, Value> = {
  'granite.attention.scale': f32(0.2),
  'granite.embedding_scale': f32(3),
  'granite.residual_scale': f32(0.4),
  'granite.logit_scale': f32(2.5),
};

/** Metadata that llama.cpp's converter writes of the gemma3 fixture. It leaves the attention scale out. */
const GEMMA3: Record<string, Value> = {
  'gemma3.attention.sliding_window': u32(8),
  'gemma3.attention.sliding_window_pattern': u32(2),
  'gemma3.rope.freq_base_swa': f32(20_000),
  'gemma3.rope.scaling.type': 'linear',
  'gemma3.rope.scaling.factor': f32(2),
};

describe('a GGUF file', () => {
  it('of Gemma 3 has the logits of the safetensors, bit for bit', async () => {
    const { metadata, tensors, checkpoint } = await fixtureGguf('gemma3', 'gemma3', { metadata: GEMMA3 });
    await checkpoint.close();
    const folder = join(directory, 'safetensors');
    cpSync(checkpoint.path, folder, { recursive: true });
    const config = readJsonFixture<Record<string, unknown>>('checkpoints/gemma3/config.json');
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, query_pre_attn_scalar: 16 }));
    const { ids } = readJsonFixture<{ ids: number[] }>('checkpoints/gemma3/reference.json');
    expect(await logitsOf(write(gguf(metadata, tensors)), ids)).toEqual(await logitsOf(folder, ids));
  });

  it('of Gemma 3 may list its layers, and is refused with capped logits', async () => {
    const { metadata, tensors, checkpoint } = await fixtureGguf('gemma3', 'gemma3', { metadata: GEMMA3 });
    await checkpoint.close();
    const listed: Value = { type: 'array', of: 'u32', values: [0, 1] };
    const path = write(gguf({ ...metadata, 'gemma3.attention.sliding_window_pattern': listed }, tensors));
    const opened = await openCheckpoint(path);
    expect(opened.config.layerDescriptions.map(({ attention }) => attention.window)).toEqual([undefined, 8]);
    expect(opened.config.layerDescriptions[0]?.attention.scale).toBe(1 / 4);
    await opened.close();
    write(gguf({ ...metadata, 'gemma3.final_logit_softcapping': f32(30) }, tensors));
    await expect(openCheckpoint(path)).rejects.toMatchObject({
      code: 'unsupported',
      field: 'gemma3.final_logit_softcapping',
    });
  });

  it.each<[string, string, Record<string, Value>?]>([
    ['llama2', 'llama'],
    ['smollm2', 'llama'],
    ['llama-bias', 'llama'],
    ['qwen2', 'qwen2'],
    ['qwen3', 'qwen3'],
    ['olmo2', 'olmo2'],
    ['granite', 'granite', GRANITE],
  ])(
    'of the %s fixture has the logits of PyTorch transformers',
    async (family, architecture, more: Record<string, Value> = {}) => {
      const { metadata, tensors, checkpoint } = await fixtureGguf(family, architecture, { metadata: more });
      await checkpoint.close();
      const path = write(gguf(metadata, tensors));
      const { ids } = readJsonFixture<{ ids: number[] }>(`checkpoints/${family}/reference.json`);
      const reference = readFloats(fixture(`checkpoints/${family}/reference.f32`));
      expect(gap(await logitsOf(path, ids), reference)).toBeLessThan(1e-4);
    },
  );

  it('keeps fused projections and LongRoPE factors of Phi-3', async () => {
    const original = await openCheckpoint(fixture('checkpoints/phi3'));
    await original.close();
    const { config } = original;
    const { scaling } = config.rope;
    if (scaling.type !== 'longrope') throw new Error('the fixture has no LongRoPE');
    const { metadata, tensors, checkpoint } = await fixtureGguf('phi3', 'phi3', {
      metadata: {
        'phi3.rope.scaling.original_context_length': u32(config.rope.originalMaxPositions),
        'phi3.rope.scaling.attn_factor': f32(
          scaling.attentionFactor ??
            Math.sqrt(1 + Math.log(scaling.factor) / Math.log(config.rope.originalMaxPositions)),
        ),
      },
    });
    await checkpoint.close();
    const table = (name: string, factors: Float64Array): GgufTensorData => ({
      name,
      shape: [factors.length],
      type: 0,
      bytes: new Uint8Array(Float32Array.from(factors).buffer),
    });
    const factors = [
      table('rope_factors_short.weight', scaling.shortFactors),
      table('rope_factors_long.weight', scaling.longFactors),
    ];
    const path = write(gguf(metadata, [...tensors, ...factors]));
    const { ids } = readJsonFixture<{ ids: number[] }>('checkpoints/phi3/reference.json');
    const reference = readFloats(fixture('checkpoints/phi3/reference.f32'));
    expect(gap(await logitsOf(path, ids), reference)).toBeLessThan(1e-4);
  });

  it('reads vectors and ranges of rows, also of matrices in rotary pairs', async () => {
    const { metadata, tensors, checkpoint } = await fixtureGguf('llama-bias', 'llama', { half: true });
    const opened = await openCheckpoint(write(gguf(metadata, tensors)));
    for (const name of [
      'model.layers.1.self_attn.q_proj.weight',
      'model.layers.0.self_attn.k_proj.bias',
      'model.norm.weight',
    ]) {
      const whole = await opened.tensors.readFloat32(name);
      const rows = checkpoint.tensors.info(name).shape[0] as number;
      const width = whole.length / rows;
      expect(gap(whole, await checkpoint.tensors.readFloat32(name))).toBeLessThan(1e-3);
      for (const [from, to] of [
        [0, 1],
        [3, rows - 2],
        [rows - 1, rows],
        [5, 5],
      ] as const)
        expect(await opened.tensors.readFloat32(name, { from, to })).toEqual(whole.slice(from * width, to * width));
      await expect(opened.tensors.readFloat32(name, { from: 0, to: rows + 1 })).rejects.toMatchObject({
        code: 'outOfRange',
      });
    }
    await opened.close();
    await checkpoint.close();
  });

  it('has rotary factors of its own, apart from those of other files in its folder', async () => {
    const { metadata, tensors, checkpoint } = await fixtureGguf('llama2', 'llama');
    await checkpoint.close();
    const [one, other] = [write(gguf(metadata, tensors)), write(gguf(metadata, tensors), 'other.gguf')];
    const plain = await openCheckpoint(one);
    const factors = new Float64Array(plain.config.rope.rotaryDim / 2).fill(2);
    await storeFactors(plain.ropeFile, plain.config.rope, 'dcis-2x', {
      extension: 2,
      attentionFactor: 1,
      factors,
      note: '',
    });
    const [longer, same] = [await openCheckpoint(one), await openCheckpoint(other)];
    expect(longer.config.maxPositions).toBe(2 * plain.config.rope.originalMaxPositions);
    expect(same.config.maxPositions).toBe(plain.config.maxPositions);
    await Promise.all([plain.close(), longer.close(), same.close()]);
  });

  it('uses stored blocks of Q8_0 and Q4_0 unchanged', async () => {
    const { metadata, tensors, checkpoint } = await fixtureGguf('smollm2', 'llama');
    await checkpoint.close();
    const blocked = tensors.map((tensor) => toQ8(tensor));
    const path = write(gguf(metadata, blocked));
    const opened = await openCheckpoint(path);
    const name = 'model.layers.0.mlp.down_proj.weight';
    expect(opened.tensors.holdsBlocks?.(name, 8)).toBe(true);
    expect(opened.tensors.holdsBlocks?.(name, 4)).toBe(false);
    const exact = await opened.tensors.readFloat32(name);
    const blocks = await opened.tensors.readBlocks?.(name, 8);
    exact.forEach((value, i) =>
      expect(Math.fround(((blocks?.levels[i] as number) - 128) * (blocks?.scales[i >> 5] as number))).toBe(value),
    );
    const ids = [1, 5, 9, 2, 7];
    const decoder = await Decoder.open(opened, { weights: '8bit', cacheDirectory: null, threads: 1 });
    const { logits } = await decoder.newContext(undefined, 8).prefill(ids, { logits: 'all' });
    // Weights and embeddings are not quantized again. Activations are bytes.
    const exactLogits = await logitsOf(path, ids);
    const largest = exactLogits.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(gap(logits, exactLogits)).toBeLessThan(0.1 * largest);
    await decoder.close();
    await opened.close();
  });

  it('is found in a folder, and in shards by the name of any shard', async () => {
    const { metadata, tensors, checkpoint } = await fixtureGguf('qwen2', 'qwen2');
    const half = Math.floor(tensors.length / 2);
    const split = (no: number): Record<string, Value> => ({ 'split.no': u32(no), 'split.count': u32(2) });
    write(gguf({ ...metadata, ...split(0) }, tensors.slice(0, half)), 'm-00001-of-00002.gguf');
    const second = write(gguf(split(1), tensors.slice(half)), 'm-00002-of-00002.gguf');
    for (const path of [directory, second]) {
      const opened = await openCheckpoint(path);
      expect(opened.config).toMatchObject({ layers: 2, architecture: 'qwen2' });
      await opened.close();
    }
    write(gguf({ ...metadata, ...split(0) }, tensors.slice(half)), 'm-00002-of-00002.gguf');
    await expect(openCheckpoint(directory)).rejects.toMatchObject({ code: 'mismatch', field: 'split.no' });
    rmSync(second);
    await expect(openCheckpoint(directory)).rejects.toMatchObject({ code: 'missing' });
    await checkpoint.close();
  });
});

/** Quantizes a matrix whose rows are whole blocks, like ggml's Q8_0. */
function toQ8(tensor: GgufTensorData): GgufTensorData {
  const columns = tensor.shape[1];
  if (columns === undefined || columns % 32 !== 0) return tensor;
  const values = new Float32Array(tensor.bytes.buffer);
  const bytes = new Uint8Array((values.length / 32) * 34);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < values.length / 32; block++) {
    const part = values.subarray(block * 32, block * 32 + 32);
    // A power of two is exact in f16.
    const scale = 2 ** Math.ceil(Math.log2(part.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6) / 127));
    view.setUint16(block * 34, Math.max(0, Math.log2(scale) + 15) << 10, true);
    part.forEach((value, i) => view.setInt8(block * 34 + 2 + i, Math.round(value / scale)));
  }
  return { ...tensor, type: 8, bytes };
}
