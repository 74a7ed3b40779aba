/** IEEE 754 half precision in Uint16Array, for Node versions without Float16Array (before 24). */

/** The single-precision value of each half, by its bits. */
export const singleOf = buildTable();

/** Rounds to nearest, ties to even; beyond ±65504 becomes infinite, as hardware does. */
export function encodeHalf(values: Float32Array, into: Uint16Array = new Uint16Array(values.length)): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) into[i] = halfBits(bits[i] as number);
  return into;
}

export function decodeHalf(halves: Uint16Array, into: Float32Array = new Float32Array(halves.length)): Float32Array {
  for (let i = 0; i < halves.length; i++) into[i] = singleOf[halves[i] as number] as number;
  return into;
}

/** From the bits of a single to the bits of a half. */
function halfBits(single: number): number {
  const sign = (single >>> 16) & 0x8000;
  const exponent = ((single >>> 23) & 0xff) - 112;
  const mantissa = single & 0x7fffff;
  if (exponent > 0 && exponent < 31) {
    // A carry out of the mantissa correctly moves on to the exponent.
    const half = (exponent << 10) | (mantissa >>> 13);
    const rest = mantissa & 0x1fff;
    return sign | (half + (rest > 0x1000 || (rest === 0x1000 && (half & 1) === 1) ? 1 : 0));
  }
  if (exponent >= 31) {
    const isNaN = exponent === 143 && mantissa !== 0;
    return sign | 0x7c00 | (isNaN ? 0x200 : 0);
  }
  if (exponent < -10) return sign;
  // Subnormal: the hidden bit becomes visible and everything moves right.
  const shift = 14 - exponent;
  const full = mantissa | 0x800000;
  const half = full >>> shift;
  const rest = full & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return sign | (half + (rest > tie || (rest === tie && (half & 1) === 1) ? 1 : 0));
}

function buildTable(): Float32Array {
  const table = new Float32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 31;
    const mantissa = half & 1023;
    if (exponent === 31) table[half] = mantissa ? NaN : sign * Infinity;
    else if (exponent === 0) table[half] = sign * mantissa * 2 ** -24;
    else table[half] = sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
  }
  return table;
}
