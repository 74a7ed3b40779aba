import { BLOCK, blocksOf } from '../quantize';
import { GROUP, groupTailBytes, weightBlockBytes } from './layout';

/** Bytes of a packed matrix. Rows are filled up to whole groups of 16, with zeros. */
export function packedBytes(outputs: number, inputs: number, bits: 4 | 8): number {
  return Math.ceil(outputs / GROUP) * groupBytes(inputs, bits);
}

function groupBytes(inputs: number, bits: 4 | 8): number {
  return blocksOf(inputs) * weightBlockBytes(bits) + groupTailBytes(bits);
}

/** Words of a block of 32 columns of one row. */
const wordsOf = (bits: 4 | 8) => (BLOCK * bits) / 32;

/**
 * 4-bit rows as compiled ([rows, blocks, 32 levels] and scales [rows, blocks], see quantize.ts) to the order of the kernels: group by group of 16 rows, block by
 * block; in a block step by step, four bytes (eight levels) of each of the 16 rows, and then the 16 scales.
 *
 * @param levels of rows `firstRow` and following, whole groups of them unless they are the last
 * @param into all of the packed matrix
 */
export function packRows(levels: Uint32Array, scales: Float32Array, inputs: number, firstRow: number, into: Uint8Array): void {
  const blocks = blocksOf(inputs);
  const words = wordsOf(4);
  const rows = levels.length / (blocks * words);
  const blockWords = weightBlockBytes(4) / 4;
  const out = new Uint32Array(into.buffer, into.byteOffset, into.byteLength / 4);
  const outScales = new Float32Array(into.buffer, into.byteOffset, into.byteLength / 4);
  for (let row = 0; row < rows; row++) {
    const group = Math.floor((firstRow + row) / GROUP);
    const place = (firstRow + row) % GROUP;
    for (let block = 0; block < blocks; block++) {
      const to = (group * blocks + block) * blockWords;
      const from = (row * blocks + block) * words;
      for (let word = 0; word < words; word++) out[to + word * GROUP + place] = levels[from + word] as number;
      outScales[to + words * GROUP + place] = scales[row * blocks + block] as number;
    }
  }
}

/**
 * Bytes as compiled ([inputs, outputs]) to the order of the kernels: group by group of 16 outputs, block by block of 32 inputs; in a block step by step, four inputs of
 * each of the 16 outputs. The outputs' scales follow the last block of a group: see `packScales`.
 *
 * @param levels [inputs from `firstInput` on, outputs], whole blocks of inputs unless they are the last; more of them than there are count as zeros
 * @param into all of the packed matrix, [inputs, outputs]
 */
export function packColumns(levels: Uint8Array, inputs: number, outputs: number, firstInput: number, into: Uint8Array): void {
  const rows = levels.length / outputs;
  const groupWords = groupBytes(inputs, 8) / 4;
  const out = new Uint32Array(into.buffer, into.byteOffset, into.byteLength / 4);
  const none = new Uint8Array(outputs);
  for (let row = 0; row < rows; row += 4) {
    const [a, b, c, d] = [0, 1, 2, 3].map((i) => (row + i < rows ? levels.subarray((row + i) * outputs, (row + i + 1) * outputs) : none)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const step = ((firstInput + row) / 4) * GROUP;
    for (let output = 0; output < outputs; output++) {
      out[Math.floor(output / GROUP) * groupWords + step + (output % GROUP)] =
        (a[output] as number) | ((b[output] as number) << 8) | ((c[output] as number) << 16) | ((d[output] as number) << 24);
    }
  }
}

/** The scales of packed bytes [outputs]. */
export function packScales(scales: Float32Array, inputs: number, into: Uint8Array): void {
  const groupFloats = groupBytes(inputs, 8) / 4;
  const behind = groupFloats - groupTailBytes(8) / 4;
  const out = new Float32Array(into.buffer, into.byteOffset, into.byteLength / 4);
  for (let output = 0; output < scales.length; output++) out[Math.floor(output / GROUP) * groupFloats + behind + (output % GROUP)] = scales[output] as number;
}
