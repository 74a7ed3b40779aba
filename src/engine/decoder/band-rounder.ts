import { availableParallelism } from 'node:os';
import type { ModelConfig } from '../checkpoint/types';
import { parameterCount } from './options';
import { BLOCK, blocksOf, quantize4, quantize8, quantizeOutputs, type QuantizedColumns } from './quantize';
import { RoundingMemory, type RoundingCall } from './wasm/rounding-memory';

/** Values of a band, about: few enough for the processor's cache. */
const BAND_VALUES = 1 << 20;
/** Rows and columns of the tiles in which a matrix is transposed. */
const TILE = 16;
const MOST_THREADS = 4;
/** Parameters from which threads are worth their start. */
const THREADED = 20e6;

/** Rows of a band of a matrix with rows of this width: whole tiles. */
export function bandRows(columns: number): number {
  return Math.max(TILE, Math.floor(BAND_VALUES / columns / TILE) * TILE);
}

/** Threads that round the weights of a model; 0 for the caller's own. */
export function roundingThreads(config: ModelConfig): number {
  return parameterCount(config) < THREADED ? 0 : Math.min(MOST_THREADS, availableParallelism());
}

/** Reads a band into memory; returns the number of values. */
export type ReadBand = (into: Float32Array) => Promise<number>;

/** The forms in which a band is written. */
export interface RoundingTarget {
  columns: number;
  /** Blocks with levels of so many bits. */
  bits: 4 | 8 | undefined;
  /** The matrix in transposed bytes, and the band's first row in it. */
  whole?: TransposedMatrix;
  row?: number;
}

export interface RoundedBand {
  /** Valid until the receiver returns. */
  blocks: { levels: Uint8Array; scales: Float32Array } | undefined;
  /** Whether all values were finite. */
  isFinite: boolean;
}

/** A matrix in bytes, [columns, rows], in the memory of the rounding. */
export interface TransposedMatrix extends QuantizedColumns {
  at: number;
}

/** Addresses of a band in progress. */
interface Slot {
  values: number;
  levels: number;
  scales: number;
  bytes: number;
  rowScales: number;
}

/**
 * Rounds bands side by side and hands them on in order. Bands with rows of whole blocks take the kernels; others, which
 * only tiny models have, the functions of quantize.ts.
 */
export class BandRounder {
  readonly #memory: RoundingMemory;
  readonly #free: Slot[];
  readonly #pending: { slot: Slot; finish: () => Promise<void> }[] = [];
  readonly #values: number;
  #whole: { at: number; bytes: number } | undefined;

  /** @param widest the most columns of a matrix */
  constructor(widest: number, threads: number) {
    this.#memory = new RoundingMemory(threads);
    const values = Math.max(BAND_VALUES, TILE * widest);
    this.#values = values;
    const room = (bytes: number) => this.#memory.allocate(bytes);
    this.#free = Array.from({ length: threads + 1 }, () => ({
      values: room(values * 4),
      levels: room(values * 2),
      scales: room((values / BLOCK + TILE) * 4),
      bytes: room(values),
      rowScales: room((values / TILE + TILE) * 4),
    }));
  }

  /** Memory for a matrix in transposed bytes. One at a time: the next one takes its place. */
  transposed(outputs: number, inputs: number): TransposedMatrix {
    const bytes = outputs * inputs;
    const scales = new Float32Array(outputs);
    if (!RoundingMemory.canTranspose(bytes)) return { at: -1, levels: new Uint8Array(bytes), scales };
    if (!this.#whole || this.#whole.bytes < bytes) this.#whole = { at: this.#memory.allocate(bytes), bytes };
    const { at } = this.#whole;
    return { at, levels: this.#memory.bytes(at, bytes), scales };
  }

  /** Begins with a band. `receive` gets it after the bands before it. */
  async round(read: ReadBand, target: RoundingTarget, receive: (band: RoundedBand) => Promise<void>): Promise<void> {
    await this.#begin(read, (slot, values) => this.#round(slot, values, target), receive);
  }

  /** Waits until all bands have been handed on. */
  async flush(): Promise<void> {
    while (this.#pending.length > 0) await this.#finishFirst();
  }

  close(): Promise<void> {
    return this.#memory.close();
  }

  async #begin<T>(
    read: ReadBand,
    work: (slot: Slot, values: Float32Array) => Promise<T>,
    receive: (made: T) => Promise<void>,
  ): Promise<void> {
    if (this.#free.length === 0) await this.#finishFirst();
    const slot = this.#free.pop() as Slot;
    const count = await read(this.#memory.floats(slot.values, this.#values));
    const made = work(slot, this.#memory.floats(slot.values, count));
    // Seen in finishFirst; without this an error in between would count as nobody's.
    made.catch(() => undefined);
    this.#pending.push({ slot, finish: async () => receive(await made) });
  }

  async #finishFirst(): Promise<void> {
    const first = this.#pending.shift();
    if (!first) return;
    await first.finish();
    this.#free.push(first.slot);
  }

  async #round(
    slot: Slot,
    values: Float32Array,
    { columns, bits, whole, row = 0 }: RoundingTarget,
  ): Promise<RoundedBand> {
    const rows = values.length / columns;
    const blocks = rows * blocksOf(columns);
    if (columns % BLOCK !== 0) return plainly(values, { columns, bits, ...(whole ? { whole, row } : {}) });
    const calls: RoundingCall[] = [];
    if (bits) calls.push([bits === 4 ? 'blocks4' : 'blocks8', slot.values, slot.levels, slot.scales, blocks]);
    const tiled = whole && whole.at >= 0 ? rows - (rows % TILE) : 0;
    if (whole && tiled > 0) {
      calls.push(['rows8', slot.values, slot.bytes, slot.rowScales, tiled, columns / TILE]);
      const { length } = whole.scales;
      calls.push(['transpose16', slot.bytes, whole.at + row, length, columns / TILE, tiled / TILE]);
    }
    await this.#memory.run(calls);
    if (whole) {
      whole.scales.set(this.#memory.floats(slot.rowScales, tiled), row);
      if (tiled < rows) quantizeOutputs(values.subarray(tiled * columns), columns, whole, row + tiled);
    }
    const scales = this.#memory.floats(slot.scales, bits ? blocks : 0);
    const outputs = whole ? whole.scales.subarray(row, row + rows) : new Float32Array(0);
    return {
      blocks: bits ? { levels: this.#memory.bytes(slot.levels, (blocks * BLOCK * bits) / 8), scales } : undefined,
      isFinite: allFinite(scales) && allFinite(outputs),
    };
  }
}

function plainly(values: Float32Array, { columns, bits, whole, row = 0 }: RoundingTarget): RoundedBand {
  if (whole) quantizeOutputs(values, columns, whole, row);
  const quantize = bits === 4 ? quantize4 : quantize8;
  return { blocks: bits ? quantize(values, columns) : undefined, isFinite: allFinite(values) };
}

function allFinite(values: Float32Array): boolean {
  // A sum is not finite if any value is not. f64 cannot overflow from f32 magnitudes.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return Number.isFinite(sum);
}
