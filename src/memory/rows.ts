/**
 * Compressed rows as bytes, for storage and messages: f16, row after row, without a header. A row is its keys [layers,
 * kvHeads, headDim] followed by its values of the same shape. A range of rows is therefore a range of bytes, and
 * joining bytes joins rows.
 */
import { decodeHalf, encodeHalf, KvRows, type RowShape } from '../engine';

export type StoredShape = Pick<RowShape, 'layers' | 'kvHeads' | 'headDim'>;

/** Returns the size of one stored row in bytes. */
export function storedRowBytes({ layers, kvHeads, headDim }: StoredShape): number {
  return 2 * layers * kvHeads * headDim * 2;
}

/** Packs rows of a block in the order of `which`. Default: all rows. */
export function packRows(
  rows: KvRows,
  which: readonly number[] = Array.from({ length: rows.rows }, (_, i) => i),
): Uint8Array {
  const { layers, kvHeads, headDim } = rows.shape;
  const half = rows.as('float16');
  const heads = layers * kvHeads;
  const packed = new Uint16Array(which.length * 2 * heads * headDim);
  which.forEach((row, i) => {
    for (let head = 0; head < heads; head++) {
      const from = (head * rows.rows + row) * headDim;
      const to = (i * 2 * heads + head) * headDim;
      packed.set(half.keys.subarray(from, from + headDim), to);
      packed.set(half.values.subarray(from, from + headDim), to + heads * headDim);
    }
  });
  return new Uint8Array(packed.buffer);
}

/**
 * Unpacks stored rows so that they can be spliced into a context.
 * @param positions position of each row in the context
 * @param tokens number of tokens that the rows represent
 * @throws RangeError when `bytes` does not have one row for each position
 */
export function unpackRows(bytes: Uint8Array, shape: StoredShape, positions: Int32Array, tokens: number): KvRows {
  const { layers, kvHeads, headDim } = shape;
  const rows = positions.length;
  if (bytes.byteLength !== rows * storedRowBytes(shape))
    throw new RangeError(`${bytes.byteLength} bytes are not ${rows} rows of ${storedRowBytes(shape)} bytes`);
  const packed = halves(bytes);
  const heads = layers * kvHeads;
  const keys = new Uint16Array(rows * heads * headDim);
  const values = new Uint16Array(rows * heads * headDim);
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      const from = (row * 2 * heads + head) * headDim;
      const to = (head * rows + row) * headDim;
      keys.set(packed.subarray(from, from + headDim), to);
      values.set(packed.subarray(from + heads * headDim, from + (heads + 1) * headDim), to);
    }
  }
  return new KvRows({ shape: { layers, kvHeads, headDim, type: 'float16' }, keys, values, positions, tokens });
}

/**
 * Folds several rows into one: the mean of their keys and of their values. Keys are stored before rotation. Their mean
 * is therefore the best single key for a query that attends to all of them at one position.
 */
export function foldRows(bytes: Uint8Array, bytesPerRow: number): Uint8Array {
  const count = bytes.byteLength / bytesPerRow;
  if (count === 1) return bytes.slice();
  const values = decodeHalf(halves(bytes));
  const width = bytesPerRow / 2;
  const mean = new Float32Array(width);
  for (let row = 0; row < count; row++)
    for (let i = 0; i < width; i++) mean[i] = (mean[i] as number) + (values[row * width + i] as number) / count;
  return new Uint8Array(encodeHalf(mean).buffer);
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.byteLength;
  }
  return joined;
}

/** Views bytes as f16 elements. Copies bytes whose offset in the buffer is odd. */
export function halves(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
}
