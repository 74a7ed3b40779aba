/**
 * The engine: a long-context decoder whose cached rows can be placed, dropped, spliced and accounted for.
 * Other rooms import from this file only.
 *
 *     const checkpoint = await openCheckpoint(path);
 *     const decoder = await Decoder.open(checkpoint, { cacheDirectory });
 *     const context = decoder.newContext(full(), 4096);
 *     const { logits } = await context.prefill(tokens, { signal });
 *     const next = await context.decode(token);
 *     await decoder.close();
 */

export * from './checkpoint';
export { adaptersFolder, withAdapters, type AdaptedModel } from './adapters/beside';
export { checkSums } from './checkpoint/sums';
export { fileInside } from './checkpoint/files';
export { Fields, readJson } from './checkpoint/json';
export { ggufSummary, type GgufSummary } from './formats/gguf/summary';
export { parseConfig } from './architectures/config';
export { openSafetensors } from './formats/safetensors';
export { anchors, intervalAnchors, tokenAnchors, type AnchorOptions } from './attention/anchors';
export { compose } from './attention/compose';
export { full } from './attention/full';
export { memories } from './attention/memories';
export { lambda, type LambdaOptions } from './attention/lambda';
export { anchorRows, middleRows, readingPolicy, readingRows, type LookBack } from './attention/reading';
export { RowKind, Seen, type AttentionPolicy, type RowPlace } from './attention/policy';
export { streaming } from './attention/streaming';
export type { ContextAccount, ContextGroup, ContextGroupKind } from './kv-cache/account';
export { decodeHalf, encodeHalf } from './kv-cache/float16';
export { KvRows, KvRowsError } from './kv-cache/kv-rows';
export { rowBytes, type RowShape } from './kv-cache/shape';
export { calibrate, type Calibrated, type CalibrateOptions } from './calibration/calibrate';
export {
  SearchCancelledError,
  searchFactors,
  type DcisOptions,
  type DcisProgress,
  type DcisResult,
  type DcisState,
} from './calibration/dcis';
export { beyondWindow, type BeyondWindow } from './calibration/beyond-window';
export { extendWindow, type StoredSearch, type StoredSearchOptions } from './calibration/stored-search';
export { factorPerplexity, needleRows, perplexityRows, type CalibrationRow } from './calibration/objective';
export {
  ContextFullError,
  Decoder,
  DecoderContext,
  DecoderError,
  chooseWeights,
  parameterCount,
  tokenBytes,
  type CacheType,
  type ContextOptions,
  type DecoderErrorCode,
  type DecoderOptions,
  type EncodedSegment,
  type EncodeOptions,
  type LiveCompression,
  type PrefillOptions,
  type PrefillResult,
  type SegmentInput,
  type MemoryTokenSet,
  type ModelShape,
  type WeightFormat,
} from './decoder';
export { checkCompiled, type CompileListener } from './decoder/compiled';
export { ENCODER_FILE, SentenceEncoder, VectorTable } from './encoder';
export * from './generate';
export * from './rope';
export { replaceFile } from './rope/rope-factors';
