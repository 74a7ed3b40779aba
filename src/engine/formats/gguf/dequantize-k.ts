/**
 * Dequantization of the K-quants (ggml-quants.c, block_q2_K … block_q6_K): super-blocks of 256 values, cut into
 * sub-blocks of 16 or 32 that have scales (and minima) of a few bits, relative to f16 scales of the super-block.
 */

import { halfAt as half } from '../numbers';
import { SUPER_BLOCK } from './ggml-types';

const signed = (byte: number): number => (byte << 24) >> 24;

/** 84 bytes: 16 scales and minima of 4 bits, 64 bytes of 2-bit levels, scale and minimum of the super-block. */
export function dequantizeQ2K(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 84, to += SUPER_BLOCK) {
    const scale = half(bytes, at + 80);
    const minimum = half(bytes, at + 82);
    for (let part = 0; part < 16; part++) {
      const packed = bytes[at + part] as number;
      const factor = scale * (packed & 15);
      const less = minimum * (packed >> 4);
      // Eight sub-blocks share 32 bytes: two halves of 16, at four shifts.
      const levels = at + 16 + (part >> 3) * 32 + (part & 1) * 16;
      const shift = ((part >> 1) & 3) * 2;
      for (let i = 0; i < 16; i++)
        out[to + part * 16 + i] = factor * (((bytes[levels + i] as number) >> shift) & 3) - less;
    }
  }
}

/** 110 bytes: 32 of high bits, 64 of 2-bit levels, 12 with sixteen 6-bit scales, scale of the super-block. */
export function dequantizeQ3K(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 110, to += SUPER_BLOCK) {
    const scale = half(bytes, at + 108);
    for (let part = 0; part < 16; part++) {
      // Low nibbles of the scales are in bytes 0…7, their high two bits in bytes 8…11.
      const low = ((bytes[at + 96 + (part & 7)] as number) >> (part < 8 ? 0 : 4)) & 15;
      const high = ((bytes[at + 104 + (part & 3)] as number) >> (2 * (part >> 2))) & 3;
      const factor = scale * ((low | (high << 4)) - 32);
      const side = (part & 1) * 16;
      const levels = at + 32 + (part >> 3) * 32 + side;
      const shift = ((part >> 1) & 3) * 2;
      const mask = 1 << (part >> 1);
      for (let i = 0; i < 16; i++) {
        const level = ((bytes[levels + i] as number) >> shift) & 3;
        out[to + part * 16 + i] = factor * (level - (((bytes[at + side + i] as number) & mask) === 0 ? 4 : 0));
      }
    }
  }
}

/** The 6-bit scale and minimum of sub-block `j` of eight, packed in 12 bytes (ggml, get_scale_min_k4). */
export function scaleAndMinimum(bytes: Uint8Array, at: number, j: number): [scale: number, minimum: number] {
  const byte = (i: number) => bytes[at + i] as number;
  if (j < 4) return [byte(j) & 63, byte(j + 4) & 63];
  return [(byte(j + 4) & 15) | ((byte(j - 4) >> 6) << 4), (byte(j + 4) >> 4) | ((byte(j) >> 6) << 4)];
}

/** 144 bytes: scale and minimum of the super-block, 12 bytes of scales, 128 of 4-bit levels. */
export function dequantizeQ4K(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 144, to += SUPER_BLOCK) {
    const scale = half(bytes, at);
    const minimum = half(bytes, at + 2);
    for (let part = 0; part < 8; part++) {
      const [sub, less] = scaleAndMinimum(bytes, at + 4, part);
      const factor = scale * sub;
      const offset = minimum * less;
      const levels = at + 16 + (part >> 1) * 32;
      const shift = (part & 1) * 4;
      for (let i = 0; i < 32; i++)
        out[to + part * 32 + i] = factor * (((bytes[levels + i] as number) >> shift) & 15) - offset;
    }
  }
}

/** 176 bytes: like Q4_K, with 32 bytes of fifth bits before the levels. */
export function dequantizeQ5K(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 176, to += SUPER_BLOCK) {
    const scale = half(bytes, at);
    const minimum = half(bytes, at + 2);
    for (let part = 0; part < 8; part++) {
      const [sub, less] = scaleAndMinimum(bytes, at + 4, part);
      const factor = scale * sub;
      const offset = minimum * less;
      const levels = at + 48 + (part >> 1) * 32;
      const shift = (part & 1) * 4;
      for (let i = 0; i < 32; i++) {
        const high = (((bytes[at + 16 + i] as number) >> part) & 1) << 4;
        out[to + part * 32 + i] = factor * ((((bytes[levels + i] as number) >> shift) & 15) + high) - offset;
      }
    }
  }
}

/** 210 bytes: 128 of low nibbles, 64 of high two bits, 16 signed scales, scale of the super-block. */
export function dequantizeQ6K(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 210, to += SUPER_BLOCK) {
    const scale = half(bytes, at + 208);
    for (let part = 0; part < 16; part++) {
      const factor = scale * signed(bytes[at + 192 + part] as number);
      // A half of 128 values has 64 low bytes (values 0…63, then 64…127 in the high nibbles) and 32 high bytes.
      const within = (part & 7) * 16;
      const low = at + (part >> 3) * 64 + (within & 63);
      const high = at + 128 + (part >> 3) * 32 + (within & 31);
      const lowShift = within >= 64 ? 4 : 0;
      const highShift = (within >> 5) * 2;
      for (let i = 0; i < 16; i++) {
        const level =
          (((bytes[low + i] as number) >> lowShift) & 15) | ((((bytes[high + i] as number) >> highShift) & 3) << 4);
        out[to + part * 16 + i] = factor * (level - 32);
      }
    }
  }
}
