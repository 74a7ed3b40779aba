import { appendFile, copyFile, cp, mkdtemp, mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../src/engine/checkpoint';
import { openWeights, SafetensorsFile } from '../../../src/engine/formats/safetensors';
import { FAMILIES, fixture, readJsonFixture } from '../../fixtures';
import { f32, safetensors, writeSafetensors, type TestTensor } from '../checkpoint/write';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weights-'));
});
const at = (name: string) => join(directory, name);
const two = { a: f32([2, 3], (i) => i), b: f32([4], (i) => -i) };

describe('a safetensors file', () => {
  it('is readable in ranges, for special 16-bit patterns too', async () => {
    const patterns = readJsonFixture<Record<'F16' | 'BF16', [number, string][]>>('checkpoints/halves.json');
    for (const dtype of ['F16', 'BF16'] as const) {
      const finite = patterns[dtype].filter(([, text]) => Number.isFinite(Number(text)));
      expect(finite.length).toBeGreaterThan(8);
      const bytes = new Uint8Array(Uint16Array.from(finite, ([bits]) => bits).buffer);
      await writeFile(
        at('x.safetensors'),
        safetensors({
          pad: { dtype: 'U8', shape: [3], bytes: new Uint8Array(3) },
          t: { dtype, shape: [finite.length], bytes },
        }),
      );
      const file = await SafetensorsFile.open(at('x.safetensors'));
      expect([...(await file.readFloat32('t'))]).toEqual(finite.map(([, text]) => Number(text)));
      expect([...(await file.readFloat32('t', { from: 3, to: 5 }))]).toEqual(
        finite.slice(3, 5).map(([, text]) => Number(text)),
      );
      await file.close();
    }
  });

  it('has readable rows, empty ranges and scalars, and refuses rows out of range', async () => {
    await writeSafetensors(at('x.safetensors'), { ...two, scalar: f32([], () => 7), none: f32([0, 5], () => 0) });
    const file = await SafetensorsFile.open(at('x.safetensors'));
    expect([...(await file.readFloat32('a', { from: 1, to: 2 }))]).toEqual([3, 4, 5]);
    expect((await file.readFloat32('a', { from: 1, to: 1 })).length).toBe(0);
    expect([...(await file.readFloat32('scalar'))]).toEqual([7]);
    expect((await file.readFloat32('none')).length).toBe(0);
    await expect(file.readFloat32('a', { from: 1, to: 3 })).rejects.toMatchObject({ code: 'outOfRange', field: 'a' });
    await expect(file.readFloat32('c')).rejects.toMatchObject({ code: 'missing', field: 'c' });
    await file.close();
  });

  const lies: [string, (header: Parameters<NonNullable<Parameters<typeof safetensors>[1]>>[0]) => void, string][] = [
    ['overlap', (h) => (h['b'] = { dtype: 'F32', shape: [4], data_offsets: [16, 32] }), 'malformed'],
    ['a gap', (h) => delete h['a'], 'malformed'],
    ['a rest', (h) => delete h['b'], 'malformed'],
    [
      'offsets beyond the file',
      (h) => (h['b'] = { dtype: 'F32', shape: [400], data_offsets: [24, 1624] }),
      'outOfRange',
    ],
    [
      'a shape that needs other bytes',
      (h) => (h['b'] = { dtype: 'F32', shape: [5], data_offsets: [24, 40] }),
      'mismatch',
    ],
    ['an absurd shape', (h) => (h['b'] = { dtype: 'F32', shape: [1e15, 1e15], data_offsets: [24, 40] }), 'outOfRange'],
    ['a negative shape', (h) => (h['b'] = { dtype: 'F32', shape: [-4], data_offsets: [24, 40] }), 'malformed'],
    ['reversed offsets', (h) => (h['b'] = { dtype: 'F32', shape: [4], data_offsets: [40, 24] }), 'malformed'],
    ['an unknown dtype', (h) => (h['b'] = { dtype: 'F8_E4M3', shape: [16], data_offsets: [24, 40] }), 'unsupported'],
    ['no dtype', (h) => (h['b'] = { dtype: undefined, shape: [4], data_offsets: [24, 40] }), 'malformed'],
    [
      'a prototype name',
      (h) =>
        Object.defineProperty(h, '__proto__', {
          value: { dtype: 'F32', shape: [4], data_offsets: [24, 40] },
          enumerable: true,
        }),
      'malformed',
    ],
  ];
  it.each(lies)('is refused if its header has %s', async (_, change, code) => {
    await writeFile(at('x.safetensors'), safetensors(two, change));
    await expect(SafetensorsFile.open(at('x.safetensors'))).rejects.toMatchObject({
      name: 'CheckpointError',
      code,
      file: at('x.safetensors'),
    });
  });

  it('is refused with an impossible header length, a cut header, or invalid JSON', async () => {
    const path = at('x.safetensors');
    const good = safetensors(two);
    const cases: [Uint8Array, string][] = [
      [new Uint8Array(0), 'malformed'],
      [new Uint8Array(7), 'malformed'],
      [Uint8Array.from([255, 255, 255, 255, 255, 255, 255, 255, 1]), 'outOfRange'],
      [good.slice(0, 30), 'outOfRange'],
      [good.slice(0, good.length - 1), 'outOfRange'],
      [Uint8Array.from([...good, 0]), 'malformed'],
      [Uint8Array.from([4, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0x7d, 0x20]), 'malformed'],
      [Uint8Array.from([2, 0, 0, 0, 0, 0, 0, 0, 0x5b, 0x5d]), 'malformed'],
    ];
    for (const [bytes, code] of cases) {
      await writeFile(path, bytes);
      await expect(SafetensorsFile.open(path)).rejects.toMatchObject({ code, file: path });
    }
    await expect(SafetensorsFile.open(at('nothing.safetensors'))).rejects.toMatchObject({ code: 'missing' });
    await mkdir(at('folder.safetensors'));
    await expect(SafetensorsFile.open(at('folder.safetensors'))).rejects.toMatchObject({ name: 'CheckpointError' });
  });

  it.each([
    [
      'a tensor',
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      'a',
    ],
    ['a field', '{"a":{"dtype":"F32","shape":[2],"shape":[1],"data_offsets":[0,4]}}', 'shape'],
  ])('is refused if %s stands twice in the header', async (_, header, field) => {
    const bytes = Buffer.from(header);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    await writeFile(at('x.safetensors'), Buffer.concat([length, bytes, Buffer.alloc(4)]));
    await expect(SafetensorsFile.open(at('x.safetensors'))).rejects.toMatchObject({ code: 'malformed', field });
  });

  it('throws at NaN or infinite weights when they are read, and names the element', async () => {
    const half: TestTensor = { dtype: 'F16', shape: [2], bytes: Uint8Array.from([0, 0x3c, 0, 0x7c]) };
    await writeSafetensors(at('x.safetensors'), { nan: f32([5], (i) => (i === 3 ? NaN : 1)), half });
    const file = await SafetensorsFile.open(at('x.safetensors'));
    await expect(file.readFloat32('nan')).rejects.toMatchObject({
      code: 'notFinite',
      field: 'nan',
      message: expect.stringContaining('element 3') as string,
    });
    expect((await file.readFloat32('nan', { from: 0, to: 3 })).length).toBe(3);
    await expect(file.readFloat32('half')).rejects.toMatchObject({ code: 'notFinite' });
    await file.close();
  });

  it.each([
    [
      'replaced',
      async (path: string) => {
        await writeSafetensors(`${path}.new`, two);
        await rename(`${path}.new`, path);
      },
    ],
    ['cut', (path: string) => truncate(path, 60)],
    ['appended to', (path: string) => appendFile(path, 'x')],
    ['deleted', (path: string) => rm(path)],
  ])('throws if it is %s while open', async (_, change) => {
    await writeSafetensors(at('x.safetensors'), two);
    const file = await SafetensorsFile.open(at('x.safetensors'));
    await change(at('x.safetensors'));
    await expect(file.readFloat32('b')).rejects.toMatchObject({ code: 'changed' });
    await file.close();
  });
});

