/** Typed arrays that grow by doubling. An index appends millions of postings, for which a plain array would be slow. */

export class GrowableInt32 {
  length = 0;
  data: Int32Array;

  constructor(capacity = 1024) {
    this.data = new Int32Array(capacity);
  }

  push(value: number): number {
    if (this.length === this.data.length) {
      const grown = new Int32Array(this.data.length * 2);
      grown.set(this.data);
      this.data = grown;
    }
    this.data[this.length] = value;
    return this.length++;
  }

  at(index: number): number {
    return this.data[index] as number;
  }

  view(): Int32Array {
    return this.data.subarray(0, this.length);
  }

  get bytes(): number {
    return this.data.byteLength;
  }
}

/**
 * A byte buffer with the encodings of packs: varints (LEB128, unsigned, at most 32 bits), UTF-8 strings with their
 * length, raw bytes.
 */
export class ByteWriter {
  length = 0;
  private data: Uint8Array;

  constructor(capacity = 1 << 16) {
    this.data = new Uint8Array(capacity);
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.data.length) return;
    const grown = new Uint8Array(Math.max(this.data.length * 2, this.length + bytes));
    grown.set(this.data.subarray(0, this.length));
    this.data = grown;
  }

  varint(value: number): void {
    this.reserve(5);
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.data[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.data[this.length++] = rest;
  }

  bytes(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.data.set(bytes, this.length);
    this.length += bytes.length;
  }

  string(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  /** Returns the written bytes without copying. They are valid until the next write. */
  view(): Uint8Array {
    return this.data.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}

/**
 * Reads the encodings of ByteWriter.
 * @throws RangeError when reading past the end; the caller reports the pack as damaged
 */
export class ByteReader {
  constructor(
    readonly data: Uint8Array,
    public position = 0,
    readonly end = data.length,
  ) {}

  varint(): number {
    let value = 0;
    let shift = 0;
    for (;;) {
      if (this.position >= this.end || shift > 28) throw new RangeError('varint out of range');
      const byte = this.data[this.position++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
      shift += 7;
    }
  }

  bytes(length: number): Uint8Array {
    if (length > this.end - this.position) throw new RangeError('bytes out of range');
    const bytes = this.data.subarray(this.position, this.position + length);
    this.position += length;
    return bytes;
  }

  string(): string {
    const bytes = this.bytes(this.varint());
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  }
}
