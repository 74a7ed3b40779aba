/**
 * Number of vectors multiplied by another in one pass. Each element of the other is read once for all, and the sums are
 * independent, so they overlap in the pipeline.
 */
export const LANES = 4;

/**
 * Computes the dot products of LANES vectors with one other.
 *
 * @param own LANES vectors from `at`, [width, LANES]
 * @param other one vector from `from`, [width]
 * @param into receives the products from `to`, [LANES]
 */
export function multiplyLanes(
  own: Float64Array,
  at: number,
  other: Float32Array,
  from: number,
  width: number,
  into: Float64Array,
  to: number,
): void {
  let a = 0;
  let b = 0;
  let c = 0;
  let e = 0;
  for (let i = from; i < from + width; i++, at += LANES) {
    const value = other[i] as number;
    a += value * (own[at] as number);
    b += value * (own[at + 1] as number);
    c += value * (own[at + 2] as number);
    e += value * (own[at + 3] as number);
  }
  into[to] = a;
  into[to + 1] = b;
  into[to + 2] = c;
  into[to + 3] = e;
}
