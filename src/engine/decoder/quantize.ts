/**
 * Rounding of weights. Rows of a matrix [rows, columns] are cut into blocks of 32 columns. With 8 bits, w ≈ scale ·
 * (level − 128), the layout of ONNX Runtime's MatMulNBits. With 4 bits, w ≈ scale · (level − zero). Each block has a
 * zero of its own: the blocks of Q4_0, Q4_1 and Q4_K fit in, and others lose less than around a fixed zero.
 */

export const BLOCK = 32;

/** The level of a weight of zero where levels are unsigned bytes. */
export const ZERO_LEVEL = 128;

export interface QuantizedRows {
  /** 8 bits: [rows, blocks, 32]; 4 bits: [rows, blocks, 16], the even column in the low nibble. */
  levels: Uint8Array;
  /** [rows, blocks]; with 4 bits words of `packScale`. */
  scales: Float32Array;
}

/** Fractions of a level in which the zero of a 4-bit block is kept. */
export const ZERO_STEPS = 512;
/** Bits of a word that hold the zero: from 0 to 15.998 levels. */
export const ZERO_MASK = 0x1fff;

const word = new Float32Array(1);
const wordBits = new Uint32Array(word.buffer);

/**
 * Scale and zero of a 4-bit block in one word: the scale's sign, exponent and ten bits of its mantissa (an f16 stays
 * exact), then the zero in 13 bits. As an f32 the word is the scale, about; NaN and infinity stay what they are.
 */
export function packScale(scale: number, zero: number): number {
  word[0] = scale;
  if (!Number.isFinite(scale)) return scale;
  const steps = Math.min(ZERO_MASK, Math.max(0, Math.round(zero * ZERO_STEPS)));
  wordBits[0] = (((wordBits[0] as number) + (ZERO_MASK + 1) / 2) & ~ZERO_MASK) | steps;
  return word[0];
}

export function unpackScale(packed: number): { scale: number; zero: number } {
  word[0] = packed;
  const zero = ((wordBits[0] as number) & ZERO_MASK) / ZERO_STEPS;
  wordBits[0] = (wordBits[0] as number) & ~ZERO_MASK;
  return { scale: word[0], zero };
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

/** Parts of the whole range that are tried. Clipping outliers often costs less than coarse steps. */
export const CLIPS = [1, 0.95, 0.9, 0.85, 0.8, 0.74];

/**
 * Rounds to levels 0…15. Several clipped ranges around zero are tried, each with the scale and zero that suit its
 * levels best. The one that comes closest to the weights is kept.
 */
export function quantize4(weights: Float32Array, columns: number): QuantizedRows {
  const rows = weights.length / columns;
  const blocks = blocksOf(columns);
  const levels = new Uint8Array((rows * blocks * BLOCK) / 2);
  const scales = new Float32Array(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const from = row * columns + block * BLOCK;
      const to = Math.min(from + BLOCK, (row + 1) * columns);
      const packed = bestRange4(weights, from, to);
      const { scale, zero } = unpackScale(packed);
      scales[row * blocks + block] = packed;
      if (scale === 0) continue;
      const out = ((row * blocks + block) * BLOCK) / 2;
      for (let i = from; i < to; i += 2) {
        const low = level4(weights[i] as number, 1 / scale, zero);
        const high = i + 1 < to ? level4(weights[i + 1] as number, 1 / scale, zero) : 0;
        levels[out + (i - from) / 2] = low | (high << 4);
      }
    }
  }
  return { levels, scales };
}

function level4(weight: number, inverse: number, zero: number): number {
  const level = Math.round(weight * inverse + zero);
  return level < 0 ? 0 : level > 15 ? 15 : level;
}

/**
 * Levels l are closest to w at the scale and zero of the least squares of w ≈ scale · l + minimum, zero = −minimum /
 * scale. At a zero within 0…15 the best scale is Σ w (l − zero) / Σ (l − zero)², which explains (Σ w (l − zero))² /
 * Σ (l − zero)² of the weights.
 */
function bestRange4(weights: Float32Array, from: number, to: number): number {
  let [least, most, sum] = [0, 0, 0];
  for (let i = from; i < to; i++) {
    const value = weights[i] as number;
    least = Math.min(least, value);
    most = Math.max(most, value);
    sum += value;
  }
  const range = most - least;
  if (!Number.isFinite(range)) return NaN;
  if (Math.fround(range / 15) === 0) return 0;
  const first = (-15 * least) / range;
  const count = to - from;
  const best = { gain: 0, scale: 0, zero: first };
  for (const clip of CLIPS) {
    const inverse = 15 / (range * clip);
    let [products, squares, levels] = [0, 0, 0];
    for (let i = from; i < to; i++) {
      const value = weights[i] as number;
      const level = level4(value, inverse, first);
      products += value * level;
      squares += level * level;
      levels += level;
    }
    const spread = count * squares - levels * levels;
    const slope = (count * products - levels * sum) / spread;
    const fitted = spread > 0 ? (levels - sum / slope) / count : first;
    const zero = Math.min(ZERO_MASK / ZERO_STEPS, Math.max(0, fitted));
    const product = products - zero * sum;
    const square = squares - 2 * zero * levels + count * zero * zero;
    const gain = (product * product) / square;
    if (gain > best.gain) Object.assign(best, { gain, scale: product / square, zero });
  }
  return packScale(best.scale, best.zero);
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
