import { singleOf } from '../../kv-cache/float16';
import type { RowStore } from '../../kv-cache/row-store';
import type { CacheArray, RowShape } from '../../kv-cache/shape';
import { BLOCK } from '../quantize';
import { PAGE_SLOTS, pagePart, type PagePart } from './attention-layout';
import type { KernelMemory } from './kernel-memory';
import { GROUP, weightBlockBytes } from './layout';

/** Pages of one model's rows. Pages of stores that nobody holds any more are used again. */
export class PagePool {
  readonly part: PagePart;
  /** All layers and key heads of 256 slots. */
  readonly pageBytes: number;
  readonly #free: number[] = [];
  readonly #dropped = new FinalizationRegistry<number[]>((pages) => this.#free.push(...pages));

  constructor(
    readonly memory: KernelMemory,
    readonly shape: RowShape,
  ) {
    this.part = pagePart(shape.headDim);
    this.pageBytes = shape.layers * shape.kvHeads * this.part.bytes;
  }

  /** @throws RangeError when there is no room */
  take(): number {
    return this.#free.pop() ?? this.memory.allocate(this.pageBytes);
  }

  /** The pages come back when the store is gone. */
  follow(store: RowStore, pages: number[]): void {
    this.#dropped.register(store, pages);
  }
}

/**
 * A copy in bytes of a store's rows, slot by slot, in the order in which the attention kernels read them. Keys have a
 * scale for every 32 dimensions, values one for each row.
 */
export class ByteRows {
  /** Addresses of the pages. */
  readonly pages: number[] = [];
  readonly #pool: PagePool;
  /** The store's clock when it was copied last. */
  #seen = 0;
  readonly #row: Float32Array;

  constructor(pool: PagePool, store: RowStore) {
    this.#pool = pool;
    this.#row = new Float32Array(pool.shape.headDim);
    pool.follow(store, this.pages);
  }

  /** Copies what was written since the last time. @throws RangeError when there is no room */
  follow(store: RowStore): void {
    while (this.pages.length * PAGE_SLOTS < store.end) this.pages.push(this.#pool.take());
    if (this.#seen === store.clock) return;
    const { stamps } = store;
    const slots: number[] = [];
    for (let slot = 0; slot < store.end; slot++) if ((stamps[slot] as number) > this.#seen) slots.push(slot);
    this.#copy(store, slots);
    this.#seen = store.clock;
  }

  /** Layer by layer and head by head, so that reads and writes are consecutive. */
  #copy(store: RowStore, slots: readonly number[]): void {
    const { layers, kvHeads, headDim } = this.#pool.shape;
    const { memory, part, pageBytes } = this.#pool;
    const bytes = this.pages.map((page) => memory.bytes(page, pageBytes));
    const floats = this.pages.map((page) => memory.floats(page, pageBytes / 4));
    for (let layer = 0; layer < layers; layer++) {
      for (let head = 0; head < kvHeads; head++) {
        const at = (layer * kvHeads + head) * part.bytes;
        for (const slot of slots) {
          const from = (head * store.capacity + slot) * headDim;
          const page = Math.floor(slot / PAGE_SLOTS);
          this.#read(store.keys[layer] as CacheArray, from);
          this.#key(bytes[page] as Uint8Array, floats[page] as Float32Array, at, slot % PAGE_SLOTS);
          this.#read(store.values[layer] as CacheArray, from);
          this.#value(bytes[page] as Uint8Array, floats[page] as Float32Array, at, slot % PAGE_SLOTS);
        }
      }
    }
  }

  #read(rows: CacheArray, from: number): void {
    const row = this.#row;
    if (rows instanceof Float32Array) for (let i = 0; i < row.length; i++) row[i] = rows[from + i] as number;
    else for (let i = 0; i < row.length; i++) row[i] = singleOf[rows[from + i] as number] as number;
  }

  #key(bytes: Uint8Array, floats: Float32Array, at: number, place: number): void {
    const { blocks } = this.#pool.part;
    const row = this.#row;
    const group = Math.floor(place / GROUP) * blocks;
    const lane = place % GROUP;
    for (let block = 0; block < blocks; block++) {
      const first = block * BLOCK;
      const end = Math.min(first + BLOCK, row.length);
      const scale = largest(row, first, end) / 127;
      const inverse = scale === 0 ? 0 : 1 / scale;
      const out = at + (group + block) * weightBlockBytes(8);
      for (let d = first; d < end; d++)
        bytes[out + ((d - first) >> 2) * 64 + lane * 4 + (d & 3)] = Math.round((row[d] as number) * inverse);
      floats[(out + GROUP * BLOCK) / 4 + lane] = scale;
    }
  }

  #value(bytes: Uint8Array, floats: Float32Array, at: number, place: number): void {
    const { values, scales } = this.#pool.part;
    const row = this.#row;
    const scale = largest(row, 0, row.length) / 127;
    const inverse = scale === 0 ? 0 : 1 / scale;
    const out = at + values + (place >> 5) * BLOCK * GROUP + ((place & 31) >> 2) * 64 + (place & 3);
    for (let d = 0; d < row.length; d++)
      bytes[out + (d >> 4) * GROUP * PAGE_SLOTS + (d & 15) * 4] = Math.round((row[d] as number) * inverse);
    floats[(at + scales) / 4 + place] = scale;
  }
}

function largest(row: Float32Array, from: number, to: number): number {
  let most = 0;
  for (let i = from; i < to; i++) most = Math.max(most, Math.abs(row[i] as number));
  return most;
}
