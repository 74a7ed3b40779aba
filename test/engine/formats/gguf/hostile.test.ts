import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../src/engine';
import { fixtureGguf, gguf, u32, type GgufTensorData, type Value } from './write-gguf';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'gguf-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Parts {
  metadata: Record<string, Value>;
  tensors: GgufTensorData[];
}

async function parts(): Promise<Parts> {
  const { metadata, tensors, checkpoint } = await fixtureGguf('qwen2', 'qwen2');
  await checkpoint.close();
  return { metadata, tensors };
}

function write(bytes: Uint8Array): string {
  const path = join(directory, 'model.gguf');
  writeFileSync(path, bytes);
  return path;
}

const strings = (values: string[]): Value => ({ type: 'array', of: 'string', values });
const tokenizer = {
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.pre': 'qwen2',
  'tokenizer.ggml.tokens': strings(['a', 'b', 'ab']),
  'tokenizer.ggml.merges': strings(['a b']),
};
const find = (tensors: GgufTensorData[], name: string) =>
  tensors.find((tensor) => tensor.name === name) as GgufTensorData;

describe('a GGUF file is refused with the field named when it', () => {
  it.each<[string, (parts: Parts) => void, string, string]>([
    [
      'has no architecture',
      ({ metadata }) => delete metadata['general.architecture'],
      'missing',
      'general.architecture',
    ],
    [
      'has an unsupported architecture',
      ({ metadata }) => (metadata['general.architecture'] = 'mamba'),
      'unsupported',
      'general.architecture',
    ],
    ['lacks a size', ({ metadata }) => delete metadata['qwen2.embedding_length'], 'missing', 'qwen2.embedding_length'],
    [
      'has a size of type string',
      ({ metadata }) => (metadata['qwen2.block_count'] = 'two'),
      'malformed',
      'qwen2.block_count',
    ],
    [
      'is a mixture of experts',
      ({ metadata }) => (metadata['qwen2.expert_count'] = u32(8)),
      'unsupported',
      'qwen2.expert_count',
    ],
    [
      'has an alignment that is not a power of two',
      ({ metadata }) => (metadata['general.alignment'] = u32(24)),
      'outOfRange',
      'general.alignment',
    ],
    [
      'has a tensor twice',
      ({ tensors }) => tensors.push(find(tensors, 'output_norm.weight')),
      'malformed',
      'output_norm.weight',
    ],
    [
      'lacks a tensor',
      ({ tensors }) => tensors.splice(tensors.indexOf(find(tensors, 'blk.1.ffn_up.weight')), 1),
      'missing',
      'model.layers.1.mlp.up_proj.weight',
    ],
    [
      'has a tensor of an unsupported type',
      ({ tensors }) => Object.assign(find(tensors, 'blk.0.ffn_up.weight'), { type: 23 }),
      'unsupported',
      'blk.0.ffn_up.weight',
    ],
    [
      'has a tensor of a type that does not exist',
      ({ tensors }) => Object.assign(find(tensors, 'blk.0.ffn_up.weight'), { type: 4711 }),
      'malformed',
      'blk.0.ffn_up.weight',
    ],
    [
      'has a tensor larger than the file',
      ({ tensors }) => Object.assign(find(tensors, 'blk.0.ffn_up.weight'), { shape: [2 ** 30, 64] }),
      'outOfRange',
      'blk.0.ffn_up.weight',
    ],
    [
      'has a tensor larger than any memory',
      ({ tensors }) => Object.assign(find(tensors, 'blk.0.ffn_up.weight'), { shape: [2 ** 50, 2 ** 50] }),
      'outOfRange',
      'blk.0.ffn_up.weight',
    ],
    [
      'has a bias that its family does not have',
      ({ tensors }) => tensors.push({ ...find(tensors, 'output_norm.weight'), name: 'blk.0.attn_output.bias' }),
      'mismatch',
      'model.layers.0.self_attn.o_proj.bias',
    ],
  ])('%s', async (_, change, code, field) => {
    const model = await parts();
    change(model);
    await expect(openCheckpoint(write(gguf(model.metadata, model.tensors)))).rejects.toMatchObject({ code, field });
  });

  it.each<[string, (view: DataView, bytes: Uint8Array) => Uint8Array | undefined, string, RegExp]>([
    ['is of version 1', (view) => void view.setUint32(4, 1, true), 'unsupported', /version/],
    ['claims a million tensors', (view) => void view.setBigUint64(8, 1_000_000n, true), 'outOfRange', /tensor_count/],
    ['claims 2^63 fields', (view) => void view.setBigUint64(16, 2n ** 63n, true), 'outOfRange', /metadata_kv_count/],
    ['claims one field more', (view) => void view.setBigUint64(16, view.getBigUint64(16, true) + 1n, true), '', /./],
    ['has a name of 4 GB', (view) => void view.setBigUint64(24, 2n ** 32n, true), 'outOfRange', /metadata 0/],
    // The first field is general.architecture: 8 + 20 bytes of key, then its type.
    ['has a field of type 99', (view) => void view.setUint32(52, 99, true), 'malformed', /general\.architecture/],
    [
      'has a string of 4 GB',
      (view) => void view.setBigUint64(56, 2n ** 32n, true),
      'outOfRange',
      /general\.architecture/,
    ],
    ['is cut in its header', (_, bytes) => bytes.slice(0, 300), 'outOfRange', /cut short/],
    ['is cut in its tensors', (_, bytes) => bytes.slice(0, bytes.length - 100), 'outOfRange', /cut short/],
  ])('%s', async (_, change, code, message) => {
    const model = await parts();
    const bytes = gguf(model.metadata, model.tensors);
    const changed = change(new DataView(bytes.buffer), bytes) ?? bytes;
    const error = await openCheckpoint(write(changed)).then(
      () => undefined,
      (reason: unknown) => reason as { name: string; code: string; message: string },
    );
    expect(error).toMatchObject({ name: 'CheckpointError', message: expect.stringMatching(message) as string });
    if (code !== '') expect(error?.code).toBe(code);
  });

  it('has a list of lists', async () => {
    const model = await parts();
    const key = 'a.list';
    const bytes = gguf({ [key]: { type: 'array', of: 'u32', values: [1, 2] }, ...model.metadata }, model.tensors);
    // Layout: key (8 + 6 bytes), type of the value, type of the list's entries.
    new DataView(bytes.buffer).setUint32(24 + 8 + key.length + 4, 9, true);
    await expect(openCheckpoint(write(bytes))).rejects.toMatchObject({ code: 'unsupported', field: key });
  });

  it.each([
    ['no merges', 'tokenizer.ggml.merges', undefined, 'missing'],
    [
      'merges that are numbers',
      'tokenizer.ggml.merges',
      { type: 'array', of: 'u32', values: [1] } as Value,
      'malformed',
    ],
    ['no tokens', 'tokenizer.ggml.tokens', undefined, 'missing'],
    [
      'another number of kinds',
      'tokenizer.ggml.token_type',
      { type: 'array', of: 'i32', values: [1] } as Value,
      'mismatch',
    ],
    ['an unsupported pre-tokenizer', 'tokenizer.ggml.pre', 'klingon', 'unsupported'],
    ['a tokenizer of another kind', 'tokenizer.ggml.model', 'bert', 'unsupported'],
    ['no scores for SentencePiece', 'tokenizer.ggml.model', 'llama', 'missing'],
  ])('has a tokenizer with %s', async (_, key, value, code) => {
    const model = await parts();
    const metadata: Record<string, Value> = { ...model.metadata, ...tokenizer };
    if (value === undefined) delete metadata[key];
    else metadata[key] = value;
    const checkpoint = await openCheckpoint(write(gguf(metadata, model.tensors)));
    await expect(checkpoint.openTokenizer()).rejects.toMatchObject({ name: 'CheckpointError', code });
    await checkpoint.close();
  });

  it('has a scale that is NaN', async () => {
    const { metadata, tensors } = await parts();
    const tensor = find(tensors, 'blk.0.ffn_up.weight');
    const [rows = 0, columns = 0] = tensor.shape;
    const bytes = new Uint8Array((rows * columns * 34) / 32);
    new DataView(bytes.buffer).setUint16(34, 0x7e00, true);
    Object.assign(tensor, { type: 8, bytes });
    const checkpoint = await openCheckpoint(write(gguf(metadata, tensors)));
    const name = 'model.layers.0.mlp.up_proj.weight';
    const expected = { code: 'notFinite', field: 'blk.0.ffn_up.weight' };
    await expect(checkpoint.tensors.readFloat32(name)).rejects.toMatchObject(expected);
    await expect(checkpoint.tensors.readBlocks?.(name, 8)).rejects.toMatchObject(expected);
    await checkpoint.close();
  });
});
