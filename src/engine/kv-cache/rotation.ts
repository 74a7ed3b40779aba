import type { RopeFrequencies } from '../rope/frequencies';
import { rotateRows, rotationTable } from '../rope/frequencies';
import { decodeHalf, encodeHalf } from './float16';
import type { RowBlock } from './row-store';
import type { RowShape } from './shape';

/**
 * Rotations add up: R(a) R(b) = R(a + b) (RoFormer, 2104.09864, §3.2). So keys can be placed, moved and taken back
 * without the model.
 */

/** Rotates un-rotated keys to positions, in place. */
export function placeKeys(block: RowBlock, shape: RowShape, rope: RopeFrequencies, positions: ArrayLike<number>): void {
  turn(block, shape, rope, positions, rope.attentionScale);
}

/** Takes the rotation out of keys at positions, in place. */
export function liftKeys(block: RowBlock, shape: RowShape, rope: RopeFrequencies, positions: ArrayLike<number>): void {
  turn(
    block,
    shape,
    rope,
    Array.from(positions, (position) => -position),
    1 / rope.attentionScale,
  );
}

/** Moves rotated keys by `steps` positions each, in place. */
export function moveKeys(block: RowBlock, shape: RowShape, rope: RopeFrequencies, steps: ArrayLike<number>): void {
  turn(block, shape, rope, steps, 1);
}

function turn(block: RowBlock, shape: RowShape, rope: RopeFrequencies, angles: ArrayLike<number>, scale: number): void {
  const { layers, kvHeads, headDim } = shape;
  const table = rotationTable({ inverse: rope.inverse, attentionScale: scale }, angles);
  const size = block.rows * headDim;
  for (let head = 0; head < layers * kvHeads; head++) {
    if (rope.unrotatedLayers?.includes(Math.floor(head / kvHeads))) continue;
    const part = block.keys.subarray(head * size, (head + 1) * size);
    if (part instanceof Float32Array) {
      rotateRows(part, 1, headDim, table);
    } else {
      const wide = decodeHalf(part);
      rotateRows(wide, 1, headDim, table);
      encodeHalf(wide, part);
    }
  }
}
