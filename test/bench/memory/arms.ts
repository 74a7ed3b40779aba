/** Altered memories of a workspace that show what the original ones carry: zeroed, of another file, left out. */
import type { MemoryStore, MemorySegment } from '../../../src/memory';
import type { MemoryPart } from '../../../src/memory/store/record';

export const MEMORY_ARMS = ['as they are', 'zeroed', 'of another file', 'left out'] as const;
/** `rows zeroed`: token ids and vectors of passages, which rank segments, stay. */
export type MemoryArm = (typeof MEMORY_ARMS)[number] | 'rows zeroed';

type Reads = Pick<MemoryStore, 'describe' | 'ids' | 'coarse' | 'rest' | 'use'>;

/** A store that alters the token ids, vectors of passages and rows of every segment. */
export function alteredStore(store: MemoryStore, segments: readonly MemorySegment[], arm: MemoryArm): MemoryStore {
  const other = new Map(segments.map(({ key, path }, i) => [key, elsewhere(segments, i, path)]));
  const read =
    (part: MemoryPart) =>
    async (key: string): Promise<Uint8Array | undefined> => {
      if (arm === 'left out') return undefined;
      const from = arm === 'of another file' ? (other.get(key) ?? key) : key;
      const bytes = await store.use(from, part, (own) => own.slice());
      const zeroes = arm === 'zeroed' || (arm === 'rows zeroed' && (part === 'coarse' || part === 'rest'));
      return bytes && zeroes ? new Uint8Array(bytes.byteLength) : bytes;
    };
  const altered: Reads = {
    describe: (key) => store.describe(key),
    ids: read('ids'),
    coarse: read('coarse'),
    rest: read('rest'),
    use: async (key, part, take) => {
      const bytes = await read(part)(key);
      return bytes && take(bytes);
    },
  };
  return altered as MemoryStore;
}

/** Returns the key of the segment half the workspace away, or of the next one after it from another file. */
function elsewhere(segments: readonly MemorySegment[], from: number, path: string): string | undefined {
  for (let step = 0; step < segments.length; step++) {
    const segment = segments[(from + Math.floor(segments.length / 2) + step) % segments.length];
    if (segment && segment.path !== path) return segment.key;
  }
  return undefined;
}
