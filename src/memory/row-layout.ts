/** Layout of a text's rows: its chunks, and which of its fine rows are also coarse rows. */
import type { DenseRatio, MemoryRatios } from '../protocol/memory';

/**
 * Returns chunk lengths for encoding a text: as few chunks of at most `most` tokens as possible, of nearly equal
 * length.
 */
export function chunkLengths(tokens: number, most: number): number[] {
  const count = Math.ceil(tokens / most);
  return Array.from(
    { length: count },
    (_, i) => Math.floor(((i + 1) * tokens) / count) - Math.floor((i * tokens) / count),
  );
}

/** Number of dense rows of a text. */
export function denseRowCount(tokens: number, { segmentTokens, rowTokens }: DenseRatio): number {
  return chunkLengths(tokens, segmentTokens).reduce((rows, chunk) => rows + Math.ceil(chunk / rowTokens), 0);
}

/**
 * Returns the indices of a chunk's fine rows that are also coarse rows. A slot depends only on the tokens it attends
 * to. The slot after the last of 256 tokens attends to the same tokens at either ratio. Each coarse row is therefore
 * one of the fine rows, and is computed and stored once.
 */
export function coarsePlaces(chunkTokens: number, { coarseTokens, fineTokens }: MemoryRatios): number[] {
  return Array.from(
    { length: Math.ceil(chunkTokens / coarseTokens) },
    (_, j) => Math.ceil(Math.min((j + 1) * coarseTokens, chunkTokens) / fineTokens) - 1,
  );
}

/** Returns the numbers of coarse and fine rows of a text. The fine rows include the coarse rows. */
export function rowCounts(tokens: number, ratios: MemoryRatios): { coarse: number; fine: number } {
  let coarse = 0;
  let fine = 0;
  for (const chunk of chunkLengths(tokens, ratios.segmentTokens)) {
    coarse += Math.ceil(chunk / ratios.coarseTokens);
    fine += Math.ceil(chunk / ratios.fineTokens);
  }
  return { coarse, fine };
}

/**
 * Joins all fine rows in the order of the text.
 * @param coarse the coarse rows, as stored
 * @param rest the fine rows that are not coarse rows
 * @param joined the target; a new array by default
 */
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
  for (const chunk of chunkLengths(tokens, ratios.segmentTokens)) {
    const places = new Set(coarsePlaces(chunk, ratios));
    for (let row = 0; row < Math.ceil(chunk / ratios.fineTokens); row++) {
      const isCoarse = places.has(row);
      const from = isCoarse ? coarseAt : restAt;
      joined.set((isCoarse ? coarse : rest).subarray(from, from + bytesPerRow), at);
      at += bytesPerRow;
      if (isCoarse) coarseAt += bytesPerRow;
      else restAt += bytesPerRow;
    }
  }
  return joined;
}
