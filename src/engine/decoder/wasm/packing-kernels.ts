/** Packing of weights in the order in which the products read them (see packing.ts). */

import { define, doWhile, f32, i32, i8x16, v128, type Code, type WasmFunction } from './assembler';
import { BLOCK } from '../quantize';
import { GROUP, weightBlockBytes } from './layout';

/** Rows that are packed together: a vector has four words. */
const ROWS = 4;

/** Lanes that interleave the words of two vectors. */
const LOW = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
const HIGH = [8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31];

/**
 * Packs four rows of a group of 16: rows of levels `rowBytes` apart, and of scales `scaleBytes` apart, to `out`, the
 * place of the first of the four rows in its first block. Levels of 8 bits are stored shifted by 128 and become signed.
 */
export function pack(bits: 4 | 8): WasmFunction {
  const words = (BLOCK * bits) / 32;
  const parameters = {
    levels: 'i32',
    scales: 'i32',
    out: 'i32',
    blocks: 'i32',
    rowBytes: 'i32',
    scaleBytes: 'i32',
  } as const;
  const locals = { a: 'v128', b: 'v128', c: 'v128', d: 'v128', at: 'i32' } as const;
  return define(`pack${bits}`, parameters, locals, (v) => {
    const { levels, scales, out, blocks, rowBytes, scaleBytes, a, b, c, d, at } = v;
    const signed = (code: Code): Code => (bits === 8 ? v128.xor(code, i8x16.const(0x80)) : code);
    const next = at.set(i32.add(at.get, rowBytes.get));
    const rows = [a, b, c, d];
    // Four words of four rows, transposed: interleaving the halves of four vectors twice.
    const quad = (first: number): Code => [
      at.set(levels.get),
      rows.map((row) => [row.set(signed(v128.load(at.get, first * 4))), next]),
      [0, 1].map((half): Code => {
        const shuffled = (x: Code, y: Code) => i8x16.shuffle(x, y, half === 0 ? LOW : HIGH);
        const even = shuffled(a.get, c.get);
        const odd = shuffled(b.get, d.get);
        return [0, 1].map((part) =>
          v128.store(out.get, i8x16.shuffle(even, odd, part === 0 ? LOW : HIGH), (first + half * 2 + part) * GROUP * 4),
        );
      }),
    ];
    return doWhile(
      [
        Array.from({ length: words / 4 }, (_, i) => quad(i * 4)),
        at.set(scales.get),
        Array.from({ length: ROWS }, (_, row) => [
          f32.store(out.get, f32.load(at.get), words * GROUP * 4 + row * 4),
          at.set(i32.add(at.get, scaleBytes.get)),
        ]),
        levels.set(i32.add(levels.get, i32.const(words * 4))),
        scales.set(i32.add(scales.get, i32.const(4))),
        out.set(i32.add(out.get, i32.const(weightBlockBytes(bits)))),
        blocks.set(i32.sub(blocks.get, i32.const(1))),
      ],
      blocks.get,
    );
  });
}
