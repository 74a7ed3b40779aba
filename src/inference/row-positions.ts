/** Positions of rows within the trained window. */
import type { LiveCompression } from '../engine';

/**
 * Positions of stored rows and of `dense` rows behind them. When room is short, the stored rows share the positions
 * that the dense rows leave.
 */
export function memoryPositions(stored: number, dense: number, from: number, room: number): Int32Array {
  const left = room - dense;
  if (left < Math.min(1, stored)) return sharedPositions(stored + dense, from, room);
  const first = sharedPositions(stored, from, left);
  const start = stored === 0 ? from : (first[stored - 1] as number) + 1;
  return Int32Array.from({ length: stored + dense }, (_, i) =>
    i < stored ? (first[i] as number) : start + i - stored,
  );
}

/** Positions of `count` rows from `from` on: one each if there is room, else shared in order. */
export function sharedPositions(count: number, from: number, room: number): Int32Array {
  const each = Math.max(1, room);
  return Int32Array.from({ length: count }, (_, i) => from + (count <= each ? i : Math.floor((i * each) / count)));
}

/** Most rows that a number of tokens takes while it is read under compression. */
export function compressedRows(tokens: number, { segmentTokens, keepTokens, slotTokens }: LiveCompression): number {
  const segments = Math.max(0, Math.ceil((tokens - keepTokens - segmentTokens + 1) / segmentTokens));
  return Math.min(tokens, keepTokens + segmentTokens) + segments * Math.ceil(segmentTokens / slotTokens);
}
