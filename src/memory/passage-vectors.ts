import { VectorTable } from '../engine';
import type { MemorySegment } from './memory-reader';

/** Places of the vectors of a list of segments in the table. */
interface Places {
  /** Index of each segment's first vector, or one of the two below. */
  starts: Int32Array;
  counts: Int32Array;
}

const NO_VECTORS = -1;
const NO_ROOM = -2;
/** When the table is full, it is made anew if it holds so many times the segments of the workspace. */
const STALE = 1.25;

/**
 * Vectors of the passages of a workspace, side by side in memory. A question is compared with all of them. Vectors that
 * do not fit are read for each question.
 */
export class PassageVectors {
  private table: VectorTable | undefined;
  private readonly known = new Map<string, { start: number; count: number }>();
  private placed = new WeakMap<readonly MemorySegment[], Places>();

  /**
   * @param bytes maximum size of the vectors in memory
   * @param load reads the vectors of a segment, row after row; undefined when its record is gone
   */
  constructor(
    private readonly bytes: number,
    private readonly load: (key: string) => Promise<Int8Array | undefined>,
  ) {}

  /** Greatest cosine of each segment's passages with `sentence`, which has length 1. NaN for one without vectors. */
  async nearest(segments: readonly MemorySegment[], sentence: Float32Array): Promise<Float32Array> {
    const table = this.tableOf(sentence.length);
    const { starts, counts } = this.placed.get(segments) ?? (await this.place(segments, table));
    const cosines = table.cosines(sentence);
    const nearest = new Float32Array(segments.length);
    for (let i = 0; i < nearest.length; i++) {
      const start = starts[i] as number;
      if (start < 0) {
        nearest[i] = start === NO_ROOM ? await this.read((segments[i] as MemorySegment).key, sentence) : NaN;
        continue;
      }
      let best = cosines[start] as number;
      for (let at = start + 1, end = start + (counts[i] as number); at < end; at++)
        if ((cosines[at] as number) > best) best = cosines[at] as number;
      nearest[i] = best;
    }
    return nearest;
  }

  clear(): void {
    this.table = undefined;
    this.known.clear();
    this.placed = new WeakMap();
  }

  private tableOf(width: number): VectorTable {
    if (this.table?.width !== width) {
      this.clear();
      this.table = new VectorTable(width, Math.floor(this.bytes / width));
    }
    return this.table as VectorTable;
  }

  private async place(segments: readonly MemorySegment[], table: VectorTable): Promise<Places> {
    const places = { starts: new Int32Array(segments.length), counts: new Int32Array(segments.length) };
    for (const [i, { key }] of segments.entries()) {
      let known = this.known.get(key);
      if (!known) {
        const vectors = await this.load(key);
        if (!vectors || vectors.length === 0 || vectors.length % table.width !== 0) {
          places.starts[i] = NO_VECTORS;
          continue;
        }
        const start = table.append(vectors);
        if (start === undefined && this.known.size > STALE * segments.length) {
          this.known.clear();
          this.placed = new WeakMap();
          table.clear();
          return this.place(segments, table);
        }
        if (start === undefined) {
          places.starts[i] = NO_ROOM;
          continue;
        }
        known = { start, count: vectors.length / table.width };
        this.known.set(key, known);
      }
      places.starts[i] = known.start;
      places.counts[i] = known.count;
    }
    this.placed.set(segments, places);
    return places;
  }

  /** Compares the vectors of a segment that are not in the table. */
  private async read(key: string, sentence: Float32Array): Promise<number> {
    const vectors = await this.load(key);
    if (!vectors) return NaN;
    const own = new VectorTable(sentence.length, vectors.length / sentence.length);
    own.append(vectors);
    return Math.max(...own.cosines(sentence));
  }
}
