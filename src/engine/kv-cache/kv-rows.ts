import { AppError } from '../../base';
import { decodeHalf, encodeHalf } from './float16';
import type { RowBlock } from './row-store';
import { newCacheArray, sameShape, type CacheArray, type RowShape } from './shape';

/** Rows that do not fit the model, or bytes that are not rows. */
export class KvRowsError extends AppError<'malformed' | 'mismatch'> {
  override readonly name = 'KvRowsError';
}

const MAGIC = 0x3152564b; // "KVR1"
const HEADER = 8;
/** Largest plausible count. Larger numbers are damage. */
const MOST = 1 << 20;

/**
 * The stored rows of a segment: keys (not rotated) and values of all layers, and each row's position in the segment.
 * They can be spliced into any context with the same sinks, at any position.
 */
export class KvRows implements RowBlock {
  readonly shape: RowShape;
  /** [layers, kvHeads, rows, headDim] */
  readonly keys: CacheArray;
  readonly values: CacheArray;
  /** Position of each row in its segment (tokens). */
  readonly positions: Int32Array;
  /** Tokens that all rows together stand for. */
  readonly tokens: number;

  /** @throws KvRowsError when the arrays' sizes disagree */
  constructor(parts: { shape: RowShape; keys: CacheArray; values: CacheArray; positions: Int32Array; tokens: number }) {
    const { shape, keys, values, positions } = parts;
    const size = shape.layers * shape.kvHeads * positions.length * shape.headDim;
    if (keys.length !== size || values.length !== size) {
      throw new KvRowsError(
        'mismatch',
        `${positions.length} rows need ${size} keys and values, not ${keys.length} and ${values.length}`,
      );
    }
    this.shape = shape;
    this.keys = keys;
    this.values = values;
    this.positions = positions;
    this.tokens = parts.tokens;
  }

  get rows(): number {
    return this.positions.length;
  }

  get byteLength(): number {
    return this.keys.byteLength + this.values.byteLength;
  }

  /** The same rows in another element type; itself when the type is the same. */
  as(type: RowShape['type']): KvRows {
    if (type === this.shape.type) return this;
    return new KvRows({
      ...this,
      shape: { ...this.shape, type },
      keys: convert(this.keys),
      values: convert(this.values),
    });
  }

  /** Some rows, in the order given. `tokens`: tokens that they represent. */
  pick(rows: readonly number[], tokens = this.tokens): KvRows {
    const { layers, kvHeads, headDim, type } = this.shape;
    const size = layers * kvHeads * rows.length * headDim;
    const keys = newCacheArray(type, size);
    const values = newCacheArray(type, size);
    for (let head = 0; head < layers * kvHeads; head++) {
      rows.forEach((row, i) => {
        const from = (head * this.rows + row) * headDim;
        const to = (head * rows.length + i) * headDim;
        keys.set(this.keys.subarray(from, from + headDim), to);
        values.set(this.values.subarray(from, from + headDim), to);
      });
    }
    return new KvRows({
      shape: this.shape,
      keys,
      values,
      positions: Int32Array.from(rows, (row) => this.positions[row] as number),
      tokens,
    });
  }

  /** Header (8 × u32), positions, keys, values; little-endian. */
  serialize(): Uint8Array {
    const { layers, kvHeads, headDim, type } = this.shape;
    const header = Uint32Array.of(
      MAGIC,
      type === 'float32' ? 4 : 2,
      layers,
      kvHeads,
      headDim,
      this.rows,
      this.tokens,
      0,
    );
    const parts = [header, this.positions, this.keys, this.values];
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
      at += part.byteLength;
    }
    return bytes;
  }

  /** @throws KvRowsError 'malformed' */
  static deserialize(bytes: Uint8Array): KvRows {
    if (bytes.byteLength < HEADER * 4) throw new KvRowsError('malformed', `${bytes.byteLength} bytes are no rows`);
    const header = new Uint32Array(bytes.slice(0, HEADER * 4).buffer);
    const [magic, width, layers, kvHeads, headDim, rows, tokens] = header as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const plausible =
      magic === MAGIC && (width === 4 || width === 2) && [layers, kvHeads, headDim, rows].every((n) => n <= MOST);
    if (!plausible) throw new KvRowsError('malformed', 'the header is not that of rows');
    const size = layers * kvHeads * rows * headDim;
    const expected = HEADER * 4 + rows * 4 + 2 * size * width;
    if (bytes.byteLength !== expected)
      throw new KvRowsError('malformed', `${bytes.byteLength} bytes where ${expected} are announced`);
    const keysAt = HEADER * 4 + rows * 4;
    const part = (from: number, to: number) => bytes.slice(from, to).buffer;
    const array = (buffer: ArrayBuffer): CacheArray =>
      width === 4 ? new Float32Array(buffer) : new Uint16Array(buffer);
    return new KvRows({
      shape: { layers, kvHeads, headDim, type: width === 4 ? 'float32' : 'float16' },
      positions: new Int32Array(part(HEADER * 4, keysAt)),
      keys: array(part(keysAt, keysAt + size * width)),
      values: array(part(keysAt + size * width, expected)),
      tokens,
    });
  }

  /** @throws KvRowsError 'mismatch' when the rows are of another model */
  assertFits(shape: RowShape): void {
    if (sameShape(this.shape, shape)) return;
    const text = (s: RowShape) => `${s.layers} layers × ${s.kvHeads} key heads × ${s.headDim}`;
    throw new KvRowsError('mismatch', `the rows are of a model with ${text(this.shape)}, this one has ${text(shape)}`);
  }
}

function convert(values: CacheArray): CacheArray {
  return values instanceof Float32Array ? encodeHalf(values) : decodeHalf(values);
}