describe('the weights of a folder', () => {
  const index = (map: Record<string, unknown>) =>
    writeFile(at('model.safetensors.index.json'), JSON.stringify({ weight_map: map }));

  it('may be sharded', async () => {
    await writeSafetensors(at('s1.safetensors'), { a: two.a });
    await writeSafetensors(at('s2.safetensors'), { b: two.b });
    await index({ a: 's1.safetensors', b: 's2.safetensors' });
    const source = await openWeights(directory);
    expect(source.names()).toEqual(['a', 'b']);
    expect([...(await source.readFloat32('b'))]).toEqual([-0, -1, -2, -3]);
    await source.close();
  });

  it.each([
    [{ a: '../s1.safetensors' }, 'pathEscape'],
    [{ a: '/etc/passwd' }, 'pathEscape'],
    [{ a: '..' }, 'pathEscape'],
    [{ a: 'C:\\x' }, 'pathEscape'],
    [{ a: 'x\0y' }, 'pathEscape'],
    [{ a: 'absent.safetensors' }, 'missing'],
    [{ a: 7 }, 'malformed'],
    [{ z: 's1.safetensors' }, 'mismatch'],
    [{}, 'outOfRange'],
  ])('are refused with an index %j: %s', async (map, code) => {
    await writeSafetensors(at('s1.safetensors'), { a: two.a });
    await index(map);
    await expect(openWeights(directory)).rejects.toMatchObject({ name: 'CheckpointError', code });
  });

  it('may be links in the Hugging Face cache, but not links to other places', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'outside-'));
    await writeSafetensors(join(outside, 'secret'), two);
    await symlink(join(outside, 'secret'), at('model.safetensors'));
    await expect(openWeights(directory)).rejects.toMatchObject({ code: 'pathEscape' });
    const snapshot = join(outside, 'snapshots', 'rev');
    await mkdir(snapshot, { recursive: true });
    await mkdir(join(outside, 'blobs'));
    await copyFile(join(outside, 'secret'), join(outside, 'blobs', 'abc'));
    await symlink('../../blobs/abc', join(snapshot, 'model.safetensors'));
    const source = await openWeights(snapshot);
    expect(source.has('a')).toBe(true);
    await source.close();
  });

  it('are refused with the reason if there are none, or several without an index', async () => {
    await expect(openWeights(directory)).rejects.toMatchObject({
      code: 'missing',
      message: expect.stringContaining('pickle') as string,
    });
    await writeSafetensors(at('x.safetensors'), two);
    await (await openWeights(directory)).close();
    await writeSafetensors(at('y.safetensors'), two);
    await expect(openWeights(directory)).rejects.toMatchObject({
      code: 'missing',
      message: expect.stringContaining('2 weight files') as string,
    });
  });
});

