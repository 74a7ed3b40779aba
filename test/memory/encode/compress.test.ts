import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compressDocument, type CompressedDocument } from '../../../src/memory/encode/compress';
import { MemoryStore } from '../../../src/memory/store/memory-store';
import { foldRows, joinBytes, joinFine, rowCounts } from '../../../src/memory/rows';
import { createSegmenter } from '../../../src/workspace/segments/segmenter';
import type { Document } from '../../../src/workspace/types';
import { BYTES_PER_ROW, ByteCoder, memoryOf, RATIOS } from '../byte-coder';

const segmenter = createSegmenter();
let directory: string;
let store: MemoryStore;
let coder: ByteCoder;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'compress-'));
  coder = new ByteCoder();
  store = await MemoryStore.open({ directory, budgetBytes: 1e9, version: coder.version });
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

const FUNCTIONS = Array.from(
  { length: 300 },
  (_, i) => `def step_${i}(value):\n    """Step ${i}."""\n    return value * ${i}\n\n`,
);
// One line that is longer than any unit may be.
const TEXT = `${FUNCTIONS.join('')}data = "${Array.from({ length: 5_000 }, (_, i) => `word${i}`).join(' ')}"\n`;
const document: Document = { file: '/w/long.py', path: 'long.py', language: 'python', text: TEXT, hash: 'h' };

async function compress(
  mostRows: number,
  more: { store?: MemoryStore; progress?: (share: number) => void; signal?: AbortSignal } = {},
): Promise<CompressedDocument> {
  const segmented = await (await segmenter).segment(document);
  return compressDocument(document, segmented, {
    store,
    coder,
    ratios: RATIOS,
    bytesPerRow: BYTES_PER_ROW,
    mostRows,
    ...more,
  });
}

test('every character is read once, in order, and kept; the second time nothing is read', async () => {
  const shares: number[] = [];
  const first = await compress(1e6, { progress: (share) => shares.push(share) });
  const read = coder.encoded.join('');
  expect(read.replace(/\s/g, '')).toBe(TEXT.replace(/\s/g, ''));
  expect(first).toMatchObject({
    fromStore: 0,
    segments: coder.encoded.length,
    tokens: coder.encoded.reduce((sum, text) => sum + memoryOf(text).tokens, 0),
  });
  expect(first.rows).toEqual(
    joinBytes(
      coder.encoded.map((text) => {
        const { coarse, rest, tokens } = memoryOf(text);
        return joinFine(coarse, rest, tokens, BYTES_PER_ROW, RATIOS);
      }),
    ),
  );
  expect(shares.length).toBeGreaterThan(2);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
  coder.encoded.length = 0;
  expect(await compress(1e6)).toEqual({ ...first, fromStore: first.segments });
  expect(coder.encoded).toEqual([]);
});

test('a file with more rows than there is room for stands in coarser ones, whole all the same', async () => {
  const { tokens, rowCount } = await compress(1e6);
  const coarse = joinBytes(coder.encoded.map((text) => memoryOf(text).coarse));
  const all = coarse.byteLength / BYTES_PER_ROW;
  expect(rowCount).toBe(coder.encoded.reduce((sum, text) => sum + rowCounts(memoryOf(text).tokens, RATIOS).fine, 0));
  expect(await compress(rowCount - 1)).toMatchObject({ tokens, rows: coarse, rowCount: all });
  const folded = await compress(Math.ceil(all / 3));
  expect(folded).toMatchObject({ tokens, rowCount: Math.ceil(all / 3) });
  expect(folded.rows.subarray(0, BYTES_PER_ROW)).toEqual(
    foldRows(coarse.subarray(0, 3 * BYTES_PER_ROW), BYTES_PER_ROW),
  );
});

test('where nothing may be kept it is read all the same; a cancel ends it', async () => {
  const other = await MemoryStore.open({ directory, budgetBytes: 1e9, version: coder.version });
  const { tokens, fromStore } = await compress(1e6, { store: other });
  expect([store.stats().segments, other.stats().segments]).toEqual([0, 0]);
  await other.close();
  expect(fromStore).toBe(0);
  expect(tokens).toBeGreaterThan(5_000);
  await expect(compress(1e6, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
});
