import { RowKind } from '../attention/policy';
import type { Context } from '../kv-cache/context';
import { DecoderError } from './errors';
import type { EncodedSegment, EncodeOptions, SegmentInput } from './segment-encoder';

/**
 * Live compression (UIO-LLMs, 2406.18173, §3): once `keepTokens + segmentTokens` plain rows have gathered, the oldest
 * `segmentTokens` are encoded to memory tokens behind the sinks. Their rows are dropped and later rows move up, so that
 * positions stay within the trained window.
 */
export interface LiveCompression {
  segmentTokens: number;
  keepTokens: number;
  /** Tokens per memory token. */
  slotTokens: number;
}

/** Encodes one segment. */
export type EncodeSegment = (segment: SegmentInput, options: EncodeOptions) => Promise<EncodedSegment>;

/** Plain rows at which the oldest are due. */
const dueAt = ({ keepTokens, segmentTokens }: LiveCompression): number => keepTokens + segmentTokens;

/** Most rows the context holds while these tokens are read. */
export function mostRowsCompressing(context: Context, compress: LiveCompression, tokens: ArrayLike<number>): number {
  const { segmentTokens, slotTokens } = compress;
  let plain = context.live(RowKind.plain).length;
  let rows = context.rows;
  let most = rows;
  for (const row of context.plan(tokens)) {
    most = Math.max(most, ++rows);
    if (row.kind !== RowKind.plain || ++plain < dueAt(compress)) continue;
    plain -= segmentTokens;
    rows -= segmentTokens - Math.ceil(segmentTokens / slotTokens);
  }
  return most;
}

/**
 * The chunk, cut behind the token that makes the oldest rows due. The place of compression then does not depend on the
 * chunks.
 */
export function untilDue(context: Context, compress: LiveCompression, chunk: number[]): number[] {
  let plain = context.live(RowKind.plain).length;
  const due = context.plan(chunk).findIndex((row) => row.kind === RowKind.plain && ++plain === dueAt(compress));
  return due < 0 ? chunk : chunk.slice(0, due + 1);
}

/** Compresses the oldest rows if they are due. @throws DecoderError */
export async function compressOldest(
  context: Context,
  compress: LiveCompression,
  encode: EncodeSegment,
): Promise<void> {
  const plain = context.live(RowKind.plain);
  if (plain.length < dueAt(compress)) return;
  const slots = plain.slice(0, compress.segmentTokens);
  const tokens = slots.map((slot) => context.near.tokens[slot] as number);
  const start = context.near.positions[slots[0] as number] as number;
  const end = (context.near.positions[slots.at(-1) as number] as number) + 1;
  const sinks = context.live(RowKind.sink).length;
  const { memories } = await encode(
    { tokens, keep: [], slotTokens: compress.slotTokens },
    { prefix: context.rowsAt(0, sinks), rope: context.rope },
  );
  if (!memories) throw new DecoderError('badInput', 'live compression needs memory weights');
  context.dropPositions(start, end);
  context.splice(memories, start, 'live');
  context.closeGap(end, end - start - memories.rows);
}
