/**
 * Vectors that are multiplied side by side: an element of what they are held against is read once for all of them, and
 * no sum waits for another.
 */
export const LANES = 4;

/**
 * @param own from `at`: LANES vectors, [width, LANES]
 * @param other from `from`: one vector, [width]
 * @param into from `to`: their products, [LANES]
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
