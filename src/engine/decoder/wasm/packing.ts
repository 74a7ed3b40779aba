import { BLOCK, blocksOf } from '../quantize';
import { GROUP, weightBlockBytes } from './layout';

/** Bytes of a packed matrix. Rows are filled up to whole groups of 16, with zeros. */
export function packedBytes(outputs: number, inputs: number, bits: 4 | 8): number {
  return Math.ceil(outputs / GROUP) * blocksOf(inputs) * weightBlockBytes(bits);
}

/**
 * Packs rounded rows as compiled ([rows, blocks, 32 levels] and scales [rows, blocks], see quantize.ts) in the order of
 * the kernels: group by group of 16 rows, block by block. A block has steps of four bytes of each of the 16 rows (four
 * 8-bit levels, now signed, or eight 4-bit ones), and then the 16 scales.
 *
 * @param levels rows `firstRow` and following, whole groups unless they are the last
 * @param into the whole packed matrix
 */
export function packRows(
  levels: Uint32Array,
  scales: Float32Array,
  bits: 4 | 8,
  inputs: number,
  firstRow: number,
  into: Uint8Array,
): void {
  const blocks = blocksOf(inputs);
  const words = (BLOCK * bits) / 32;
  const rows = levels.length / (blocks * words);
  const blockWords = weightBlockBytes(bits) / 4;
  const out = new Uint32Array(into.buffer, into.byteOffset, into.byteLength / 4);
  const outScales = new Float32Array(into.buffer, into.byteOffset, into.byteLength / 4);
  // Levels of 8 bits are stored shifted by 128; the kernels want them signed.
  const sign = bits === 8 ? 0x80808080 : 0;
  for (let row = 0; row < rows; row++) {
    const group = Math.floor((firstRow + row) / GROUP);
    const place = (firstRow + row) % GROUP;
    for (let block = 0; block < blocks; block++) {
      const to = (group * blocks + block) * blockWords;
      const from = (row * blocks + block) * words;
      for (let word = 0; word < words; word++) out[to + word * GROUP + place] = (levels[from + word] as number) ^ sign;
      outScales[to + words * GROUP + place] = scales[row * blocks + block] as number;
    }
  }
}
