import type { SegmentMemory } from '../../protocol/memory';
import type { MemoryStore } from '../store/memory-store';

/** Compresses texts into rows. The app implements it with the inference process. */
export interface SegmentCoder {
  /** Identifies everything that rows depend on besides the text (`memoryVersion`). */
  readonly version: string;
  /** @throws when the engine fails or exits; the caller requests the same texts again later */
  encode(texts: readonly string[], signal: AbortSignal): Promise<readonly SegmentMemory[]>;
}

/**
 * Compresses texts and stores the rows under their keys. A process that does not write the store only returns the
 * rows.
 * @throws when the coder fails or returns another number of segments
 */
export async function encodeAndStore(
  texts: readonly string[],
  keys: readonly string[],
  { coder, store }: { coder: SegmentCoder; store: MemoryStore },
  signal: AbortSignal,
): Promise<readonly SegmentMemory[]> {
  const made = await coder.encode(texts, signal);
  if (made.length !== keys.length) throw new Error(`the model encoded ${made.length} texts instead of ${keys.length}`);
  for (const [i, { tokens, coarseRows, restRows, bytesPerRow, ...parts }] of made.entries()) {
    const rows = { coarse: coarseRows, rest: restRows, bytesPerRow };
    await store.put(keys[i] as string, tokens, rows, parts);
  }
  return made;
}
