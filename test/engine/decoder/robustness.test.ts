import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  anchors,
  CheckpointError,
  ContextFullError,
  Decoder,
  full,
  lambda,
  openCheckpoint,
  type Checkpoint,
} from '../../../src/engine';
import { fixture } from '../../fixtures';
import { largestGap, randomTokens, Tiny } from '../tiny';

const open = () => openCheckpoint(fixture('checkpoints/llama2'));

/** A checkpoint with one changed tensor. */
function tampered(checkpoint: Checkpoint, name: string, change: (values: Float32Array) => Float32Array): Checkpoint {
  const tensors = Object.create(checkpoint.tensors) as Checkpoint['tensors'];
  tensors.readFloat32 = async (asked, rows) => {
    const values = await checkpoint.tensors.readFloat32(asked, rows);
    return asked === name ? change(values) : values;
  };
  return { ...checkpoint, tensors, close: () => checkpoint.close() };
}

describe('a context', () => {
  it('refuses a text that does not fit before reading, and stays usable', async () => {
    const tiny = await Tiny.open('llama2', 8);
    const context = tiny.decoder.newContext(full(), 20, { rope: tiny.rope });
    const tokens = randomTokens(30, 128, 1);
    await expect(context.prefill(tokens)).rejects.toMatchObject({ code: 'contextFull', needed: 30, free: 20 });
    expect(context.position).toBe(0);
    await context.prefill(tokens.slice(0, 20), { logits: 'none' });
    await expect(context.decode(1)).rejects.toBeInstanceOf(ContextFullError);
    expect(context.free).toBe(0);
    expect(context.dropPositions(5, 10)).toBe(5);
    expect((await context.decode(1)).length).toBe(128);
    await tiny.decoder.close();
  });

  it('predicts the number of rows of a text under each policy', async () => {
    const tiny = await Tiny.open('llama2', 8);
    const tokens = randomTokens(100, 128, 2);
    for (const policy of [
      full(),
      lambda({ sinks: 2, window: 10 }),
      anchors({ isAnchor: (token) => token % 9 === 0 }),
    ]) {
      const needed = tiny.decoder.newContext(policy, 1000, { rope: tiny.rope }).rowsNeeded(tokens);
      const context = tiny.decoder.newContext(policy, needed, { rope: tiny.rope });
      let most = 0;
      await context.prefill(tokens, { onChunk: () => (most = Math.max(most, context.ledger().rows)) });
      expect(most).toBe(needed);
      await expect(
        tiny.decoder.newContext(policy, needed - 1, { rope: tiny.rope }).prefill(tokens),
      ).rejects.toMatchObject({ code: 'contextFull' });
    }
    await tiny.decoder.close();
  });

  it('stops between chunks when cancelled, and keeps the rows read so far', async () => {
    const tiny = await Tiny.open('llama2', 8);
    const tokens = randomTokens(64, 128, 3);
    const abort = new AbortController();
    const context = tiny.decoder.newContext(full(), 64, { rope: tiny.rope });
    const reading = context.prefill(tokens, { signal: abort.signal, onChunk: (read) => read === 24 && abort.abort() });
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
    expect(context.position).toBe(24);
    const { logits } = await context.prefill(tokens.slice(24));
    const whole = await tiny.decoder.newContext(full(), 64, { rope: tiny.rope }).prefill(tokens);
    expect(largestGap([logits], [whole.logits])).toBeLessThan(1e-4);
    await tiny.decoder.close();
  });

  it('refuses unknown tokens, concurrent calls, and use after close', async () => {
    const tiny = await Tiny.open('llama2', 8);
    const context = tiny.decoder.newContext(full(), 64, { rope: tiny.rope });
    await expect(context.prefill([1, 128])).rejects.toThrow(/token 1 is 128/);
    await expect(context.decode(-1)).rejects.toMatchObject({ code: 'badInput' });
    await expect(context.decode(0.5)).rejects.toMatchObject({ code: 'badInput' });
    const first = context.prefill([1, 2, 3]);
    await expect(context.decode(1)).rejects.toThrow(/in use/);
    await first;
    expect(() => context.skipTo(1)).toThrow(/taken/);
    expect(() => tiny.decoder.newContext(full(), 0)).toThrow(/capacity/);
    await tiny.decoder.close();
    await expect(context.decode(1)).rejects.toMatchObject({ code: 'closed' });
  });

  it('rotates its rows to other rotary frequencies, and their un-rotated keys stay the same', async () => {
    const tiny = await Tiny.open('llama2', 8);
    const slower = { inverse: tiny.rope.inverse.map((f) => f / 2), attentionScale: 1.1 };
    const tokens = randomTokens(12, 128, 4);
    const context = tiny.decoder.newContext(lambda({ sinks: 2, window: 6 }), 64, { rope: tiny.rope });
    await context.prefill(tokens);
    const before = context.rowsAt(8, 12);
    context.setRope(slower);
    const after = context.rowsAt(8, 12);
    expect(largestGap([after.keys], [before.keys])).toBeLessThan(1e-5);
    await tiny.decoder.close();
  });
});

