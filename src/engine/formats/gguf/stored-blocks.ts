/**
 * Symmetric storage types in the form of the products: the same values, without a second rounding. A level of at most
 * eight bits is a byte with the stored scale, so that blocks of 8 bits hold Q4_0, Q5_0 and IQ4_NL too. Types with an
 * offset for each block (Q4_1, Q5_1, K-quants) fit no symmetric block.
 */

import { halfAt as half } from '../numbers';
import type { TensorDtype, WeightBlocks } from '../tensor-source';
import { IQ4_LEVELS } from './dequantize';

const BLOCK = 32;

type Blocks = (bytes: Uint8Array) => WeightBlocks;

/** The conversion of a storage type to blocks of so many bits; undefined where it would round. */
export function blocksFrom(dtype: TensorDtype, bits: 4 | 8): Blocks | undefined {
  if (bits === 4) return dtype === 'Q4_0' ? nibbles : undefined;
  return BYTES[dtype];
}

/** Q4_0 pairs values i and i + 16 in a byte; the products want 2i and 2i + 1. */
const nibbles: Blocks = (bytes) => {
  const { levels, scales } = emptyBlocks(bytes, 18, BLOCK / 2);
  for (let at = 2, to = 0; to < levels.length; at += 18, to += BLOCK / 2) {
    for (let i = 0; i < 8; i++) {
      const first = bytes[at + 2 * i] as number;
      const second = bytes[at + 1 + 2 * i] as number;
      levels[to + i] = (first & 15) | ((second & 15) << 4);
      levels[to + 8 + i] = (first >> 4) | (second & 0xf0);
    }
  }
  return { levels, scales };
};

const fromQ8: Blocks = (bytes) => {
  const { levels, scales } = emptyBlocks(bytes, 34, BLOCK);
  for (let at = 2, to = 0; to < levels.length; at += 34, to += BLOCK)
    for (let i = 0; i < BLOCK; i++) levels[to + i] = (bytes[at + i] as number) ^ 0x80;
  return { levels, scales };
};

const fromQ5: Blocks = (bytes) => {
  const { levels, scales } = emptyBlocks(bytes, 22, BLOCK);
  for (let at = 2, to = 0; to < levels.length; at += 22, to += BLOCK) {
    let low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    let high = (bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8);
    for (let i = 0; i < BLOCK / 2; i++) {
      const pair = bytes[at + 4 + i] as number;
      levels[to + i] = 112 + (pair & 15) + ((low & 1) << 4);
      levels[to + BLOCK / 2 + i] = 112 + (pair >> 4) + ((high & 1) << 4);
      low >>= 1;
      high >>= 1;
    }
  }
  return { levels, scales };
};

/** Levels of four bits that stand for the values of a table. */
const fromTable =
  (valueOf: (level: number) => number): Blocks =>
  (bytes) => {
    const table = Uint8Array.from({ length: 16 }, (_, level) => 128 + valueOf(level));
    const { levels, scales } = emptyBlocks(bytes, 18, BLOCK);
    for (let at = 2, to = 0; to < levels.length; at += 18, to += BLOCK) {
      for (let i = 0; i < BLOCK / 2; i++) {
        const pair = bytes[at + i] as number;
        levels[to + i] = table[pair & 15] as number;
        levels[to + BLOCK / 2 + i] = table[pair >> 4] as number;
      }
    }
    return { levels, scales };
  };

const BYTES: Readonly<Partial<Record<TensorDtype, Blocks>>> = {
  Q8_0: fromQ8,
  Q5_0: fromQ5,
  Q4_0: fromTable((level) => level - 8),
  IQ4_NL: fromTable((level) => IQ4_LEVELS[level] as number),
};

/** Blocks without levels yet. A stored block begins with its scale. */
function emptyBlocks(bytes: Uint8Array, blockBytes: number, levelBytes: number): WeightBlocks {
  const count = bytes.length / blockBytes;
  const scales = new Float32Array(count);
  for (let block = 0; block < count; block++) scales[block] = half(bytes, block * blockBytes);
  return { levels: new Uint8Array(count * levelBytes), scales };
}
