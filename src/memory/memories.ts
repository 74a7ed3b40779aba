import type { MemoryRatios, TokenNeighbours } from '../protocol';
import { ByteCache } from '../base';
import { decodeHalf } from '../engine';
import type { MemoryEncoding } from './encode/encoding';
import { LateInteraction, type LateScore } from './late-interaction';
import type { MemoryStore } from './store/memory-store';
import { ReadBuffers } from './store/read-buffers';
import { foldRows, halves, joinFine } from './rows';
import type { MemoryUnit } from './encode/encoding-units';

/** A unit of the workspace whose memories are in the store. */
export interface MemorySegment extends MemoryUnit {
  path: string;
  file: string;
  /** Of the document's text, which its places are in. */
  hash: string;
  tokens: number;
  coarseRows: number;
  fineRows: number;
}

/** A segment and how like it is to what was asked for, −1…1. */
export interface Alike {
  segment: MemorySegment;
  similarity: number;
}

export interface MemoriesOptions {
  encoding: MemoryEncoding;
  store: MemoryStore;
  ratios: MemoryRatios;
  /** Bytes of one stored row. */
  bytesPerRow: number;
  /**
   * Numbers of a text's vector; those by which the model's attention chooses, where it learnt that, follow them in the
   * store.
   */
  vectorWidth: number;
  /** Of the ids that are kept of a text. */
  vocabSize: number;
  /** Bytes of coarse rows, folds, vectors and token ids kept in memory; default 96 MB. */
  cacheBytes?: number;
}

const CACHE_BYTES = 96 * 1024 * 1024;

/**
 * The memories of the workspace as a question uses them: which segments there are, what is near a vector, their rows.
 */
export class Memories {
  private readonly coarseRows: ByteCache<string, Uint8Array>;
  private readonly folds: ByteCache<string, Uint8Array>;
  private readonly vectors: ByteCache<string, Float32Array>;
  private readonly ids: ByteCache<string, Uint16Array>;
  private readonly buffers = new ReadBuffers();

  constructor(private readonly options: MemoriesOptions) {
    const each = (options.cacheBytes ?? CACHE_BYTES) / 4;
    this.coarseRows = new ByteCache<string, Uint8Array>(each, sizeOf);
    this.folds = new ByteCache<string, Uint8Array>(each, sizeOf);
    this.vectors = new ByteCache<string, Float32Array>(each, sizeOf);
    this.ids = new ByteCache<string, Uint16Array>(each, sizeOf);
  }

  get bytesPerRow(): number {
    return this.options.bytesPerRow;
  }

  get vocabSize(): number {
    return this.options.vocabSize;
  }

  /** Every unit of the workspace whose memories are there, in the order of documents and lines. */
  segments(): MemorySegment[] {
    const { encoding, store } = this.options;
    const found: MemorySegment[] = [];
    for (const { path, file, hash, units } of encoding.documents()) {
      for (const unit of units) {
        const record = store.describe(unit.key);
        if (record)
          found.push({
            ...unit,
            path,
            file,
            hash,
            tokens: record.tokens,
            coarseRows: record.coarseRows,
            fineRows: record.coarseRows + record.fineRows,
          });
      }
    }
    return found;
  }

  /** Cosine of each segment's vector with `query` (of length 1), the nearest first. */
  nearest(segments: readonly MemorySegment[], query: Float32Array, limit = Infinity): Promise<Alike[]> {
    return query.length === this.options.vectorWidth ? this.alike(segments, query, 0, limit) : Promise.resolve([]);
  }

  /**
   * How near each segment's mean key is to a question's mean query, `selection` (of length 1), in the metric that was
   * learnt for it: a cosine, the nearest first.
   */
  attended(segments: readonly MemorySegment[], selection: Float32Array, limit = Infinity): Promise<Alike[]> {
    return this.alike(segments, selection, this.options.vectorWidth, limit);
  }

