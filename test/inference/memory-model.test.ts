import type { ComposeResult } from '../../src/protocol';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { Decoder, Tokenizer } from '../../src/engine';
import { decodeHalf } from '../../src/engine/kv-cache/float16';
import { RowStore } from '../../src/engine/kv-cache/row-store';
import { halves, joinBytes, LateInteraction, rowCounts } from '../../src/memory';
import { SEARCH_WEIGHTS } from '../../src/search';
import { EngineModel } from '../../src/inference/engine-model';
import { memoryPositions, sharedPositions } from '../../src/inference/row-positions';
import { writeTinyCheckpoint } from './checkpoints';
import { directory, model, memory, TEXT, SHORT, ask } from './memory-model-of-random-weights';

describe('memories of texts', () => {
  test('have the rows that their tokens make, and each text’s are its own, whatever stands beside it', async () => {
    const [long, short] = await memory.encode([TEXT, SHORT]);
    const { ratios, storedRowBytes } = memory.description;
    expect(ratios).toEqual({ segmentTokens: 256, coarseTokens: 256, fineTokens: 32 });
    for (const [each, text] of [
      [long!, TEXT],
      [short!, SHORT],
    ] as const) {
      expect(each.tokens).toBe(text.length); // one token a byte
      const counts = rowCounts(text.length, ratios);
      expect(each).toMatchObject({
        coarseRows: counts.coarse,
        restRows: counts.fine - counts.coarse,
        bytesPerRow: storedRowBytes,
      });
      expect(each.coarse.byteLength + each.rest.byteLength).toBe(counts.fine * storedRowBytes);
    }
    const [alone] = await memory.encode([SHORT]);
    const gap = decodeHalf(halves(alone!.coarse)).map(
      (value, i) => value - (decodeHalf(halves(short!.coarse))[i] as number),
    );
    expect(Math.max(...gap.map(Math.abs))).toBeLessThan(2e-3);
  });

  test('keep their token ids, in which a question’s tokens find themselves', async () => {
    const look = await memory.embed('free.pop');
    const [with_, without] = await memory.encode([SHORT, 'x = 1\n'.repeat(9)]);
    expect([...halves(with_!.ids)]).toEqual(
      (model as unknown as { tokenizer: Tokenizer }).tokenizer.encode(SHORT, { addSpecialTokens: false }),
    );
    const late = new LateInteraction(look.late!, memory.description.vocabSize, SEARCH_WEIGHTS.lateInteraction);
    // Eight letters and a dot, in their order; elsewhere none of them stands.
    expect(late.score(halves(with_!.ids)).tokenRun).toBeGreaterThan(6);
    expect(late.score(halves(with_!.ids)).segment).toBeCloseTo(1, 5);
    expect(late.score(halves(without!.ids)).segment).toBeLessThan(0.9);
  });

  test('a coarse row is what a slot for 256 tokens would be', async () => {
    const { decoder, tokenizer } = model as unknown as { decoder: Decoder; tokenizer: Tokenizer };
    const tokens = tokenizer.encode(SHORT, { addSpecialTokens: false });
    const encoded = await decoder.encodeSegments([
      { tokens, keep: [], slotTokens: 256 },
      { tokens, keep: [], slotTokens: 32 },
    ]);
    const [coarse, fine] = encoded.map((each) => each.memories!);
    expect(coarse!.rows).toBe(1);
    const last = fine!.pick([fine!.rows - 1]);
    for (const part of ['keys', 'values'] as const) {
      expect(
        Math.max(...Array.from(coarse![part], (value, i) => Math.abs(value - (last[part][i] as number)))),
      ).toBeLessThan(1e-4);
    }
  });

  test('a checkpoint without slots has none', async () => {
    writeTinyCheckpoint(join(directory, 'plain'));
    const plain = await EngineModel.load({
      directory: join(directory, 'plain'),
      compiledDirectory: join(directory, 'compiled'),
      weights: 'f32',
      threads: 1,
    });
    expect(plain.memory).toBe(undefined);
    expect(plain.description.memory).toBe(undefined);
    await plain.close();
  });
});

