import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseWeights, openCheckpoint, parameterCount } from '../../src/engine';
import {
  CATALOGUE,
  defaultFormat,
  downloadBytes,
  downloadModel,
  importModel,
  listModel,
  listModels,
  memoryBytes,
  parametersOf,
  removeModel,
} from '../../src/hub';
import { parseListing } from '../../src/hub/listing';
import { fixtureGguf, gguf, u32 } from '../engine/formats/gguf/write-gguf';
import { FAMILIES, fixture } from '../fixtures';
import { breakAfter, gitBlob, TestHub } from './server';

const QUICK = { firstDelay: 1, longestDelay: 2, attempts: 3, idleTimeout: 400 };
let hub: TestHub;
let models: string;
beforeEach(async () => {
  hub = await new TestHub().start();
  models = await mkdtemp(join(tmpdir(), 'models-'));
  for (const name of await readdir(fixture('checkpoints/llama3')))
    hub.files.set(name, new Uint8Array(await readFile(fixture(`checkpoints/llama3/${name}`))));
});
afterEach(() => hub.stop());
const get = (options: Partial<Parameters<typeof downloadModel>[2]> = {}) =>
  downloadModel(models, 'owner/model', { fetch, endpoint: `${hub.endpoint}/`, retry: QUICK, ...options });

