import type { DenseRatio, MemoryRatios } from '../protocol';
import { decodeHalf, encodeHalf, KvRows, type RowShape } from '../engine';

/**
 * Memory rows as they are stored and sent: f16, row after row, each row its keys [layers, kvHeads, headDim] and then
 * its values. So a range of rows is a range of bytes, rows of several segments are joined by joining bytes, and no
 * header is parsed.
 */

export type StoredShape = Pick<RowShape, 'layers' | 'kvHeads' | 'headDim'>;

export function storedRowBytes({ layers, kvHeads, headDim }: StoredShape): number {
  return 2 * layers * kvHeads * headDim * 2;
}

/** Some rows of a block (default all), in the order given. */
export function packRows(
  rows: KvRows,
  which: readonly number[] = Array.from({ length: rows.rows }, (_, i) => i),
): Uint8Array {
  const { layers, kvHeads, headDim } = rows.shape;
  const half = rows.as('float16');
  const heads = layers * kvHeads;
  const packed = new Uint16Array(which.length * 2 * heads * headDim);
  which.forEach((row, i) => {
    for (let head = 0; head < heads; head++) {
      const from = (head * rows.rows + row) * headDim;
      const to = (i * 2 * heads + head) * headDim;
      packed.set(half.keys.subarray(from, from + headDim), to);
      packed.set(half.values.subarray(from, from + headDim), to + heads * headDim);
    }
  });
  return new Uint8Array(packed.buffer);
}

/**
 * Rows to be spliced into a context.
 *
 * @param positions of each row in the context
 * @param tokens that all rows together stand for
 * @throws RangeError when the bytes are not so many whole rows
 */
export function unpackRows(bytes: Uint8Array, shape: StoredShape, positions: Int32Array, tokens: number): KvRows {
  const { layers, kvHeads, headDim } = shape;
  const rows = positions.length;
  if (bytes.byteLength !== rows * storedRowBytes(shape))
    throw new RangeError(`${bytes.byteLength} bytes are not ${rows} rows of ${storedRowBytes(shape)} bytes`);
  const packed = halves(bytes);
  const heads = layers * kvHeads;
  const keys = new Uint16Array(rows * heads * headDim);
  const values = new Uint16Array(rows * heads * headDim);
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      const from = (row * 2 * heads + head) * headDim;
      const to = (head * rows + row) * headDim;
      keys.set(packed.subarray(from, from + headDim), to);
      values.set(packed.subarray(from + heads * headDim, from + (heads + 1) * headDim), to);
    }
  }
  return new KvRows({ shape: { layers, kvHeads, headDim, type: 'float16' }, keys, values, positions, tokens });
}

/**
 * Several rows folded into one: the mean of their keys and values. Keys are not rotated, so their mean is the best
 * single key for a query that would have seen all of them at one place.
 */
export function foldRows(bytes: Uint8Array, bytesPerRow: number): Uint8Array {
  const count = bytes.byteLength / bytesPerRow;
  if (count === 1) return bytes.slice();
  const values = decodeHalf(halves(bytes));
  const width = bytesPerRow / 2;
  const mean = new Float32Array(width);
  for (let row = 0; row < count; row++)
    for (let i = 0; i < width; i++) mean[i] = (mean[i] as number) + (values[row * width + i] as number) / count;
  return new Uint8Array(encodeHalf(mean).buffer);
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.byteLength;
  }
  return joined;
}

/** f16 elements of bytes that may lie at an odd offset of their buffer. */
export function halves(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
}

// ── Which rows a segment has ──────────────────────────────────────────────────────────────────────────────────────

export function denseRowCount(tokens: number, { segmentTokens, rowTokens }: DenseRatio): number {
  return runLengths(tokens, segmentTokens).reduce((rows, run) => rows + Math.ceil(run / rowTokens), 0);
}

/** Lengths of the runs that so many tokens are encoded in: as few as there can be, and alike. */
export function runLengths(tokens: number, most: number): number[] {
  const count = Math.ceil(tokens / most);
  return Array.from(
    { length: count },
    (_, i) => Math.floor(((i + 1) * tokens) / count) - Math.floor((i * tokens) / count),
  );
}

/**
 * Which of a run's fine rows are its coarse rows. A slot depends on nothing but the tokens it sees, and the slot behind
 * the last of 256 tokens sees the same at either ratio: each coarse row is one of the fine rows, and is made and kept
 * once.
 */
export function coarsePlaces(runTokens: number, { coarseTokens, fineTokens }: MemoryRatios): number[] {
  return Array.from(
    { length: Math.ceil(runTokens / coarseTokens) },
    (_, j) => Math.ceil(Math.min((j + 1) * coarseTokens, runTokens) / fineTokens) - 1,
  );
}

export function rowCounts(tokens: number, ratios: MemoryRatios): { coarse: number; fine: number } {
  let coarse = 0;
  let fine = 0;
  for (const run of runLengths(tokens, ratios.segmentTokens)) {
    coarse += Math.ceil(run / ratios.coarseTokens);
    fine += Math.ceil(run / ratios.fineTokens);
  }
  return { coarse, fine };
}

/** All fine rows in the order of the text, from the coarse rows and the rest, as they are stored. */
export function joinFine(
  coarse: Uint8Array,
  rest: Uint8Array,
  tokens: number,
  bytesPerRow: number,
  ratios: MemoryRatios,
  joined: Uint8Array = new Uint8Array(coarse.byteLength + rest.byteLength),
): Uint8Array {
  let at = 0;
  let coarseAt = 0;
  let restAt = 0;
  for (const run of runLengths(tokens, ratios.segmentTokens)) {
    const places = new Set(coarsePlaces(run, ratios));
    for (let row = 0; row < Math.ceil(run / ratios.fineTokens); row++) {
      const own = places.has(row);
      const from = own ? coarseAt : restAt;
      joined.set((own ? coarse : rest).subarray(from, from + bytesPerRow), at);
      at += bytesPerRow;
      if (own) coarseAt += bytesPerRow;
      else restAt += bytesPerRow;
    }
  }
  return joined;
}
