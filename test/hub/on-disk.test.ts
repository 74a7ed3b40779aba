import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findModels, readSpeed, recordSpeed, type FoundModel, type Machine } from '../../src/hub';
import { f32, gguf, u32, type Value } from '../engine/formats/gguf/write-gguf';
import { fixture, readJsonFixture } from '../fixtures';

const SPEED = { bytesPerSecond: 1e9, isMeasured: true };
let home: string;
let machine: Machine;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'home-'));
  machine = { home, platform: 'linux', env: {} };
});
afterEach(() => rm(home, { recursive: true }));

const find = (folders: readonly string[] = [], env: Machine['env'] = {}) =>
  findModels(folders, SPEED, { ...machine, env });

/** A file whose header describes a model; it has no weights. */
function described(architecture: string, more: Record<string, Value> = {}): Uint8Array {
  const own = (key: string, value: number) => [`${architecture}.${key}`, u32(value)] as const;
  return gguf(
    {
      'general.architecture': architecture,
      ...Object.fromEntries([
        own('embedding_length', 896),
        own('block_count', 24),
        own('feed_forward_length', 4864),
        own('attention.head_count', 14),
        own('attention.head_count_kv', 2),
      ]),
      ...more,
      'tokenizer.ggml.tokens': { type: 'array', of: 'string', values: Array.from({ length: 9000 }, (_, i) => `t${i}`) },
      'general.file_type': f32(1),
    },
    [],
  );
}

async function put(path: string, bytes: Uint8Array | string): Promise<string> {
  await mkdir(dirname(join(home, path)), { recursive: true });
  await writeFile(join(home, path), bytes);
  return join(home, path);
}

const named = (models: readonly FoundModel[], name: string) => models.find((model) => model.name === name);
const hex = (digit: string) => digit.repeat(64);

