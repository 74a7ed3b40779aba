/** Elements of cached keys and values: f32, or f16 as its bits. */
export type CacheArray = Float32Array | Uint16Array;

/** Sizes of cached rows of one model. */
export interface RowShape {
  layers: number;
  kvHeads: number;
  headDim: number;
  type: 'float32' | 'float16';
}

/** Bytes of one row: keys and values of all layers. */
export function rowBytes(shape: RowShape): number {
  return 2 * shape.layers * shape.kvHeads * shape.headDim * (shape.type === 'float32' ? 4 : 2);
}

export function newCacheArray(type: RowShape['type'], length: number): CacheArray {
  return type === 'float32' ? new Float32Array(length) : new Uint16Array(length);
}

export function sameShape(a: RowShape, b: RowShape): boolean {
  return a.layers === b.layers && a.kvHeads === b.kvHeads && a.headDim === b.headDim;
}
