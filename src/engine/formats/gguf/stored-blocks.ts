/**
 * Storage types in the form of the products: the same values, without a second rounding. Blocks of 8 bits hold
 * symmetric types of at most eight bits: Q8_0, Q5_0, Q4_0 and IQ4_NL. Blocks of 4 bits have a zero of their own. They
 * hold Q4_0, Q4_1 and Q4_K, but for rounding the scale to 11 bits and the zero to 1/512 of a level.
 */

import { packScale, quantize4, ZERO_MASK, ZERO_STEPS } from '../../decoder/quantize';
import { halfAt as half } from '../numbers';
import type { TensorDtype, WeightBlocks } from '../tensor-source';
import { IQ4_LEVELS } from './dequantize';
import { scaleAndMinimum } from './dequantize-k';
import { SUPER_BLOCK } from './ggml-types';

const BLOCK = 32;

type Blocks = (bytes: Uint8Array) => WeightBlocks;

/** The conversion of a storage type to blocks of so many bits; undefined where it would round. */
export function blocksFrom(dtype: TensorDtype, bits: 4 | 8): Blocks | undefined {
  return (bits === 4 ? NIBBLES : BYTES)[dtype];
}

/** Levels 0…15 of a block: w = scale · level − minimum. */
interface StoredBlock {
  levels: Uint8Array;
  scale: number;
  minimum: number;
}

/** Writes blocks of 4 bits. A block whose zero is no level is rounded once more; so are constant ones. */
class NibbleWriter {
  readonly levels: Uint8Array;
  readonly scales: Float32Array;
  private next = 0;

  constructor(blocks: number) {
    this.levels = new Uint8Array((blocks * BLOCK) / 2);
    this.scales = new Float32Array(blocks);
  }

  add({ levels, scale, minimum }: StoredBlock): void {
    const block = this.next++;
    const zero = minimum / scale;
    if (zero >= 0 && zero <= ZERO_MASK / ZERO_STEPS) {
      this.scales[block] = packScale(scale, zero);
      for (let i = 0; i < BLOCK / 2; i++)
        this.levels[(block * BLOCK) / 2 + i] = (levels[2 * i] as number) | ((levels[2 * i + 1] as number) << 4);
      return;
    }
    const rounded = quantize4(
      Float32Array.from(levels, (level) => scale * level - minimum),
      BLOCK,
    );
    this.scales[block] = rounded.scales[0] as number;
    this.levels.set(rounded.levels, (block * BLOCK) / 2);
  }
}

/** Values i and i + 16 share a byte. With an offset, the minimum is stored with its sign turned. */
const fromNibbles =
  (blockBytes: number, hasOffset: boolean): Blocks =>
  (bytes) => {
    const out = new NibbleWriter(bytes.length / blockBytes);
    const levels = new Uint8Array(BLOCK);
    for (let at = 0; at < bytes.length; at += blockBytes) {
      const first = at + (hasOffset ? 4 : 2);
      for (let i = 0; i < BLOCK / 2; i++) {
        const pair = bytes[first + i] as number;
        levels[i] = pair & 15;
        levels[i + BLOCK / 2] = pair >> 4;
      }
      const scale = half(bytes, at);
      out.add({ levels, scale, minimum: hasOffset ? -half(bytes, at + 2) : 8 * scale });
    }
    return out;
  };

/** Eight blocks of a super-block, with scales and minima of six bits (dequantizeQ4K). */
const fromQ4K: Blocks = (bytes) => {
  const out = new NibbleWriter((bytes.length / 144) * (SUPER_BLOCK / BLOCK));
  for (let at = 0; at < bytes.length; at += 144) {
    const scale = half(bytes, at);
    const minimum = half(bytes, at + 2);
    for (let part = 0; part < SUPER_BLOCK / BLOCK; part++) {
      const [sub, less] = scaleAndMinimum(bytes, at + 4, part);
      const from = at + 16 + (part >> 1) * BLOCK;
      const shift = (part & 1) * 4;
      const levels = bytes.subarray(from, from + BLOCK).map((byte) => (byte >> shift) & 15);
      out.add({ levels, scale: scale * sub, minimum: minimum * less });
    }
  }
  return out;
};

const NIBBLES: Readonly<Partial<Record<TensorDtype, Blocks>>> = {
  Q4_0: fromNibbles(18, false),
  Q4_1: fromNibbles(20, true),
  Q4_K: fromQ4K,
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
