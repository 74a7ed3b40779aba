/**
 * Rows as bytes with 8 bits per value, about half the size of f16. Keys have outliers in fixed dimensions, so each
 * dimension of a head has its own range. Values have one range for each row of a head (KIVI, 2402.02750).
 */
import { decodeHalf, KvRows, type RowShape } from '../engine';

const LEVELS = 255;

/** Tokens (u32), ranges (f32: lowest and step), then levels: keys [layers, kvHeads, rows, headDim], values likewise. */
export function packRowBytes(rows: KvRows): Uint8Array {
  const { layers, kvHeads, headDim } = rows.shape;
  const heads = layers * kvHeads;
  const count = rows.rows;
  const size = heads * count * headDim;
  const head = 4 + rangeBytes(heads, count, headDim);
  const bytes = new Uint8Array(head + 2 * size);
  new DataView(bytes.buffer).setUint32(0, count, true);
  const ranges = new Float32Array((head - 4) / 4);
  let range = 0;
  let into = head;
  const pack = (
    values: Float32Array,
    groups: number,
    start: (group: number) => number,
    step: number,
    length: number,
  ) => {
    for (let group = 0; group < groups; group++) {
      let low = Infinity;
      let high = -Infinity;
      for (let i = 0, at = start(group); i < length; i++, at += step) {
        const value = values[at] as number;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      const width = (high - low) / LEVELS;
      ranges[range++] = low;
      ranges[range++] = width;
      for (let i = 0, at = start(group); i < length; i++, at += step)
        bytes[into + at] = width > 0 ? Math.round(((values[at] as number) - low) / width) : 0;
    }
    into += size;
  };
  pack(singles(rows.keys), heads * headDim, keyStart(count, headDim), headDim, count);
  pack(singles(rows.values), heads * count, (group) => group * headDim, 1, headDim);
  bytes.set(new Uint8Array(ranges.buffer), 4);
  return bytes;
}

/** @throws RangeError when the bytes are not rows of this shape */
export function unpackRowBytes(bytes: Uint8Array, shape: RowShape): KvRows {
  const { layers, kvHeads, headDim } = shape;
  const heads = layers * kvHeads;
  const count = bytes.byteLength < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const size = heads * count * headDim;
  const head = 4 + rangeBytes(heads, count, headDim);
  if (count === 0 || bytes.byteLength !== head + 2 * size)
    throw new RangeError(`${bytes.byteLength} bytes are not rows of this model`);
  // A copy, because the bytes may begin anywhere in a shared buffer.
  const ranges = new Float32Array(Uint8Array.from(bytes.subarray(4, head)).buffer);
  let range = 0;
  let from = head;
  const unpack = (groups: number, start: (group: number) => number, step: number, length: number): Float32Array => {
    const values = new Float32Array(size);
    for (let group = 0; group < groups; group++) {
      const low = ranges[range++] as number;
      const width = ranges[range++] as number;
      for (let i = 0, at = start(group); i < length; i++, at += step)
        values[at] = low + width * (bytes[from + at] as number);
    }
    from += size;
    return values;
  };
  const keys = unpack(heads * headDim, keyStart(count, headDim), headDim, count);
  const values = unpack(heads * count, (group) => group * headDim, 1, headDim);
  const positions = Int32Array.from({ length: count }, (_, i) => i);
  return new KvRows({ shape: { ...shape, type: 'float32' }, keys, values, positions, tokens: count }).as(shape.type);
}

function rangeBytes(heads: number, rows: number, headDim: number): number {
  return 8 * heads * (headDim + rows);
}

/** Index of the first row's value of a dimension: groups are [heads, headDim]. */
function keyStart(rows: number, headDim: number): (group: number) => number {
  return (group) => Math.floor(group / headDim) * rows * headDim + (group % headDim);
}

function singles(values: KvRows['keys']): Float32Array {
  return values instanceof Float32Array ? values : decodeHalf(values);
}
