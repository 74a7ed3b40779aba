/** Memories as they are, and what is held against them: zeroed, those of another file, none. */
import type { MemoryStore } from '../../../src/memory/store/memory-store';
import type { MemorySegment } from '../../../src/memory/memories';

export const MEMORY_ARMS = ['as they are', 'zeroed', 'of another file', 'left out'] as const;
export type MemoryArm = (typeof MEMORY_ARMS)[number];

type Reads = Pick<MemoryStore, 'describe' | 'vector' | 'ids' | 'coarse' | 'fine' | 'use'>;

/** A store that gives for each segment what the arm says: vector, token ids and rows alike. */
export function alteredStore(store: MemoryStore, segments: readonly MemorySegment[], arm: MemoryArm): MemoryStore {
  const other = new Map(segments.map(({ key, path }, i) => [key, elsewhere(segments, i, path)]));
  const read =
    (part: 'vector' | 'ids' | 'coarse' | 'fine') =>
    async (key: string): Promise<Uint8Array | undefined> => {
      if (arm === 'left out') return undefined;
      const bytes = await store[part](arm === 'of another file' ? (other.get(key) ?? key) : key);
      return bytes && arm === 'zeroed' ? new Uint8Array(bytes.byteLength) : bytes;
    };
  const altered: Reads = {
    describe: (key) => store.describe(key),
    vector: read('vector'),
    ids: read('ids'),
    coarse: read('coarse'),
    fine: read('fine'),
    use: async (key, part, look) => {
      const bytes = await read(part)(key);
      return bytes && look(bytes);
    },
  };
  return altered as MemoryStore;
}

/** The key of the segment half the workspace away, or the next after it that is of another file. */
function elsewhere(segments: readonly MemorySegment[], from: number, path: string): string | undefined {
  for (let step = 0; step < segments.length; step++) {
    const segment = segments[(from + Math.floor(segments.length / 2) + step) % segments.length];
    if (segment && segment.path !== path) return segment.key;
  }
  return undefined;
}