describe('a model from the hub', () => {
  it('is listed, downloaded, verified and opened, without unneeded files', async () => {
    hub.files.set('pytorch_model.bin', new Uint8Array(10));
    hub.files.set('onnx/model.onnx', new Uint8Array(10));
    hub.files.set('consolidated.safetensors', new Uint8Array(10));
    const progress: { bytes: number; total: number }[] = [];
    const model = await get({ token: 'secret', onProgress: (step) => progress.push(step) });
    expect(model).toMatchObject({
      name: 'owner--model',
      source: { from: 'owner/model', commit: hub.commit, licence: 'mit' },
    });
    expect((await readdir(model.directory)).sort()).toEqual([
      'config.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
      'source.json',
    ]);
    await (await openCheckpoint(model.directory)).close();
    expect(progress.at(-1)?.bytes).toBe(progress.at(-1)?.total);
    expect(progress.every(({ bytes }, i) => i === 0 || bytes >= (progress[i - 1]?.bytes ?? 0))).toBe(true);
    expect(new Set(hub.requests.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer secret']));
    expect(await listModels(models)).toEqual([model]);
    await expect(get()).rejects.toMatchObject({ code: 'exists' });
  });

  it('does not appear after an interruption, and resumes later without repeated downloads', async () => {
    hub.misbehave = (request, response, bytes) => {
      if (!request.url?.endsWith('00002.safetensors')) return false;
      if (request.headers.range) response.socket?.destroy();
      else breakAfter(request, response, bytes, 5000);
      return true;
    };
    await expect(get()).rejects.toMatchObject({ code: 'network' });
    expect(await listModels(models)).toEqual([]);
    hub.misbehave = () => false;
    hub.requests.length = 0;
    await get();
    expect(hub.ranges('model-00002-of-00002.safetensors')).toEqual([expect.stringMatching(/^bytes=[1-9]/)]);
    expect(hub.ranges('config.json')).toEqual([]);
    expect((await listModels(models)).length).toBe(1);
  });

  it('restarts if the revision has moved, and never mixes commits', async () => {
    hub.misbehave = (request, response, bytes) => {
      if (!request.url?.endsWith('00002.safetensors')) return false;
      if (request.headers.range) response.socket?.destroy();
      else breakAfter(request, response, bytes, 5000);
      return true;
    };
    await expect(get()).rejects.toMatchObject({ code: 'network' });
    hub.misbehave = () => false;
    hub.commit = 'b'.repeat(40);
    hub.requests.length = 0;
    expect((await get()).source?.commit).toBe(hub.commit);
    expect(hub.ranges('config.json').length).toBe(1);
  });

  it('is not installed if it does not open, and the error gives the reason', async () => {
    hub.files.set('config.json', new TextEncoder().encode('{"model_type":"gpt_neox"}'));
    await expect(get()).rejects.toMatchObject({ name: 'CheckpointError', code: 'unsupported', field: 'model_type' });
    expect(await listModels(models)).toEqual([]);
  });

  it('is refused while another process uses it, but not because of the lock of an ended process', async () => {
    const incoming = join(models, '.incoming', 'owner--model');
    await mkdir(incoming, { recursive: true });
    await writeFile(join(incoming, 'lock'), String(process.pid));
    await expect(get()).rejects.toMatchObject({ code: 'busy' });
    await writeFile(join(incoming, 'lock'), '999999999');
    expect((await get()).name).toBe('owner--model');
  });

  it.each([
    ['no files', () => ({ sha: 'a'.repeat(40) }), 'malformed'],
    ['no commit', () => ({ ...hub.published(), sha: '../x' }), 'malformed'],
    [
      'no weights',
      () => ({
        sha: 'a'.repeat(40),
        siblings: [{ rfilename: 'config.json', size: 2, blobId: gitBlob(new Uint8Array(2)) }],
      }),
      'unsupported',
    ],
    ['no digests', () => ({ sha: 'a'.repeat(40), siblings: [{ rfilename: 'config.json', size: 2 }] }), 'malformed'],
    [
      'absurd sizes',
      () => ({
        sha: 'a'.repeat(40),
        siblings: [{ rfilename: 'config.json', size: -2, blobId: gitBlob(new Uint8Array(2)) }],
      }),
      'malformed',
    ],
    [
      'a size beyond any disk',
      () => ({
        sha: 'a'.repeat(40),
        siblings: [
          { rfilename: 'config.json', size: 2, blobId: 'a'.repeat(40) },
          { rfilename: 'model.safetensors', size: 2 ** 52, blobId: 'a'.repeat(40) },
        ],
      }),
      'diskFull',
    ],
    ['a list', () => [], 'malformed'],
  ])('is refused if its listing has %s', async (_, listing, code) => {
    hub.listing = listing;
    await expect(get()).rejects.toMatchObject({ name: 'HubError', code });
  });

  it('never uses a name as a path', async () => {
    for (const name of ['../x', 'a/b/c', 'owner', 'owner/..', 'o/m?x', ''])
      await expect(downloadModel(models, name, { fetch })).rejects.toMatchObject({ code: 'malformed' });
    await expect(listModel('o/m', '../../x', { fetch })).rejects.toMatchObject({ code: 'malformed' });
    for (const endpoint of ['nonsense', 'file:///etc'])
      await expect(listModel('o/m', 'main', { fetch, endpoint })).rejects.toMatchObject({ code: 'malformed' });
    const sneaky = {
      sha: 'a'.repeat(40),
      siblings: [
        '../config.json',
        'a/config.json',
        '.safetensors',
        '..\\x.safetensors',
        'config.json',
        'm.safetensors',
      ].map((rfilename) => ({ rfilename, size: 1, blobId: 'a'.repeat(40) })),
    };
    expect(parseListing(JSON.stringify(sneaky), 'o/m', 'url').files.map(({ name }) => name)).toEqual([
      'config.json',
      'm.safetensors',
    ]);
  });
});

describe('installed models', () => {
  it('can be imported from a folder, listed and removed', async () => {
    const model = await importModel(models, fixture('checkpoints/smollm2'));
    expect(model).toMatchObject({ name: 'smollm2', source: { from: fixture('checkpoints/smollm2') } });
    expect(await readdir(model.directory)).toContain('tokenizer.json');
    await (await openCheckpoint(model.directory)).close();
    await expect(importModel(models, fixture('checkpoints/smollm2'))).rejects.toMatchObject({ code: 'exists' });
    await importModel(models, fixture('checkpoints/smollm2'), 'second');
    expect((await listModels(models)).map(({ name }) => name)).toEqual(['second', 'smollm2']);
    expect(await removeModel(models, 'second')).toBe((await listModels(models))[0]?.bytes);
    expect((await listModels(models)).map(({ name }) => name)).toEqual(['smollm2']);
    await expect(removeModel(models, 'second')).rejects.toMatchObject({ code: 'notFound' });
    await expect(removeModel(models, '../models')).rejects.toMatchObject({ code: 'malformed' });
    await expect(importModel(models, join(models, 'nothing'))).rejects.toMatchObject({
      name: 'CheckpointError',
      code: 'missing',
    });
    await expect(importModel(models, fixture('checkpoints/llama2'), '../x')).rejects.toMatchObject({
      code: 'malformed',
    });
    await rm(join(models, 'smollm2', 'source.json'));
    expect((await listModels(models))[0]?.source).toBeUndefined();
    expect(await listModels(join(models, 'nowhere'))).toEqual([]);
  });
});

describe('a .gguf file', () => {
  it('is imported by itself or from a folder, with all shards', async () => {
    const { metadata, tensors, checkpoint } = await fixtureGguf('llama3', 'llama');
    await checkpoint.close();
    const elsewhere = await mkdtemp(join(tmpdir(), 'elsewhere-'));
    await writeFile(join(elsewhere, 'small.gguf'), gguf(metadata, tensors));
    const alone = await importModel(models, join(elsewhere, 'small.gguf'));
    expect(alone.name).toBe('small');
    expect(await readdir(alone.directory)).toEqual(expect.arrayContaining(['small.gguf', 'source.json']));
    await (await openCheckpoint(alone.directory)).close();
    const folder = await importModel(models, elsewhere, 'from-folder');
    await (await openCheckpoint(folder.directory)).close();
    expect((await listModels(models)).map(({ name }) => name)).toEqual(['from-folder', 'small']);

    const split = (no: number) => ({ 'split.no': u32(no), 'split.count': u32(2) });
    const half = tensors.length >> 1;
    await writeFile(
      join(elsewhere, 'big-00001-of-00002.gguf'),
      gguf({ ...metadata, ...split(0) }, tensors.slice(0, half)),
    );
    await writeFile(join(elsewhere, 'big-00002-of-00002.gguf'), gguf(split(1), tensors.slice(half)));
    const sharded = await importModel(models, join(elsewhere, 'big-00001-of-00002.gguf'));
    expect(sharded.name).toBe('big');
    await (await openCheckpoint(sharded.directory)).close();
    await expect(importModel(models, join(elsewhere, 'none.gguf'))).rejects.toMatchObject({ code: 'missing' });
  });
});

describe('the catalogue', () => {
  it('has sizes and memory computed from the shapes', () => {
    const millions = CATALOGUE.map(({ shape }) => Math.round(parametersOf(shape) / 1e6));
    expect(millions).toEqual([134, 362, 494, 596, 1544, 1720]);
    for (const { shape, repository, licence } of CATALOGUE) {
      expect(repository).toMatch(/^[\w.-]+\/[\w.-]+$/);
      expect(licence).toBe('Apache-2.0');
      expect(downloadBytes(shape)).toBeGreaterThan(2 * parametersOf(shape));
      expect(memoryBytes(shape, 8192)).toBeGreaterThan(memoryBytes(shape, 1024));
      expect(memoryBytes(shape, 1024, '4bit')).toBeLessThan(memoryBytes(shape, 1024, '8bit'));
    }
  });

  it('counts parameters and chooses formats like the engine', async () => {
    for (const family of FAMILIES) {
      const { config, close } = await openCheckpoint(fixture(`checkpoints/${family}`));
      expect(parametersOf(config)).toBe(parameterCount(config));
      await close();
      for (const { shape } of CATALOGUE) expect(defaultFormat(shape)).toBe(chooseWeights({ ...config, ...shape }));
    }
  });
});