describe('a composed context', () => {
  test('holds what it was given and stays within the trained positions', async () => {
    const encoded = await memory.encode(Array.from({ length: 30 }, (_, i) => `${SHORT}${i}`));
    // More rows than the model has positions: they share them.
    const rows = joinBytes(Array.from({ length: 20 }, () => encoded.map(({ coarse }) => coarse)).flat());
    const result = await memory.compose(
      ask({
        coarse: { id: 'a', rows, tokens: 600 * 50 },
        fine: { rows: encoded[0]!.rest, tokens: 50 },
        full: [{ key: 'short', text: SHORT }],
      }),
    );
    expect(result.held).toBe(true);
    expect(result.rows).toMatchObject({
      sinks: 4,
      coarse: 600,
      fine: encoded[0]!.restRows,
      full: [{ key: 'short', rows: SHORT.length, tokens: SHORT.length, origin: 'computed' }],
      question: 12,
    });
    expect(result.positions).toBeLessThanOrEqual(memory.description.windowTokens);
    expect(result.timing.firstToken).toBeGreaterThanOrEqual(result.timing.splice);
    const again = await memory.compose(
      ask({ coarse: { id: 'a', tokens: 600 * 50 }, full: [{ key: 'short', text: SHORT }] }),
    );
    expect(again.held).toBe(true);
    expect(again.rows.full[0]).toMatchObject({ origin: 'memory' });
    expect(again.cache).toMatchObject({ hits: 1 });
    expect((await memory.compose(ask({ coarse: { id: 'other', tokens: 1 } }))).held).toBe(false);
  });

  test('what memories hold changes what follows, and nothing else does', async () => {
    const [one, two] = await memory.encode([TEXT, TEXT.toUpperCase()]);
    const nll = async (rows: Uint8Array, id: string): Promise<number> =>
      (await memory.compose(ask({ coarse: { id, rows, tokens: 1 }, follow: SHORT }))).follow!.nll;
    const first = await nll(one!.coarse, '1');
    expect(await nll(one!.coarse, '2')).toBeCloseTo(first, 6);
    expect(Math.abs((await nll(two!.coarse, '3')) - first)).toBeGreaterThan(1e-4);
    expect(Math.abs((await nll(new Uint8Array(0), '4')) - first)).toBeGreaterThan(1e-4);
  });

  test('full rows say the same as reading the text itself', async () => {
    const spliced = await memory.compose(ask({ full: [{ key: 'same', text: SHORT }], follow: ' and then' }));
    const read = await memory.compose(ask({ question: `${SHORT}Where is it?`, follow: ' and then' }));
    expect(spliced.follow!.nll).toBeCloseTo(read.follow!.nll, 3);
  });

  test('segments that do not fit are named, the least important first; a question for which there are no rows is refused', async () => {
    const full = [
      { key: 'x', text: 'x'.repeat(300) },
      { key: 'y', text: 'y'.repeat(300) },
    ];
    const result = await memory.compose(ask({ full }));
    expect(result.rows.full).toEqual([
      { key: 'x', rows: 0, tokens: 0, origin: 'left' },
      { key: 'y', rows: 300, tokens: 300, origin: 'computed' },
    ]);
    await expect(memory.compose(ask({ question: 'q'.repeat(200), capacityRows: 150 }))).rejects.toMatchObject({
      code: 'contextFull',
    });
  });

  test('a question longer than the window is compressed as it is read, and all of it counts', async () => {
    const end = 'Where is step_7?';
    const result: ComposeResult = await memory.compose(ask({ question: `${TEXT}${end}`, maxNewTokens: 2 }));
    const { question, compressed } = result.rows;
    expect(question + compressed.tokens).toBe(TEXT.length + end.length);
    expect(compressed.tokens).toBeGreaterThan(900);
    expect(compressed.rows).toBe(Math.ceil(compressed.tokens / 32));
    expect(result.positions).toBeLessThanOrEqual(memory.description.windowTokens);
    // Rows that were compressed long ago still count.
    const nll = async (start: string): Promise<number> =>
      (await memory.compose(ask({ question: `${start}${TEXT}`, follow: SHORT }))).follow!.nll;
    expect(Math.abs((await nll('one')) - (await nll('two')))).toBeGreaterThan(1e-6);
  });

  test('has room made once for all that it is to hold', async () => {
    const [each] = await memory.encode([TEXT.repeat(3)]);
    const generations: number[] = [];
    const original = RowStore.prototype.write;
    const write = vi.spyOn(RowStore.prototype, 'write').mockImplementation(function (this: RowStore, ...args) {
      if (this.capacity > 100) generations.push(this.generation);
      return original.apply(this, args);
    });
    try {
      const { rows } = await memory.compose(
        ask({
          coarse: { id: 'room', rows: each!.coarse, tokens: each!.tokens },
          fine: { rows: each!.rest, tokens: 0 },
          full: [1, 2, 3].map((n) => ({ key: `${n}`, text: TEXT.slice(n, n + 60) })),
        }),
      );
      expect(rows.full.map(({ origin }) => origin)).toEqual(['computed', 'computed', 'computed']);
      // Sinks, question and answer besides.
      expect(rows.coarse + rows.fine + 180).toBeGreaterThan(250);
    } finally {
      write.mockRestore();
    }
    expect(generations.length).toBeGreaterThan(5);
    expect(new Set(generations)).toEqual(new Set([2]));
  });

  test('tells what was read before it writes, and the text as it comes', async () => {
    const seen: string[] = [];
    const result = await memory.compose(ask({ turn: true, maxNewTokens: 6 }), {
      onRead: ({ rows }) => seen.push(`read ${rows.question} ${rows.answer}`),
      onText: (text) => seen.push(text),
    });
    expect(seen[0]).toBe('read 15 0'); // twelve bytes between the tokens of a turn
    expect(seen.slice(1).join('')).toBe(result.text);
    expect(result.confidence).toBeGreaterThan(0);
    expect(result.confidence).toBeLessThanOrEqual(1);
  });

  test('positions are shared in order', () => {
    expect([...sharedPositions(3, 4, 10)]).toEqual([4, 5, 6]);
    expect([...sharedPositions(6, 4, 3)]).toEqual([4, 4, 5, 5, 6, 6]);
    // Dense rows keep one each; the others share what they leave.
    expect([...memoryPositions(2, 2, 4, 10)]).toEqual([4, 5, 6, 7]);
    expect([...memoryPositions(6, 2, 4, 5)]).toEqual([4, 4, 5, 5, 6, 6, 7, 8]);
    expect([...memoryPositions(0, 2, 4, 5)]).toEqual([4, 5]);
    expect([...memoryPositions(2, 6, 4, 4)]).toEqual([4, 4, 5, 5, 6, 6, 7, 7]);
  });
});
