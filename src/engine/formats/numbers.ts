/** Widening of 16-bit floating point formats, and the search for values that are not finite. */

let halfTable: Float32Array | undefined;

/** IEEE 754 binary16 → f32 for all 65,536 bit patterns. */
function halves(): Float32Array {
  if (halfTable) return halfTable;
  const table = new Float32Array(1 << 16);
  for (let bits = 0; bits < table.length; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else if (exponent === 31) table[bits] = fraction === 0 ? sign * Infinity : NaN;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  halfTable = table;
  return table;
}

/** The binary16 value of two little-endian bytes. */
export function halfAt(bytes: Uint8Array, at: number): number {
  return halfToFloat((bytes[at] as number) | ((bytes[at + 1] as number) << 8));
}

/** One binary16 value. */
export function halfToFloat(bits: number): number {
  return halves()[bits & 0xffff] ?? NaN;
}

/**
 * Widens 16-bit values that occupy the upper half of `values`' own memory. The loop goes upward, so that bytes 4i…4i+3
 * of element i have been read before they are written. No second buffer is needed.
 */
export function decodeFloat32InPlace(values: Float32Array, dtype: 'F32' | 'F16' | 'BF16'): void {
  if (dtype === 'F32') return;
  const n = values.length;
  const source = new Uint16Array(values.buffer, values.byteOffset + 2 * n, n);
  if (dtype === 'F16') {
    const table = halves();
    for (let i = 0; i < n; i++) values[i] = table[source[i] as number] as number;
  } else {
    const words = new Uint32Array(values.buffer, values.byteOffset, n);
    for (let i = 0; i < n; i++) words[i] = (source[i] as number) << 16;
  }
}

/** Index of the first NaN or infinity, or -1. */
export function firstNotFinite(values: Float32Array): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    if (((words[i] as number) & 0x7f800000) === 0x7f800000) return i;
  }
  return -1;
}
