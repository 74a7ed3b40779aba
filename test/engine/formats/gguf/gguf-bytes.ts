/** The bytes of GGUF files. Nothing here needs the engine, so that tests in the editor use it too. */

export type Scalar = { type: 'u32' | 'u64' | 'f32' | 'i32'; value: number } | string | boolean;
export type Value =
  Scalar | { type: 'array'; of: 'u32' | 'f32' | 'i32' | 'string'; values: readonly (number | string)[] };

export interface GgufTensorData {
  name: string;
  /** Row-major. */
  shape: readonly number[];
  /** Number of the storage type in ggml. */
  type: number;
  bytes: Uint8Array;
}

const TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9, u64: 10 } as const;

export const u32 = (value: number): Scalar => ({ type: 'u32', value });
export const f32 = (value: number): Scalar => ({ type: 'f32', value });

class Bytes {
  private parts: number[] = [];

  get length(): number {
    return this.parts.length;
  }

  number(value: number, size: number, write: (view: DataView, value: number) => void): void {
    const view = new DataView(new ArrayBuffer(size));
    write(view, value);
    this.raw(new Uint8Array(view.buffer));
  }

  u32(value: number): void {
    this.number(value, 4, (view) => view.setUint32(0, value, true));
  }

  u64(value: number): void {
    this.number(value, 8, (view) => view.setBigUint64(0, BigInt(value), true));
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u64(bytes.length);
    this.raw(bytes);
  }

  scalar(type: 'u32' | 'u64' | 'f32' | 'i32' | 'string', value: number | string): void {
    if (type === 'string') this.string(String(value));
    else if (type === 'u64') this.u64(Number(value));
    else if (type === 'f32') this.number(Number(value), 4, (view) => view.setFloat32(0, Number(value), true));
    else if (type === 'i32') this.number(Number(value), 4, (view) => view.setInt32(0, Number(value), true));
    else this.u32(Number(value));
  }

  value(value: Value): void {
    if (typeof value === 'string') {
      this.u32(TYPE.string);
      this.string(value);
    } else if (typeof value === 'boolean') {
      this.u32(TYPE.bool);
      this.raw(Uint8Array.of(value ? 1 : 0));
    } else if (value.type === 'array') {
      this.u32(TYPE.array);
      this.u32(TYPE[value.of]);
      this.u64(value.values.length);
      for (const one of value.values) this.scalar(value.of, one);
    } else {
      this.u32(TYPE[value.type]);
      this.scalar(value.type, value.value);
    }
  }

  raw(bytes: Uint8Array): void {
    for (const byte of bytes) this.parts.push(byte);
  }

  pad(alignment: number): void {
    while (this.parts.length % alignment !== 0) this.parts.push(0);
  }

  done(): Uint8Array {
    return Uint8Array.from(this.parts);
  }
}

export function gguf(
  metadata: Readonly<Record<string, Value>>,
  tensors: readonly GgufTensorData[],
  alignment = 32,
): Uint8Array {
  const out = new Bytes();
  out.raw(new TextEncoder().encode('GGUF'));
  out.u32(3);
  out.u64(tensors.length);
  out.u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    out.string(key);
    out.value(value);
  }
  let offset = 0;
  for (const { name, shape, type, bytes } of tensors) {
    out.string(name);
    out.u32(shape.length);
    for (const size of [...shape].reverse()) out.u64(size);
    out.u32(type);
    out.u64(offset);
    offset = Math.ceil((offset + bytes.length) / alignment) * alignment;
  }
  out.pad(alignment);
  for (const { bytes } of tensors) {
    out.raw(bytes);
    out.pad(alignment);
  }
  return out.done();
}
