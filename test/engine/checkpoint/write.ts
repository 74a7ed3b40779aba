import { writeFile } from 'node:fs/promises';

export interface TestTensor {
  dtype: string;
  shape: number[];
  bytes: Uint8Array;
}

export function f32(shape: number[], value: (i: number) => number): TestTensor {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i));
  return { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) };
}

/** The bytes of a safetensors file. `change` may falsify its header. */
export function safetensors(
  tensors: Record<string, TestTensor>,
  change?: (header: Record<string, { dtype: unknown; shape: unknown; data_offsets: unknown }>) => void,
): Uint8Array {
  let offset = 0;
  const header: Record<string, { dtype: unknown; shape: unknown; data_offsets: unknown }> = {};
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  change?.(header);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  let at = 8 + text.length;
  for (const { bytes } of Object.values(tensors)) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

export async function writeSafetensors(path: string, tensors: Record<string, TestTensor>): Promise<void> {
  await writeFile(path, safetensors(tensors));
}
