import { ByteCache } from '../base';
import type { MemoryRatios } from '../protocol/memory';
import type { MemoryEncoding } from './encode/encoding';
import type { EncodingUnit } from './encode/encoding-units';
import type { LateInteraction, LateScore } from './late-interaction';
import { PassageVectors } from './passage-vectors';
import { joinFine } from './row-layout';
import { foldRows, halves } from './rows';
import type { MemoryStore } from './store/memory-store';
import { ReadBuffers } from './store/read-buffers';

/** A unit of the workspace whose compressed rows are in the store. */
export interface MemorySegment extends EncodingUnit {
  path: string;
  file: string;
  /** Hash of the document's text to which the offsets refer. */
  hash: string;
  tokens: number;
  coarseRows: number;
  /** Number of all fine rows, coarse rows included. */
  fineRows: number;
  /** Another machine of the team has made the rows. */
  fromTeam?: boolean;
}

export interface MemoryReaderOptions {
  encoding: MemoryEncoding;
  store: MemoryStore;
  ratios: MemoryRatios;
  /** Bytes of one stored row. */
  bytesPerRow: number;
  vocabSize: number;
  /** Maximum bytes of rows, vectors of passages and token ids in memory; default 160 MB. */
  cacheBytes?: number;
}

/** The segments of a state of the store and of the documents. */
interface List {
  /** Number of changes of the store. */
  changes: number;
  byUnits: WeakMap<readonly EncodingUnit[], MemorySegment[]>;
  /** Units of each document, in order. */
  order: readonly (readonly EncodingUnit[])[];
  segments: readonly MemorySegment[];
}

type UnitsOfDocument = ReturnType<MemoryEncoding['documents']> extends Iterable<infer D> ? D : never;

const CACHE_BYTES = 160 * 1024 * 1024;
/**
 * Shares of the cache. A search compares all vectors of passages: of 90 MB of code 42 MB. Where they do not fit, each
 * search reads the rest from the disk. It reads the token ids of some hundred segments, of a small workspace all.
 */
const SHARES = { passages: 0.4, ids: 0.4, coarse: 0.1, folds: 0.1 };

/** Reads stored memories for a question: the encoded segments, their similarity with the question, and their rows. */
export class MemoryReader {
  private readonly coarseRows: ByteCache<string, Uint8Array>;
  private readonly folds: ByteCache<string, Uint8Array>;
  private readonly ids: ByteCache<string, Uint16Array>;
  private readonly passages: PassageVectors;
  private readonly buffers = new ReadBuffers();
  /** A search lists all segments, and few change between two searches. */
  private listed = emptyList(-1);

  constructor(private readonly options: MemoryReaderOptions) {
    const bytes = (kind: keyof typeof SHARES): number => Math.floor((options.cacheBytes ?? CACHE_BYTES) * SHARES[kind]);
    this.coarseRows = new ByteCache<string, Uint8Array>(bytes('coarse'), sizeOf);
    this.folds = new ByteCache<string, Uint8Array>(bytes('folds'), sizeOf);
    this.ids = new ByteCache<string, Uint16Array>(bytes('ids'), sizeOf);
    this.passages = new PassageVectors(bytes('passages'), (key) =>
      options.store.use(key, 'passages', ({ buffer, byteOffset, byteLength }) =>
        Int8Array.from(new Int8Array(buffer, byteOffset, byteLength)),
      ),
    );
  }

  get bytesPerRow(): number {
    return this.options.bytesPerRow;
  }

  get vocabSize(): number {
    return this.options.vocabSize;
  }

  /**
   * Lists the units with stored rows, in order of documents and lines. Returns the same list until one of them changes.
   */
  segments(): readonly MemorySegment[] {
    const { encoding, store } = this.options;
    if (this.listed.changes !== store.changes) this.listed = emptyList(store.changes);
    const { byUnits, order } = this.listed;
    const documents = [...encoding.documents()];
    if (documents.length === order.length && documents.every(({ units }, i) => units === order[i]))
      return this.listed.segments;
    const found: MemorySegment[] = [];
    for (const document of documents) {
      let own = byUnits.get(document.units);
      if (!own) byUnits.set(document.units, (own = this.segmentsOf(document)));
      for (const segment of own) found.push(segment);
    }
    this.listed = { ...this.listed, order: documents.map(({ units }) => units), segments: found };
    return found;
  }

  private segmentsOf({ path, file, hash, units }: UnitsOfDocument): MemorySegment[] {
    return units.flatMap((unit): MemorySegment[] => {
      const record = this.options.store.describe(unit.key);
      if (!record) return [];
      const { tokens, coarseRows, restRows, fromTeam } = record;
      const place = { ...unit, path, file, hash };
      return [{ ...place, tokens, coarseRows, fineRows: coarseRows + restRows, ...(fromTeam ? { fromTeam } : {}) }];
    });
  }

  /** Greatest cosine of each segment's passages with `sentence`, which has length 1. NaN for one without vectors. */
  nearestPassages(segments: readonly MemorySegment[], sentence: Float32Array): Promise<Float32Array> {
    return this.passages.nearest(segments, sentence);
  }

  /** Scores segments by late interaction. Segments without any token of the question are omitted. */
  async late(
    segments: readonly MemorySegment[],
    interaction: LateInteraction,
  ): Promise<{ segment: MemorySegment; score: LateScore }[]> {
    const scored: { segment: MemorySegment; score: LateScore }[] = [];
    for (const segment of segments) {
      const ids = this.ids.get(segment.key) ?? (await this.tokenIds(segment.key));
      const score = ids && interaction.score(ids);
      if (score && score.segment > 0) scored.push({ segment, score });
    }
    return scored;
  }

  /**
   * Returns the token ids of a segment's text. Undefined when none are stored, or when the record was evicted or
   * damaged.
   */
  async tokenIds(key: string): Promise<Uint16Array | undefined> {
    const cached = this.ids.get(key);
    if (cached) return cached;
    const bytes = await this.options.store.ids(key);
    return bytes && bytes.byteLength > 0 ? this.ids.set(key, halves(bytes)) : undefined;
  }

  /** Returns the coarse rows of a segment. Undefined when its record was evicted or damaged. */
  async coarse(key: string): Promise<Uint8Array | undefined> {
    const cached = this.coarseRows.get(key);
    if (cached) return cached;
    const bytes = await this.options.store.coarse(key);
    return bytes && this.coarseRows.set(key, bytes);
  }

  /**
   * Writes all fine rows of a segment, in the order of its text, to the start of `into`. Returns their bytes; 0 when
   * the record was evicted or damaged.
   */
  async fine({ key, tokens }: MemorySegment, into: Uint8Array): Promise<number> {
    const { store, bytesPerRow, ratios } = this.options;
    const coarse = await this.coarse(key);
    const written =
      coarse &&
      (await store.use(key, 'rest', (rest) => {
        joinFine(coarse, rest, tokens, bytesPerRow, ratios, into);
        return coarse.byteLength + rest.byteLength;
      }));
    return written ?? 0;
  }

  /**
   * Folds the coarse rows of several segments into one row. Returns undefined when none is stored. The cache key is
   * the keys of the segments, so a changed file gets a new fold.
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
    this.ids.clear();
    this.passages.clear();
  }
}

const emptyList = (changes: number): List => ({ changes, byUnits: new WeakMap(), order: [], segments: [] });

/** Includes the length of the key, because keys of folded rows are long. */
function sizeOf({ byteLength }: { byteLength: number }, key: string): number {
  return byteLength + key.length;
}
