/**
 * Rounding of weights. Rows of a matrix [rows, columns] are cut into blocks of 32 columns. A block shares one scale: w
 * ≈ scale · (level − zero), the layout of ONNX Runtime's MatMulNBits. Rounding is symmetric, so no zero points are
 * stored.
 */

export const BLOCK = 32;

/** The level of a weight of zero where levels are unsigned bytes. */
export const ZERO_LEVEL = 128;

export interface QuantizedRows {
  /** 8 bits: [rows, blocks, 32]; 4 bits: [rows, blocks, 16], the even column in the low nibble. */
  levels: Uint8Array;
  /** [rows, blocks] */
  scales: Float32Array;
}

/** Number of blocks of a row; the last one is filled up with zeros. */
export function blocksOf(columns: number): number {
  return Math.ceil(columns / BLOCK);
}

/** @param weights [rows, columns], row-major */
export function quantize8(weights: Float32Array, columns: number): QuantizedRows {
  const rows = weights.length / columns;
  const blocks = blocksOf(columns);
  const levels = new Uint8Array(rows * blocks * BLOCK).fill(128);
  const scales = new Float32Array(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const from = row * columns + block * BLOCK;
      const to = Math.min(from + BLOCK, (row + 1) * columns);
      const scale = Math.fround(largest(weights, from, to) / 127);
      scales[row * blocks + block] = scale;
      if (scale === 0) continue;
      const out = (row * blocks + block) * BLOCK;
      for (let i = from; i < to; i++) levels[out + i - from] = 128 + Math.round((weights[i] as number) / scale);
    }
  }
  return { levels, scales };
}

/**
 * Shares of the largest magnitude that are tried as the end of the 4-bit range. Clipping outliers often costs less than
 * coarse steps.
 */
export const CLIPS = [1, 0.95, 0.9, 0.85, 0.8, 0.74];

/**
 * Rounds to levels −8…7. The value of largest magnitude takes −8, as in llama.cpp's q4_0. Several clipped ranges are
 * tried, each with the scale that suits its levels best. The range that comes closest to the weights is kept.
 */
export function quantize4(weights: Float32Array, columns: number): QuantizedRows {
  const rows = weights.length / columns;
  const blocks = blocksOf(columns);
  const levels = new Uint8Array((rows * blocks * BLOCK) / 2).fill(0x88);
  const scales = new Float32Array(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const from = row * columns + block * BLOCK;
      const to = Math.min(from + BLOCK, (row + 1) * columns);
      const { scale, inverse } = bestRange4(weights, from, to);
      scales[row * blocks + block] = scale;
      if (scale === 0) continue;
      const out = ((row * blocks + block) * BLOCK) / 2;
      for (let i = from; i < to; i += 2) {
        const low = level4(weights[i] as number, inverse) + 8;
        const high = i + 1 < to ? level4(weights[i + 1] as number, inverse) + 8 : 8;
        levels[out + (i - from) / 2] = low | (high << 4);
      }
    }
  }
  return { levels, scales };
}

function level4(weight: number, inverse: number): number {
  const level = Math.round(weight * inverse);
  return level < -8 ? -8 : level > 7 ? 7 : level;
}

/** Levels l = level(w / tried) are closest to w at the scale Σ w l / Σ l². They explain (Σ w l)² / Σ l² of it. */
function bestRange4(weights: Float32Array, from: number, to: number): { scale: number; inverse: number } {
  let extreme = 0;
  for (let i = from; i < to; i++) {
    const value = weights[i] as number;
    if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  }
  const best = { scale: 0, inverse: 0 };
  if (Math.fround(extreme / -8) === 0) return best;
  let most = 0;
  for (const clip of CLIPS) {
    const inverse = -8 / (extreme * clip);
    let [products, squares] = [0, 0];
    for (let i = from; i < to; i++) {
      const value = weights[i] as number;
      const level = level4(value, inverse);
      products += value * level;
      squares += level * level;
    }
    if (products * products <= most * squares) continue;
    most = (products * products) / squares;
    best.scale = Math.fround(products / squares);
    best.inverse = inverse;
  }
  return best;
}

export interface QuantizedColumns {
  /**
   * Transposed: [columns of the matrix, rows of the matrix], as an integer product wants its right side. Zero is 128.
   */
  levels: Uint8Array;
  /** One scale for each row of the matrix (each output). */
  scales: Float32Array;
}

/**
 * Rounds to bytes with one scale per output, for products with rows rounded to bytes ("i8q"). Bytes are unsigned: on
 * processors without VNNI, ONNX Runtime's product of unsigned by signed bytes saturates sums of two at 16 bits (6 to
 * 24% relative error measured on AVX2), the product of unsigned bytes does not. With VNNI both take the same time.
 */
export function quantizeOutputs(
  weights: Float32Array,
  columns: number,
  into: QuantizedColumns,
  firstRow: number,
): void {
  const rows = weights.length / columns;
  const outputs = into.scales.length;
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    const scale = Math.fround(largest(weights, from, from + columns) / 127);
    into.scales[firstRow + row] = scale;
    for (let i = 0; i < columns; i++) {
      into.levels[i * outputs + firstRow + row] =
        ZERO_LEVEL + (scale === 0 ? 0 : Math.round((weights[from + i] as number) / scale));
    }
  }
}

/** Largest level of a 7-bit weight. */
const MOST_OF_7_BITS = 63;

/**
 * Rounds to signed 7-bit levels with one scale per output. Two products of such a weight with an unsigned byte fit into
 * 16 bits, so the fast product of unsigned by signed bytes never saturates, with or without VNNI. Layout as in
 * `quantizeOutputs`; zero is 0.
 */
export function quantizeOutputs7(
  weights: Float32Array,
  columns: number,
  into: { levels: Int8Array; scales: Float32Array },
  firstRow: number,
): void {
  const rows = weights.length / columns;
  const outputs = into.scales.length;
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    const scale = Math.fround(largest(weights, from, from + columns) / MOST_OF_7_BITS);
    into.scales[firstRow + row] = scale;
    for (let i = 0; i < columns; i++)
      into.levels[i * outputs + firstRow + row] = scale === 0 ? 0 : Math.round((weights[from + i] as number) / scale);
  }
}

function largest(values: Float32Array, from: number, to: number): number {
  let found = 0;
  for (let i = from; i < to; i++) {
    const value = Math.abs(values[i] as number);
    if (value > found) found = value;
  }
  return found;
}
