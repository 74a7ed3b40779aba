import {
  frequencyKinds,
  kindOfLayer,
  rotateRows,
  rotationTable,
  type LayerFrequencies,
  type RopeFrequencies,
  type RotationTable,
} from '../rope/frequencies';
import { decodeHalf, encodeHalf } from './float16';
import type { RowBlock } from './row-store';
import type { RowShape } from './shape';

/**
 * Rotations add up: R(a) R(b) = R(a + b) (RoFormer, 2104.09864, §3.2). So keys can be placed, moved and taken back
 * without the model.
 */

/** Rotates un-rotated keys to positions, in place. */
export function placeKeys(block: RowBlock, shape: RowShape, rope: RopeFrequencies, positions: ArrayLike<number>): void {
  turn(block, shape, rope, positions, ({ attentionScale }) => attentionScale);
}

/** Takes the rotation out of keys at positions, in place. */
export function liftKeys(block: RowBlock, shape: RowShape, rope: RopeFrequencies, positions: ArrayLike<number>): void {
  turn(
    block,
    shape,
    rope,
    Array.from(positions, (position) => -position),
    ({ attentionScale }) => 1 / attentionScale,
  );
}

/** Moves rotated keys by `steps` positions each, in place. */
export function moveKeys(block: RowBlock, shape: RowShape, rope: RopeFrequencies, steps: ArrayLike<number>): void {
  turn(block, shape, rope, steps, () => 1);
}

function turn(
  block: RowBlock,
  shape: RowShape,
  rope: RopeFrequencies,
  angles: ArrayLike<number>,
  scaleOf: (frequencies: LayerFrequencies) => number,
): void {
  const { layers, kvHeads, headDim } = shape;
  const tables = frequencyKinds(rope).map((kind) =>
    rotationTable({ inverse: kind.inverse, attentionScale: scaleOf(kind) }, angles),
  );
  const size = block.rows * headDim;
  for (let layer = 0; layer < layers; layer++) {
    if (rope.unrotatedLayers?.includes(layer)) continue;
    const table = tables[kindOfLayer(rope, layer)] as RotationTable;
    for (let head = layer * kvHeads; head < (layer + 1) * kvHeads; head++) {
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
}
