/**
 * The engine: a long-context decoder whose every cached row can be placed, dropped, spliced and accounted for.
 *
 *     const checkpoint = await openCheckpoint(directory);
 *     const decoder = await Decoder.open(checkpoint, { cacheDirectory });
 *     const context = decoder.newContext(full(), 4096);
 *     const { logits } = await context.prefill(tokens, { signal });
 *     const next = await context.decode(token);
 *     await decoder.close();
 */

export * from './checkpoint';
export { anchors, intervalAnchors, tokenAnchors, type AnchorOptions } from './attention/anchors';
export { compose } from './attention/compose';
export { full } from './attention/full';
export { memories } from './attention/memories';
export { lambda, type LambdaOptions } from './attention/lambda';
export { RowKind, Seen, type AttentionPolicy, type RowPlace } from './attention/policy';
export { streaming } from './attention/streaming';
export type { ContextAccount, ContextGroup, ContextGroupKind } from './kv-cache/account';
export { KvRows, KvRowsError } from './kv-cache/kv-rows';
export { rowBytes, type RowShape } from './kv-cache/shape';
export { Decoder, type ContextOptions } from './decoder/decoder';
export { DecoderContext, type PrefillOptions, type PrefillResult } from './decoder/decoder-context';
export type { LiveCompression } from './decoder/live-compression';
export type { SlotSet } from './decoder/memory-weights';
export * from './generate';
export * from './rope';
export { ContextFullError, DecoderError, type DecoderErrorCode } from './decoder/errors';
export type { EncodedSegment, EncodeOptions, SegmentInput } from './decoder/segment-encoder';
export {
  chooseWeights,
  parameterCount,
  type CacheType,
  type DecoderOptions,
  type WeightFormat,
} from './decoder/options';
