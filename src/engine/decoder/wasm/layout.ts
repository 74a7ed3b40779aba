/** Sizes and offsets (bytes) that the kernels and the memory they read share. */

import { BLOCK } from '../quantize';

/** Rows of a matrix that are computed side by side: four vectors of four. */
export const GROUP = 16;
/**
 * An activation block: two times 32 bytes of levels, the scale (f32) at `scale`, and at `sum` the sum of the
 * levels times the smallest step of a 4-bit zero (f32).
 */
export const ACTIVATION_BLOCK_BYTES = 80;
export const ACTIVATION = { scale: 64, sum: 68 } as const;
/** Bytes of one block of 32 columns of 16 rows: levels, then the rows' scales (f32; with 4 bits words of packScale). */
export const weightBlockBytes = (bits: 4 | 8): number => (GROUP * BLOCK * bits) / 8 + GROUP * 4;

/** Addresses by which the threads synchronize, each on its own cache line. */
export const CONTROL = { epoch: 0, sleepers: 64, closed: 128, job: 192, bytes: 256 } as const;

/**
 * A job: fields as i32, then the next ticket and the pieces done on cache lines of their own. `kind` gives the meaning
 * of a piece. Kinds 4 and 8 are products with that many bits, whose pieces are groups of rows. Kind 0 is attention,
 * whose pieces are tasks. A ticket is valid for the piece `ticket − base`, if there is one.
 */
export const JOB = { bytes: 256, kind: 0, pieces: 4, chunk: 8, base: 12, next: 64, done: 128 } as const;
/** Fields of a product. */
export const PRODUCT = { x: 16, weights: 20, out: 24, blocks: 28 } as const;
/**
 * Fields of attention: address of the tasks; offset of the layer, of a page's values and of their scales; bytes between
 * the partials of two heads; query heads of a key head; blocks of 32 dimensions, groups of 16; factor of the scores
 * (f32).
 */
export const ATTENTION = {
  tasks: 16,
  layer: 20,
  values: 24,
  scales: 28,
  stride: 32,
  perHead: 36,
  blocks: 40,
  dimensions: 44,
  factor: 48,
} as const;
