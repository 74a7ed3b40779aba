import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeHalf } from '../../src/engine/kv-cache/float16';
import {
  LateInteraction,
  MemoryEncoding,
  type SegmentCoder,
  MemoryReader,
  MemoryStore,
  foldRows,
  joinBytes,
} from '../../src/memory';
import type { SegmentMemory } from '../../src/protocol/memory';

const RATIOS = { segmentTokens: 64, coarseTokens: 64, fineTokens: 16 };
const halfBytes = (...values: number[]): Uint8Array => new Uint8Array(encodeHalf(Float32Array.from(values)).buffer);

/** A memory with the numbers in the text: "3 4" has passages with the vectors (1, 0) and (.6, .8). */
const coder: SegmentCoder = {
  version: 'numbers',
  encode: (texts) =>
    Promise.resolve(
      texts.map((text): SegmentMemory => {
        const [x = 0, y = 0] = text.trim().split(' ').map(Number);
        const length = Math.hypot(x, y);
        return {
          tokens: 20,
          coarseRows: 1,
          restRows: 1,
          bytesPerRow: 4,
          ids: new Uint8Array(Uint16Array.of(x, y).buffer),
          passages: new Uint8Array(
            Int8Array.of(127, 0, Math.round((127 * x) / length), Math.round((127 * y) / length)).buffer,
          ),
          coarse: halfBytes(x, y),
          rest: halfBytes(y, x),
        };
      }),
    ),
};

let directory: string;
let store: MemoryStore;
let memories: MemoryReader;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'memories-'));
  store = await MemoryStore.open({ directory: join(directory, 'store'), budgetBytes: 1e9, version: coder.version });
  const texts = ['3 4\n', '4 3\n', '1 0\n'];
  const workspace = {
    *documents() {
      for (const [i, text] of texts.entries())
        yield { path: `${i}.txt`, file: `/${i}.txt`, hash: text, language: 'text', segments: 1, mtimeMs: 0 };
    },
    indexed: (path: string) => {
      const text = texts[Number(path[0])] ?? '';
      const segment = {
        startLine: 1,
        endLine: 1,
        start: 0,
        end: text.length,
        kind: 'prose' as const,
        symbols: [],
        breadcrumb: [],
      };
      return Promise.resolve({
        document: { file: `/${path}`, path, language: 'text', text, hash: text },
        segmented: { segments: [segment], symbols: [], imports: [], method: 'length' as const },
      });
    },
  };
  const encoding = new MemoryEncoding({ workspace, store, coder });
  await encoding.run();
  memories = new MemoryReader({ encoding, store, ratios: RATIOS, bytesPerRow: 4, vocabSize: 16 });
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

it('lists segments with rows, and reads rows in the order of the text', async () => {
  const segments = memories.segments();
  expect(segments.map(({ path, fineRows, tokens }) => [path, fineRows, tokens])).toEqual([
    ['0.txt', 2, 20],
    ['1.txt', 2, 20],
    ['2.txt', 2, 20],
  ]);
  // Two rows of 16 tokens. The last one is the coarse row.
  const rows = new Uint8Array(12);
  expect(await memories.fine(segments[0]!, rows)).toBe(8);
  expect(rows).toEqual(joinBytes([halfBytes(4, 3), halfBytes(3, 4), new Uint8Array(4)]));
});

it('lists what the store holds now: without evicted records, and with new ones', async () => {
  const [first, ...rest] = memories.segments();
  // The very list, so that what was worked out for it holds.
  expect(memories.segments()).toBe(memories.segments());
  expect(memories.segments()).toEqual([first, ...rest]);
  await store.clear();
  expect(memories.segments()).toEqual([]);
  const [made] = await coder.encode(['3 4\n'], new AbortController().signal);
  const { tokens, coarseRows: coarse, restRows, bytesPerRow, ...payload } = made!;
  await store.put(first!.key, tokens, { coarse, rest: restRows, bytesPerRow }, payload);
  expect(memories.segments()).toEqual([first]);
});

it('scores segments by their passage nearest to a sentence', async () => {
  const segments = memories.segments();
  const [first, , third] = await memories.nearestPassages(segments, Float32Array.of(0, 1));
  expect(first).toBeGreaterThan(0.5);
  expect(third).toBeCloseTo(0, 1);
  const ofAnotherWidth = await memories.nearestPassages(segments, Float32Array.of(1, 0, 0));
  expect([...ofAnotherWidth]).toEqual([NaN, NaN, NaN]);
});

it('scores segments with tokens of the question, or tokens similar to them', async () => {
  // The question is token 4 and then token 1, to which token 3 is similar.
  const query = {
    weights: Float32Array.of(2, 1),
    lengths: Float32Array.of(2, 1),
    starts: Int32Array.of(0, 1, 3),
    ids: Uint32Array.of(4, 1, 3),
    similarities: Float32Array.of(1, 1, 0.5),
  };
  const found = await memories.late(
    memories.segments(),
    new LateInteraction(query, 16, { blockTokens: 16, sharpness: 3 }),
  );
  // 1.txt has both tokens in order, 0.txt the similar token first, and 2.txt only the lighter token.
  expect(found.map(({ segment, score }) => [segment.path, score.segment, score.tokenRun])).toEqual(
    [
      ['0.txt', 2.125 / 3, 2],
      ['1.txt', 2.125 / 3, 2.125],
      ['2.txt', 1 / 3, 1],
    ].map(([path, ...scores]) => [path, ...scores.map((score) => expect.closeTo(score as number, 5))]),
  );
});

it('folds coarse rows of several segments into their mean, and omits missing ones', async () => {
  const segments = memories.segments();
  expect(await memories.folded(segments.slice(0, 2))).toEqual(halfBytes(3.5, 3.5));
  expect(await memories.folded(segments.slice(0, 2))).toEqual(
    foldRows(joinBytes([halfBytes(3, 4), halfBytes(4, 3)]), 4),
  );
  await store.clear();
  memories.clear();
  expect(await memories.folded(segments)).toBe(undefined);
  expect(await memories.fine(segments[0]!, new Uint8Array(8))).toBe(0);
  expect(memories.segments()).toEqual([]);
});