describe('models on this machine', () => {
  it('are found in Ollama’s store by manifests, with name, size and licence', async () => {
    const blob = await put(`.ollama/models/blobs/sha256-${hex('a')}`, described('qwen2'));
    await put(`.ollama/models/blobs/sha256-${hex('b')}`, '\n          Apache License\n    Version 2.0, January 2004\n');
    const layer = (kind: string, digit: string) => ({
      mediaType: `application/vnd.ollama.image.${kind}`,
      digest: `sha256:${hex(digit)}`,
    });
    const manifests = '.ollama/models/manifests/registry.ollama.ai';
    const layers = { layers: [layer('model', 'a'), layer('license', 'b')] };
    await put(`${manifests}/library/qwen2.5-coder/0.5b`, JSON.stringify(layers));
    await put(`${manifests}/someone/else/latest`, JSON.stringify(layers));
    await put(`${manifests}/library/gone/1b`, JSON.stringify({ layers: [layer('model', 'c')] }));
    await put(`${manifests}/library/escape/1b`, JSON.stringify({ layers: [{ mediaType: 'x', digest: '../../etc' }] }));
    for (const [name, text] of Object.entries({
      text: 'no json',
      list: '[]',
      none: 'null',
      odd: '{"layers":[1,null]}',
    }))
      await put(`${manifests}/library/${name}/1b`, text);
    const found = await find();
    // Two names of one blob are one model.
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      store: 'Ollama',
      path: blob,
      name: 'qwen2.5-coder:0.5b',
      licence: 'Apache-2.0',
      architecture: 'qwen2',
      isSupported: true,
    });
    // 366 M weights of 8 bits with their scales, read at 1 GB/s: 2.4 tokens, or 1.7 words.
    expect(found[0]?.wordsPerSecond).toBeCloseTo(1.74, 1);
    expect((await find([], { OLLAMA_MODELS: join(home, '.ollama/models') })).length).toBe(1);
    expect((await find([], { OLLAMA_MODELS: join(home, 'nowhere') })).length).toBe(0);
  });

  it('are found in the folders of LM Studio, llama.cpp and Hugging Face', async () => {
    await put(
      '.lmstudio/models/bartowski/Tiny-GGUF/Tiny-Q4_K_M.gguf',
      described('llama', { 'general.license': 'mit' }),
    );
    await put('.lmstudio/models/bartowski/Tiny-GGUF/mmproj-Tiny-F16.gguf', described('clip'));
    await put('.cache/llama.cpp/ggml-org_small-Q8_0.gguf', described('qwen3'));
    await put('.cache/llama.cpp/nomic-embed.gguf', described('nomic-bert'));
    const hub = '.cache/huggingface/hub';
    const snapshot = `${hub}/models--HuggingFaceTB--SmolLM2/snapshots/0123`;
    await mkdir(join(home, snapshot), { recursive: true });
    await cp(fixture('checkpoints/smollm2'), join(home, snapshot), { recursive: true });
    await put(`${hub}/models--HuggingFaceTB--SmolLM2/refs/main`, '0123');
    await put(`${hub}/models--HuggingFaceTB--SmolLM2/snapshots/4567/config.json`, '{}');
    const linked = await put(`${hub}/models--q--q-GGUF/blobs/abc`, described('llama'));
    await mkdir(join(home, `${hub}/models--q--q-GGUF/snapshots/1`), { recursive: true });
    await symlink(linked, join(home, `${hub}/models--q--q-GGUF/snapshots/1/q.gguf`));
    const gemma = readJsonFixture<object>('checkpoints/gemma3/config.json');
    const withImages = { model_type: 'gemma3', text_config: gemma, vision_config: {} };
    await put(`${hub}/models--g--gemma3/snapshots/1/config.json`, JSON.stringify(withImages));
    await put(`${hub}/models--g--gemma3/snapshots/1/model.safetensors`, 'x');
    await put(`${hub}/models--s--bert/snapshots/1/config.json`, '{"model_type":"bert","architectures":["BertModel"]}');
    await put(`${hub}/models--s--bert/snapshots/1/model.safetensors`, 'x');
    const found = await find();
    expect(found.map(({ store, name, isSupported }) => [store, name, isSupported]).sort()).toEqual([
      ['Hugging Face', 'HuggingFaceTB/SmolLM2', true],
      ['Hugging Face', 'g/gemma3', true],
      ['Hugging Face', 'q/q-GGUF/q.gguf', true],
      ['LM Studio', 'Tiny-Q4_K_M', true],
      ['llama.cpp', 'ggml-org_small-Q8_0', true],
    ]);
    expect(named(found, 'Tiny-Q4_K_M')?.licence).toBe('mit');
    expect(named(found, 'g/gemma3')?.purpose).toMatch(/ Reads no images\.$/);
    expect(named(found, 'HuggingFaceTB/SmolLM2')?.purpose).not.toMatch(/images/);
    expect(named(found, 'HuggingFaceTB/SmolLM2')?.path).toBe(join(home, snapshot));
  });

  it('are found in the user’s folders; shards count as one, others say that they do not run', async () => {
    const first = described('llama', { 'split.count': u32(2), 'split.no': u32(0) });
    await put('ai/large/big-00001-of-00002.gguf', first);
    await put('ai/large/big-00002-of-00002.gguf', described('llama'));
    await put('ai/other.gguf', described('mamba'));
    await put('ai/experts.gguf', described('qwen2', { 'qwen2.expert_count': u32(8) }));
    await put('ai/broken.gguf', first.subarray(0, 20));
    await put('ai/text.gguf', 'not a model');
    await put('ai/.hidden/secret.gguf', described('llama'));
    await symlink(join(home, 'ai'), join(home, 'ai', 'circle'));
    const found = await find(['~/ai', join(home, 'ai', 'large'), join(home, 'missing')]);
    expect(found.map(({ name, isSupported }) => [name, isSupported]).sort()).toEqual([
      ['big', true],
      ['experts', false],
      ['other', false],
    ]);
    expect(found[0]?.bytes).toBeGreaterThan(first.length * 1.5);
    expect((await readdir(join(home, 'ai'))).length).toBe(7);
  });
});

describe('the speed of this machine', () => {
  it('is measured when a model writes; a damaged record means the usual one', async () => {
    const usual = await readSpeed(home);
    expect(usual.isMeasured).toBe(false);
    await recordSpeed(home, 5e9);
    expect(await readSpeed(home)).toEqual({ bytesPerSecond: 5e9, isMeasured: true });
    await recordSpeed(home, 10e9);
    const { bytesPerSecond } = await readSpeed(home);
    expect(bytesPerSecond).toBeGreaterThan(5e9);
    expect(bytesPerSecond).toBeLessThan(10e9);
    await recordSpeed(home, NaN);
    await writeFile(join(home, 'speed.json'), '{"bytesPerSecond":-1}');
    expect(await readSpeed(home)).toEqual(usual);
  });
});
