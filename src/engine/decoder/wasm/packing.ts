import { BLOCK, blocksOf } from '../quantize';
import type { KernelMemory } from './kernel-memory';
import { GROUP, weightBlockBytes } from './layout';

/** Rows that a kernel packs at once. */
const ROWS = 4;

/** Bytes of a packed matrix. Rows are filled up to whole groups of 16, with zeros. */
export function packedBytes(outputs: number, inputs: number, bits: 4 | 8): number {
  return Math.ceil(outputs / GROUP) * blocksOf(inputs) * weightBlockBytes(bits);
}

/** Rounded rows in the kernels' memory, as they were compiled: [rows, blocks, 32 levels] and [rows, blocks] scales. */
export interface RoundedRows {
  levels: number;
  scales: number;
  /** Rows; the memory behind them is filled up to a whole group, with scales of zero. */
  count: number;
}

/** Bytes of so many rows' levels and scales. */
export function rowSizes(inputs: number, bits: 4 | 8): { levels: number; scales: number } {
  return { levels: (blocksOf(inputs) * BLOCK * bits) / 8, scales: blocksOf(inputs) * 4 };
}

/**
 * Packs rounded rows (see quantize.ts) in the order of the kernels: group by group of 16 rows, block by block. A block
 * has steps of four bytes of each of the 16 rows (four 8-bit levels, now signed, or eight 4-bit ones), and then the 16
 * scales.
 *
 * @param to address of the first row's group
 */
export function packRows(memory: KernelMemory, rows: RoundedRows, bits: 4 | 8, inputs: number, to: number): void {
  const pack = bits === 4 ? memory.kernels.pack4 : memory.kernels.pack8;
  const blocks = blocksOf(inputs);
  const size = rowSizes(inputs, bits);
  const groupBytes = blocks * weightBlockBytes(bits);
  const end = Math.ceil(rows.count / GROUP) * GROUP;
  // Levels of zero times scales of zero: nothing of what was here before may stay.
  memory.bytes(rows.scales + rows.count * size.scales, (end - rows.count) * size.scales).fill(0);
  for (let row = 0; row < end; row += ROWS) {
    const out = to + Math.floor(row / GROUP) * groupBytes + (row % GROUP) * 4;
    pack(rows.levels + row * size.levels, rows.scales + row * size.scales, out, blocks, size.levels, size.scales);
  }
}
