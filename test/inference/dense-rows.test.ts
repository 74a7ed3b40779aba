import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Tokenizer } from '../../src/engine';
import { denseRowCount, packRows } from '../../src/memory';
import { EngineModel } from '../../src/inference/engine-model';
import type { MemoryCoder } from '../../src/inference/memory-coder';
import { safetensors, writeMemoryCheckpoint } from './memory-checkpoint';
import { directory, model, memory, TEXT, SHORT, ask } from './memory-model-of-random-weights';

describe('dense rows', () => {
  const without = (name: string, change: (anchorage: Record<string, unknown>) => void): string => {
    const copy = join(directory, name);
    writeMemoryCheckpoint(copy);
    const config = JSON.parse(readFileSync(join(copy, 'config.json'), 'utf8')) as {
      anchorage: Record<string, unknown>;
    };
    change(config.anchorage);
    writeFileSync(join(copy, 'config.json'), JSON.stringify(config));
    return copy;
  };
  const load = (copy: string): Promise<EngineModel> =>
    EngineModel.load({ directory: copy, compiledDirectory: join(directory, 'compiled'), weights: 'f32', threads: 1 });
  const ids = (text: string): Uint16Array =>
    Uint16Array.from(
      (model as unknown as { tokenizer: Tokenizer }).tokenizer.encode(text, { addSpecialTokens: false }),
    );

  test('are made of a segment’s tokens or of its text, alike, by slots of their own, and remembered', async () => {
    expect(memory.description.dense).toEqual({ segmentTokens: 256, rowTokens: 8 });
    const result = await memory.compose(
      ask({
        dense: [
          { key: 'a', ids: ids(TEXT.slice(0, 300)) },
          { key: 'b', text: SHORT },
        ],
        follow: ' and',
      }),
    );
    const rows = denseRowCount(300, memory.description.dense!);
    expect(rows).toBe(2 * Math.ceil(150 / 8));
    expect(result.rows.dense).toEqual([
      { key: 'a', rows, tokens: 300, origin: 'computed' },
      { key: 'b', rows: Math.ceil(SHORT.length / 8), tokens: SHORT.length, origin: 'computed' },
    ]);
    const again = await memory.compose(
      ask({
        dense: [
          { key: 'a', ids: ids(TEXT.slice(0, 300)) },
          { key: 'b', text: SHORT },
        ],
        follow: ' and',
      }),
    );
    expect(again.rows.dense.map(({ origin }) => origin)).toEqual(['memory', 'memory']);
    expect(again.cache).toMatchObject({ hits: 2, misses: 0 });
    expect(again.follow!.nll).toBeCloseTo(result.follow!.nll, 5);
    // The other way about, under other keys: the same rows.
    const other = await memory.compose(
      ask({
        dense: [
          { key: 'c', text: TEXT.slice(0, 300) },
          { key: 'd', ids: ids(SHORT) },
        ],
        follow: ' and',
      }),
    );
    expect(other.follow!.nll).toBeCloseTo(result.follow!.nll, 5);
    const { coder } = memory as unknown as { coder: MemoryCoder };
    const [dense] = await coder.encodeDense([coder.tokens(SHORT)]);
    const [own] = await coder.decoder.encodeSegments(
      [{ tokens: coder.tokens(SHORT), keep: [], slotTokens: 8 }],
      coder.encodeOptions(),
    );
    expect(Buffer.from(dense!).equals(packRows(own!.memories!))).toBe(false);
  });

  test('of a stretch have the stretch’s own lines', async () => {
    const text = 'first line\r\nsecond line\nthird line\rfourth line\n\n  sixth line\nseventh\n';
    const all = ids(text); // one token a byte
    const lines = async (from: number, to: number): Promise<unknown> => {
      const { rows } = await memory.compose(
        ask({
          dense: [{ key: `lines:${from}+${to - from}`, ids: all.subarray(from, to), before: all.subarray(0, from) }],
          maxNewTokens: 1,
        }),
      );
      return rows.dense[0]!.lines;
    };
    expect(await lines(0, 5)).toEqual([0, 0]);
    expect(await lines(text.indexOf('line\nthird'), text.indexOf('line\rfourth'))).toEqual([1, 2]);
    expect(await lines(text.indexOf('fourth'), text.indexOf('sixth'))).toEqual([3, 3]);
    expect(await lines(text.indexOf('\n\n'), text.length)).toEqual([5, 6]);
    expect(
      (await memory.compose(ask({ dense: [{ key: 'whole', ids: all }], maxNewTokens: 1 }))).rows.dense[0]!.lines,
    ).toBe(undefined);
  });

  test('stand where the same rows would as fine ones, behind coarse and fine, before what is read in full', async () => {
    const { coder } = memory as unknown as { coder: MemoryCoder };
    const [bytes] = await coder.encodeDense([coder.tokens(SHORT)]);
    const [made] = await memory.encode([TEXT]);
    const full = [{ key: 'read', text: 'x = 1\n' }];
    const coarse = { id: 'dense', rows: made!.coarse, tokens: TEXT.length };
    const opened = await memory.compose(ask({ coarse, dense: [{ key: 'place', text: SHORT }], full, follow: ' and' }));
    const given = await memory.compose(
      ask({ coarse, fine: { rows: bytes!, tokens: SHORT.length }, full, follow: ' and' }),
    );
    expect(opened.follow!.nll).toBeCloseTo(given.follow!.nll, 4);
    expect(opened.positions).toBe(given.positions);
  });

  test('for which there is no room are named, the least important first', async () => {
    const dense = [
      { key: 'long', text: 'y'.repeat(2_000) },
      { key: 'longer', text: 'z'.repeat(2_100) },
    ];
    const { rows } = await memory.compose(ask({ dense, maxNewTokens: 1 }));
    expect(rows.dense).toEqual([
      { key: 'long', rows: 0, tokens: 0, origin: 'left' },
      { key: 'longer', rows: denseRowCount(2_100, memory.description.dense!), tokens: 2_100, origin: 'computed' },
    ]);
  });

  test('do not exist in a checkpoint without slots for them; what is asked for in them is named', async () => {
    const plain = await load(without('no-dense', (anchorage) => delete anchorage['dense_memory']));
    expect(plain.memory!.description.dense).toBe(undefined);
    const { rows } = await plain.memory!.compose(ask({ dense: [{ key: 'a', text: SHORT }] }));
    expect(rows.dense).toEqual([{ key: 'a', rows: 0, tokens: 0, origin: 'left' }]);
    const [here, there] = [await memory.encode([SHORT]), await plain.memory!.encode([SHORT])];
    expect(there).toEqual(here);
    await plain.close();
  });

  test('of a checkpoint that is not whole are refused: the file is named, or the field', async () => {
    const missing = without('missing', () => {});
    rmSync(join(missing, 'dense_memory.safetensors'));
    await expect(load(missing)).rejects.toThrow(/dense_memory\.safetensors/);
    const cut = without('cut', () => {});
    const file = join(cut, 'dense_memory.safetensors');
    writeFileSync(file, readFileSync(file).subarray(0, 1_000));
    await expect(load(cut)).rejects.toThrow(/dense_memory\.safetensors/);
    const lacking = without('lacking', () => {});
    writeFileSync(
      join(lacking, 'dense_memory.safetensors'),
      safetensors({ slot: { shape: [64], values: new Float32Array(64) } }),
    );
    await expect(load(lacking)).rejects.toThrow(/slot\.q_proj/);
    await expect(
      load(
        without(
          'unrated',
          (anchorage) =>
            (anchorage['dense_memory'] = { file: 'dense_memory.safetensors', ratios: [], segment_rows: 256 }),
        ),
      ),
    ).rejects.toThrow(/dense_memory\.ratios/);
    await expect(
      load(
        without(
          'elsewhere',
          (anchorage) =>
            (anchorage['dense_memory'] = { file: '../dense_memory.safetensors', ratios: [8], segment_rows: 256 }),
        ),
      ),
    ).rejects.toThrow(/plain file name/);
  });
});
