/**
 * Blocks of Q8_0 and Q4_0 in the form of the products: the same levels and scales in another order, without rounding.
 */

import { halfAt as half } from '../numbers';
import type { TensorDtype, WeightBlocks } from '../tensor-source';

const BLOCK = 32;

/** Bits of the product whose blocks a storage type matches. */
export function storedBits(dtype: TensorDtype): 4 | 8 | undefined {
  if (dtype === 'Q8_0') return 8;
  return dtype === 'Q4_0' ? 4 : undefined;
}

/** @param bytes whole blocks of Q8_0 (34 bytes) or Q4_0 (18 bytes) */
export function storedBlocks(bytes: Uint8Array, bits: 4 | 8): WeightBlocks {
  const size = 2 + (BLOCK * bits) / 8;
  const count = bytes.length / size;
  const levels = new Uint8Array((count * BLOCK * bits) / 8);
  const scales = new Float32Array(count);
  for (let block = 0; block < count; block++) {
    const at = block * size;
    scales[block] = half(bytes, at);
    if (bits === 8) {
      for (let i = 0; i < BLOCK; i++) levels[block * BLOCK + i] = (bytes[at + 2 + i] as number) ^ 0x80;
    } else {
      // Q4_0 pairs values i and i + 16 in a byte; the products want 2i and 2i + 1.
      for (let i = 0; i < 8; i++) {
        const first = bytes[at + 2 + 2 * i] as number;
        const second = bytes[at + 3 + 2 * i] as number;
        levels[block * 16 + i] = (first & 15) | ((second & 15) << 4);
        levels[block * 16 + 8 + i] = (first >> 4) | (second & 0xf0);
      }
    }
  }
  return { levels, scales };
}
