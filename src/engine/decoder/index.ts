export { Decoder, type ContextOptions } from './decoder';
export { DecoderContext, type PrefillOptions, type PrefillResult } from './decoder-context';
export { ContextFullError, DecoderError, type DecoderErrorCode } from './errors';
export type { LiveCompression } from './live-compression';
export type { MemoryTokenSet } from './memory-weights';
export {
  chooseWeights,
  parameterCount,
  tokenBytes,
  type ModelShape,
  type CacheType,
  type DecoderOptions,
  type WeightFormat,
} from './options';
export type { EncodedSegment, EncodeOptions, SegmentInput } from './segment-encoder';
