/** Public interface of this folder: compressed rows of segments, their store, and contexts composed of them. */
export { LateInteraction, type LateInteractionOptions, type LateScore } from './late-interaction';
export { MemoryReader, type MemoryReaderOptions, type MemorySegment } from './memory-reader';
export { chunkLengths, coarsePlaces, denseRowCount, joinFine, rowCounts } from './row-layout';
export { foldRows, halves, joinBytes, packRows, storedRowBytes, type StoredShape, unpackRows } from './rows';
export { checkMemories } from './store/check';
export { memoryFolder, removeUnusedMemories } from './store/folders';
export { decodeRecord, HEADER_BYTES, type MemoryPayload, type PackRecord } from './store/record';
export { MemoryStore, type MemoryStoreOptions, type MemoryStoreStats } from './store/memory-store';
export { type EncodingWorkspace, type EncodingOptions, MemoryEncoding } from './encode/encoding';
export { type EncodingUnit, memoryVersion } from './encode/encoding-units';
export { encodeAndStore, type SegmentCoder } from './encode/segment-coder';
export type { SharedRows } from './encode/shared-rows';
export {
  CAPACITY_ROWS,
  type ContextEngine,
  type ContextInput,
  type ContextRequest,
  type ContextSelection,
  readContext,
  type ReadingOptions,
  selectContext,
  type WorkspaceMemory,
} from './context/compose';
export type { Excerpt } from './context/parts';
export { plannedLedger } from './context/planned-ledger';