  /**
   * Cosine of `query` with what is stored of each segment from the number `from` on; those of which less is stored are
   * left out.
   */
  private async alike(
    segments: readonly MemorySegment[],
    query: Float32Array,
    from: number,
    limit: number,
  ): Promise<Alike[]> {
    const scored: Alike[] = [];
    for (const segment of segments) {
      const vector = this.vectors.get(segment.key) ?? (await this.loadVector(segment.key));
      if (!vector || vector.length < from + query.length) continue;
      let similarity = 0;
      for (let i = 0; i < query.length; i++) similarity += (vector[from + i] as number) * (query[i] as number);
      scored.push({ segment, similarity });
    }
    return scored.sort((a, b) => b.similarity - a.similarity).slice(0, limit);
  }

  private loadVector(key: string): Promise<Float32Array | undefined> {
    return this.options.store.use(key, 'vector', (bytes) => this.vectors.set(key, decodeHalf(halves(bytes))));
  }

  /** How much of a question each segment holds, token by token; those that hold nothing of it are left out. */
  async late(
    segments: readonly MemorySegment[],
    look: TokenNeighbours,
  ): Promise<{ segment: MemorySegment; score: LateScore }[]> {
    const interaction = new LateInteraction(look, this.options.vocabSize);
    const scored: { segment: MemorySegment; score: LateScore }[] = [];
    for (const segment of segments) {
      const ids = await this.tokenIds(segment.key);
      const score = ids && interaction.score(ids);
      if (score && score.segment > 0) scored.push({ segment, score });
    }
    return scored;
  }

  /**
   * The token ids of a segment's text; undefined where none are kept, or its record was evicted or harmed meanwhile.
   */
  async tokenIds(key: string): Promise<Uint16Array | undefined> {
    const cached = this.ids.get(key);
    if (cached) return cached;
    const bytes = await this.options.store.ids(key);
    return bytes && bytes.byteLength > 0 ? this.ids.set(key, halves(bytes)) : undefined;
  }

  /** Coarse rows of a segment; undefined when its record was evicted or harmed meanwhile. */
  async coarse(key: string): Promise<Uint8Array | undefined> {
    const cached = this.coarseRows.get(key);
    if (cached) return cached;
    const bytes = await this.options.store.coarse(key);
    return bytes && this.coarseRows.set(key, bytes);
  }

  /**
   * Writes all fine rows of a segment, in the order of its text, to the beginning of `into`. Returns their bytes; 0
   * when its record was evicted or harmed meanwhile.
   */
  async fine({ key, tokens }: MemorySegment, into: Uint8Array): Promise<number> {
    const { store, bytesPerRow, ratios } = this.options;
    const coarse = await this.coarse(key);
    const written =
      coarse &&
      (await store.use(key, 'fine', (rest) => {
        joinFine(coarse, rest, tokens, bytesPerRow, ratios, into);
        return coarse.byteLength + rest.byteLength;
      }));
    return written ?? 0;
  }

  /**
   * The coarse rows of several segments folded into one row; undefined when none of them is there. Folds are kept under
   * the names of what they are made of, so that a file that changes gets a new one.
   */
  async folded(segments: readonly MemorySegment[]): Promise<Uint8Array | undefined> {
    const name = segments.map(({ key }) => key).join();
    const cached = this.folds.get(name);
    if (cached) return cached;
    const { store, bytesPerRow } = this.options;
    return this.buffers.lend(
      segments.reduce((rows, { coarseRows }) => rows + coarseRows, 0) * bytesPerRow,
      async (all) => {
        let at = 0;
        for (const { key } of segments) {
          await store.use(key, 'coarse', (rows) => {
            all.set(rows, at);
            at += rows.byteLength;
          });
        }
        return at === 0 ? undefined : this.folds.set(name, foldRows(all.subarray(0, at), bytesPerRow));
      },
    );
  }

  clear(): void {
    this.coarseRows.clear();
    this.folds.clear();
    this.vectors.clear();
    this.ids.clear();
  }
}

/** Keys count too: those of folds are long. */
function sizeOf({ byteLength }: { byteLength: number }, key: string): number {
  return byteLength + key.length;
}
