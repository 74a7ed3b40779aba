import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../src/engine/checkpoint';
import { fixture, readJsonFixture } from '../../fixtures';
import { SafetensorsFile } from '../../../src/engine/formats/safetensors';
import { f32, safetensors } from '../checkpoint/write';

const base = fixture('checkpoints/llama2');
const original = fixture('checkpoints/llama2-longlora');
let adapter: string;
beforeEach(async () => {
  adapter = join(await mkdtemp(join(tmpdir(), 'adapter-')), 'adapter');
  await cp(original, adapter, { recursive: true });
});
const open = () => openCheckpoint(base, { adapters: [adapter] });
const configure = (change: object) =>
  writeFile(
    join(adapter, 'adapter_config.json'),
    JSON.stringify({ ...readJsonFixture<object>('checkpoints/llama2-longlora/adapter_config.json'), ...change }),
  );

describe('a LoRA adapter', () => {
  it('is merged as W + (alpha / r) B A, whole or in ranges of rows, with trained embeddings and norms', async () => {
    const [plain, merged] = [await openCheckpoint(base), await open()];
    const file = await SafetensorsFile.open(join(adapter, 'adapter_model.safetensors'));
    const name = 'model.layers.1.self_attn.k_proj';
    const [w, a, b] = [
      await plain.tensors.readFloat32(`${name}.weight`),
      await file.readFloat32(`base_model.model.${name}.lora_A.weight`),
      await file.readFloat32(`base_model.model.${name}.lora_B.weight`),
    ];
    const [rows, width] = plain.tensors.info(`${name}.weight`).shape as [number, number];
    const whole = await merged.tensors.readFloat32(`${name}.weight`);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < width; column++) {
        let update = 0;
        for (let k = 0; k < 4; k++) update += (b[row * 4 + k] as number) * (a[k * width + column] as number);
        expect(whole[row * width + column]).toBeCloseTo((w[row * width + column] as number) + 2 * update, 5);
      }
    }
    expect(await merged.tensors.readFloat32(`${name}.weight`, { from: 5, to: 8 })).toEqual(
      whole.slice(5 * width, 8 * width),
    );
    expect(await merged.tensors.readFloat32('model.embed_tokens.weight')).not.toEqual(
      await plain.tensors.readFloat32('model.embed_tokens.weight'),
    );
    expect(await merged.tensors.readFloat32('lm_head.weight')).toEqual(
      await plain.tensors.readFloat32('lm_head.weight'),
    );
    expect(merged.fingerprint).not.toBe(plain.fingerprint);
    await configure({ lora_alpha: 9 });
    const stronger = await open();
    expect(stronger.fingerprint).not.toBe(merged.fingerprint);
    await Promise.all([plain.close(), merged.close(), stronger.close(), file.close()]);
  });

  it('is refused with the reason if its trained embeddings and norms are missing', async () => {
    await rename(join(adapter, 'trainable_params.safetensors'), join(adapter, 'trainable_params.bin'));
    await expect(open()).rejects.toMatchObject({
      code: 'unsupported',
      field: 'trainable_params.bin',
      message: expect.stringContaining('pickle') as string,
    });
    await rm(join(adapter, 'trainable_params.bin'));
    await expect(open()).rejects.toMatchObject({
      code: 'missing',
      message: expect.stringContaining('LongLoRA') as string,
    });
    await configure({ trainable_params: undefined, modules_to_save: ['embed_tokens'] });
    await expect(open()).rejects.toMatchObject({
      code: 'missing',
      field: 'model.embed_tokens.weight',
      message: expect.stringContaining('modules_to_save') as string,
    });
    await configure({ trainable_params: undefined });
    await (await open()).close();
  });

  it('multiplies in the other order for embeddings', async () => {
    const a = f32([2, 128], (i) => Math.sin(i));
    const b = f32([32, 2], (i) => Math.cos(i));
    await writeFile(
      join(adapter, 'adapter_model.safetensors'),
      safetensors({
        'base_model.model.model.embed_tokens.lora_embedding_A': a,
        'base_model.model.model.embed_tokens.lora_embedding_B': b,
      }),
    );
    await rm(join(adapter, 'trainable_params.safetensors'));
    await configure({
      trainable_params: undefined,
      lora_alpha: 6,
      alpha_pattern: { embed_tokens: 4 },
      use_rslora: true,
    });
    const [plain, merged] = [await openCheckpoint(base), await open()];
    const name = 'model.embed_tokens.weight';
    const [w, m] = [await plain.tensors.readFloat32(name), await merged.tensors.readFloat32(name)];
    for (const [row, column] of [
      [0, 0],
      [7, 31],
      [127, 3],
    ] as const) {
      const update = [0, 1].reduce((sum, k) => sum + Math.sin(k * 128 + row) * Math.cos(column * 2 + k), 0);
      expect(m[row * 32 + column]).toBeCloseTo((w[row * 32 + column] as number) + (4 / Math.SQRT2) * update, 5);
    }
    expect(await merged.tensors.readFloat32(name, { from: 9, to: 12 })).toEqual(m.slice(9 * 32, 12 * 32));
    await Promise.all([plain.close(), merged.close()]);
  });

  const k = 'base_model.model.model.layers.0.self_attn.k_proj';
  it.each([
    ['of another method', { peft_type: 'IA3' }, undefined, 'unsupported', 'peft_type'],
    ['with DoRA', { use_dora: true }, undefined, 'unsupported', 'use_dora'],
    ['with biases', { bias: 'all' }, undefined, 'unsupported', 'bias'],
    ['without a rank', { r: null }, undefined, 'missing', 'r'],
    ['with expressions for modules', { alpha_pattern: { '(.*)+x': 2 } }, undefined, 'unsupported', 'alpha_pattern'],
    [
      'for another shape',
      {},
      { [`${k}.lora_A.weight`]: f32([4, 31], () => 0), [`${k}.lora_B.weight`]: f32([32, 4], () => 0) },
      'mismatch',
      `${k}.lora_A.weight`,
    ],
    [
      'for another model',
      {},
      {
        'base_model.model.h.0.lora_A.weight': f32([4, 32], () => 0),
        'base_model.model.h.0.lora_B.weight': f32([32, 4], () => 0),
      },
      'mismatch',
      'base_model.model.h.0.lora_A.weight',
    ],
    ['without its B half', {}, { [`${k}.lora_A.weight`]: f32([4, 32], () => 0) }, 'missing', `${k}.lora_B.weight`],
    ['without its A half', {}, { [`${k}.lora_B.weight`]: f32([32, 4], () => 0) }, 'missing', `${k}.lora_A.weight`],
    ['without any tensor', {}, {}, 'malformed', ''],
  ])('%s is refused', async (_, change, tensors, code, field) => {
    await configure({ ...change, trainable_params: undefined });
    if (tensors) {
      await rm(join(adapter, 'trainable_params.safetensors'));
      await writeFile(
        join(adapter, 'adapter_model.safetensors'),
        safetensors(tensors as Parameters<typeof safetensors>[0]),
      );
    }
    await expect(open()).rejects.toMatchObject({ name: 'CheckpointError', code, field });
  });
});
