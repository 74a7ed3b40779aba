/**
 * Dequantization of ggml's storage types with blocks of 32 values (ggml-quants.c, dequantize_row_*). Scales are f16.
 * Sixteen bytes hold values
 * 0…15 in their low nibbles and 16…31 in their high ones.
 */

import type { TensorDtype } from '../tensor-source';
import { decodeFloat32InPlace, halfAt as half } from '../numbers';
import { dequantizeQ2K, dequantizeQ3K, dequantizeQ4K, dequantizeQ5K, dequantizeQ6K } from './dequantize-k';

/** Writes the values of whole blocks to `out`. */
export type Dequantize = (bytes: Uint8Array, out: Float32Array) => void;

const BLOCK = 32;

/** Values of a block: scale · (level − zero) + offset, with 4-bit levels and perhaps a fifth bit in `high`. */
function nibbles(
  bytes: Uint8Array,
  out: Float32Array,
  { blockBytes, offset, high, zero }: { blockBytes: number; offset: boolean; high: boolean; zero: number },
): void {
  const highAt = offset ? 4 : 2;
  const levelsAt = highAt + (high ? 4 : 0);
  for (let at = 0, to = 0; to < out.length; at += blockBytes, to += BLOCK) {
    const scale = half(bytes, at);
    const add = offset ? half(bytes, at + 2) : 0;
    // The fifth bits of the first and of the last sixteen values.
    let lowBits = high ? (bytes[at + highAt] as number) | ((bytes[at + highAt + 1] as number) << 8) : 0;
    let topBits = high ? (bytes[at + highAt + 2] as number) | ((bytes[at + highAt + 3] as number) << 8) : 0;
    for (let i = 0; i < BLOCK / 2; i++) {
      const pair = bytes[at + levelsAt + i] as number;
      out[to + i] = ((pair & 15) + ((lowBits & 1) << 4) - zero) * scale + add;
      out[to + i + BLOCK / 2] = ((pair >> 4) + ((topBits & 1) << 4) - zero) * scale + add;
      lowBits >>= 1;
      topBits >>= 1;
    }
  }
}

/** Levels of IQ4_NL: a table of 16 values, denser around zero (ggml, kvalues_iq4nl). */
export const IQ4_LEVELS = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] as const;

function dequantizeIq4(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 18, to += BLOCK) {
    const scale = half(bytes, at);
    for (let i = 0; i < BLOCK / 2; i++) {
      const pair = bytes[at + 2 + i] as number;
      out[to + i] = (IQ4_LEVELS[pair & 15] as number) * scale;
      out[to + i + BLOCK / 2] = (IQ4_LEVELS[pair >> 4] as number) * scale;
    }
  }
}

function dequantizeQ8(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 34, to += BLOCK) {
    const scale = half(bytes, at);
    for (let i = 0; i < BLOCK; i++) out[to + i] = (((bytes[at + 2 + i] as number) << 24) >> 24) * scale;
  }
}

/** Widens 16-bit or copies 32-bit floats. */
const floats =
  (dtype: 'F32' | 'F16' | 'BF16'): Dequantize =>
  (bytes, out) => {
    const whole = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
    whole.set(bytes, whole.length - bytes.length);
    decodeFloat32InPlace(out, dtype);
  };

const DEQUANTIZE: Readonly<Partial<Record<TensorDtype, Dequantize>>> = {
  F32: floats('F32'),
  F16: floats('F16'),
  BF16: floats('BF16'),
  Q4_0: (bytes, out) => nibbles(bytes, out, { blockBytes: 18, offset: false, high: false, zero: 8 }),
  Q4_1: (bytes, out) => nibbles(bytes, out, { blockBytes: 20, offset: true, high: false, zero: 0 }),
  Q5_0: (bytes, out) => nibbles(bytes, out, { blockBytes: 22, offset: false, high: true, zero: 16 }),
  Q5_1: (bytes, out) => nibbles(bytes, out, { blockBytes: 24, offset: true, high: true, zero: 0 }),
  Q8_0: dequantizeQ8,
  Q2_K: dequantizeQ2K,
  Q3_K: dequantizeQ3K,
  Q4_K: dequantizeQ4K,
  Q5_K: dequantizeQ5K,
  Q6_K: dequantizeQ6K,
  IQ4_NL: dequantizeIq4,
};

/** The dequantization of a storage type; undefined for types that hold no weights. */
export function dequantizeOf(dtype: TensorDtype): Dequantize | undefined {
  return DEQUANTIZE[dtype];
}