describe('a checkpoint folder', () => {
  it.each(FAMILIES)('of the family %s opens with tensor names of the Llama layout', async (family) => {
    const checkpoint = await openCheckpoint(fixture(`checkpoints/${family}`));
    const { config, tensors } = checkpoint;
    const q = config.queryHeads * config.headDim;
    expect(tensors.info('model.layers.1.self_attn.q_proj.weight').shape).toEqual([q, config.hiddenSize]);
    expect((await tensors.readFloat32('model.layers.1.self_attn.v_proj.weight')).length).toBe(
      config.kvHeads * config.headDim * config.hiddenSize,
    );
    expect((await tensors.readFloat32('model.layers.0.mlp.up_proj.weight', { from: 1, to: 3 })).length).toBe(
      2 * config.hiddenSize,
    );
    await checkpoint.close();
  });

  it('splits fused projections at the correct rows', async () => {
    const checkpoint = await openCheckpoint(fixture('checkpoints/phi3'));
    const { tensors, config } = checkpoint;
    const name = 'model.layers.0.self_attn.qkv_proj.weight';
    const whole = await tensors.readFloat32(name);
    const parts = await Promise.all(
      ['q', 'k', 'v'].map((p) => tensors.readFloat32(`model.layers.0.self_attn.${p}_proj.weight`)),
    );
    expect(Float32Array.from(parts.flatMap((part) => [...part]))).toEqual(whole);
    expect(tensors.names()).not.toContain(name);
    await expect(
      tensors.readFloat32('model.layers.0.self_attn.k_proj.weight', {
        from: 0,
        to: config.kvHeads * config.headDim + 1,
      }),
    ).rejects.toMatchObject({ code: 'outOfRange' });
    await checkpoint.close();
  });

  it('has a fingerprint that depends on its contents', async () => {
    const fingerprint = async (path: string) => {
      const checkpoint = await openCheckpoint(path);
      await checkpoint.close();
      return checkpoint.fingerprint;
    };
    await cp(fixture('checkpoints/llama2'), directory, { recursive: true });
    const before = await fingerprint(directory);
    expect(before).toBe(await fingerprint(fixture('checkpoints/llama2')));
    expect(before).not.toBe(await fingerprint(fixture('checkpoints/mistral')));
    await writeFile(
      at('config.json'),
      JSON.stringify({ ...readJsonFixture<object>('checkpoints/llama2/config.json'), rope_theta: 500 }),
    );
    expect(await fingerprint(directory)).not.toBe(before);
  });

  it.each([
    ['fewer layers than weights', { num_hidden_layers: 1 }, 'mismatch', 'model.layers.1.'],
    ['more layers than weights', { num_hidden_layers: 3 }, 'missing', 'model.layers.2.input_layernorm.weight'],
    ['another vocabulary', { vocab_size: 129 }, 'mismatch', 'model.embed_tokens.weight'],
    ['biases that are absent', { attention_bias: true }, 'missing', 'model.layers.0.self_attn.q_proj.bias'],
  ])('is refused if its config has %s', async (_, change, code, field) => {
    await cp(fixture('checkpoints/llama2'), directory, { recursive: true });
    await writeFile(
      at('config.json'),
      JSON.stringify({ ...readJsonFixture<object>('checkpoints/llama2/config.json'), ...change }),
    );
    await expect(openCheckpoint(directory)).rejects.toMatchObject({
      code,
      field: expect.stringContaining(field) as string,
    });
  });

  it('is refused if its weights have biases and config.json says they do not', async () => {
    await cp(fixture('checkpoints/llama-bias'), directory, { recursive: true });
    await writeFile(
      at('config.json'),
      JSON.stringify({ ...readJsonFixture<object>('checkpoints/llama-bias/config.json'), attention_bias: false }),
    );
    await expect(openCheckpoint(directory)).rejects.toMatchObject({
      code: 'mismatch',
      field: expect.stringContaining('bias') as string,
    });
  });

  it('takes more end tokens from generation_config.json', async () => {
    await cp(fixture('checkpoints/llama2'), directory, { recursive: true });
    await writeFile(at('generation_config.json'), '{"eos_token_id":[2,5]}');
    const checkpoint = await openCheckpoint(directory);
    expect(checkpoint.config.eosTokenIds).toEqual([2, 5]);
    await checkpoint.close();
  });
});