describe('damaged weights', () => {
  it.each([NaN, Infinity])('with %d are refused by name', async (value) => {
    const checkpoint = await open();
    const name = 'model.layers.1.mlp.up_proj.weight';
    const bad = tampered(checkpoint, name, (values) => (values.fill(value, 17, 18), values));
    for (const weights of ['f32', '8bit', '4bit'] as const) {
      await expect(Decoder.open(bad, { weights, cacheDirectory: null })).rejects.toMatchObject({
        code: 'notFinite',
        field: name,
      });
    }
    await checkpoint.close();
  });

  it('of a wrong shape are refused by name', async () => {
    const checkpoint = await open();
    const tensors = Object.create(checkpoint.tensors) as Checkpoint['tensors'];
    tensors.info = (name) =>
      name.endsWith('1.self_attn.o_proj.weight')
        ? { dtype: 'F32', shape: [32, 31], byteLength: 0 }
        : checkpoint.tensors.info(name);
    await expect(
      Decoder.open({ ...checkpoint, tensors }, { weights: 'f32', cacheDirectory: null }),
    ).rejects.toBeInstanceOf(CheckpointError);
    await checkpoint.close();
  });
});

describe('compiled weights on disk', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'anchorage-compiled-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const logitsOf = async (decoder: Decoder) => (await decoder.newContext(full(), 8).prefill([1, 2, 3])).logits;

  it.each(['f32', '8bit', '4bit'] as const)('are reused and give the same numbers (%s)', async (weights) => {
    const checkpoint = await open();
    const memory = await Decoder.open(checkpoint, { weights, cacheDirectory: null, threads: 1 });
    const expected = await logitsOf(memory);
    await memory.close();
    for (const cached of [false, true]) {
      const decoder = await Decoder.open(checkpoint, { weights, cacheDirectory: folder, threads: 1 });
      expect(decoder.compiled.cached).toBe(cached);
      expect(largestGap([await logitsOf(decoder)], [expected])).toBe(0);
      await decoder.close();
    }
    expect(await readdir(folder)).toHaveLength(1);
    await checkpoint.close();
  });

  it('are compiled again if cut, overwritten or incomplete', async () => {
    const checkpoint = await open();
    const reopen = async () => {
      const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: folder, threads: 1 });
      const result = { cached: decoder.compiled.cached, logits: await logitsOf(decoder) };
      await decoder.close();
      return result;
    };
    const { logits } = await reopen();
    const directory = join(folder, (await readdir(folder))[0] as string);
    const path = join(directory, 'weights.bin');
    const bytes = await readFile(path);
    const damage = [
      () => writeFile(path, bytes.subarray(0, bytes.length - 1)),
      () =>
        writeFile(
          path,
          bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
        ),
      () => writeFile(join(directory, 'manifest.json'), '{'),
      () => rm(path),
    ];
    for (const harm of damage) {
      await harm();
      const again = await reopen();
      expect(again.cached).toBe(false);
      expect(largestGap([again.logits], [logits])).toBe(0);
    }
    expect((await reopen()).cached).toBe(true);
    expect(await readdir(folder)).toHaveLength(1);
    await checkpoint.close();
  });

  it('are fully verified: one flipped bit anywhere is reported, and the model is compiled again', async () => {
    const checkpoint = await open();
    const told: string[] = [];
    const reopen = async () => {
      const decoder = await Decoder.open(checkpoint, {
        weights: '8bit',
        cacheDirectory: folder,
        threads: 1,
        onDamage: (message) => told.push(message),
      });
      await decoder.close();
      return decoder.compiled;
    };
    const { digest } = await reopen();
    expect(told).toEqual([]);
    const path = join(folder, (await readdir(folder))[0] as string, 'weights.bin');
    const bytes = await readFile(path);
    for (const bit of randomTokens(40, bytes.length * 8, 9)) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      await writeFile(path, damaged);
      expect(await reopen(), `bit ${bit}`).toMatchObject({ cached: false, digest });
    }
    expect(told).toHaveLength(40);
    expect(told[0]).toMatch(/damaged .*compiling it again/);
    expect(Buffer.compare(await readFile(path), bytes)).toBe(0);
    expect(await reopen()).toMatchObject({ cached: true, digest });
    await checkpoint.close();
  });

  it('have another digest for other weights', async () => {
    const checkpoint = await open();
    const digestOf = async (from: Checkpoint, cacheDirectory: string | null) => {
      const decoder = await Decoder.open(from, { weights: 'f32', cacheDirectory, threads: 1 });
      await decoder.close();
      return decoder.compiled.digest;
    };
    const sound = await digestOf(checkpoint, folder);
    expect(await digestOf(checkpoint, null)).toBe(sound);
    const damaged = tampered(checkpoint, 'model.norm.weight', (values) => values.fill(1.5, 3, 4));
    expect(await digestOf(damaged, null)).not.toBe(sound);
    await checkpoint.close();
  });

  it('of a killed process are removed, and those of a running one stay', async () => {
    const checkpoint = await open();
    const { pid: gone = 0 } = spawnSync(process.execPath, ['-e', '']);
    const left = `x-f32-v4.${gone}-0123abcd.partial`;
    const running = `x-f32-v4.${process.pid}-0123abcd.partial`;
    for (const name of [left, running]) await mkdir(join(folder, name));
    await (await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: folder, threads: 1 })).close();
    const names = await readdir(folder);
    expect(names).toContain(running);
    expect(names).not.toContain(left);
    expect(names).toHaveLength(2);
    await checkpoint.close();
  });

  it('of earlier versions are removed for the same model and format only', async () => {
    const checkpoint = await open();
    const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: folder, threads: 1 });
    await decoder.close();
    const [made = ''] = await readdir(folder);
    const [, name, version] = /^(.*)-f32-v(\d+)$/.exec(made) ?? [];
    const older = `${name}-f32-v${Number(version) - 1}`;
    const others = [`${name}-8bit-v1`, `${name}-f32-v${Number(version) + 1}`, 'another-f32-v1'];
    for (const each of [older, ...others]) await mkdir(join(folder, each));
    await rm(join(folder, made), { recursive: true });
    await (await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: folder, threads: 1 })).close();
    expect((await readdir(folder)).sort()).toEqual([made, ...others].sort());
    await checkpoint.close();
  });

  it('are reported if they cannot be written, and leave no files', async () => {
    const checkpoint = await open();
    const blocked = join(folder, 'file');
    await writeFile(blocked, '');
    await expect(Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: blocked })).rejects.toMatchObject({
      code: 'cacheUnwritable',
    });
    const bad = tampered(checkpoint, 'model.norm.weight', (values) => values.fill(NaN));
    await expect(Decoder.open(bad, { weights: 'f32', cacheDirectory: folder })).rejects.toMatchObject({
      code: 'notFinite',
    });
    expect(await readdir(folder)).toEqual(['file']);
    await checkpoint.close();
  });
});
