import { CheckpointError } from '../../checkpoint/errors';

/** A metadata value. Whole numbers beyond 2^53 lose their last digits; no field that is read has any. */
export type MetadataValue = number | boolean | string | MetadataArray;
export type MetadataArray = readonly string[] | readonly boolean[] | ArrayLike<number>;

/** Longest key and longest tensor name (bytes). */
const MAX_NAME = 1 << 12;
/** Longest string value (bytes): chat templates have some ten thousand. */
const MAX_STRING = 4 << 20;
/** Longest array: the largest vocabularies have some 300,000 tokens and 600,000 merges. */
const MAX_ARRAY = 1 << 22;

/** The header is longer than the bytes at hand. */
export class NeedMoreBytes extends Error {}

/** Value types of GGUF (gguf.md, enum gguf_metadata_value_type) and their sizes; strings and arrays have none. */
const TYPE = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
};
const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8] as const;

/** Reads the values of a GGUF header, little-endian, and believes no length. */
export class MetadataReader {
  private at = 0;
  private readonly view: DataView;
  /** Bytes of a string are text by the specification; vocabularies of damaged text must still open. */
  private readonly decoder = new TextDecoder('utf-8');

  /**
   * @param bytes beginning of the file
   * @param fileSize size of the whole file: lengths beyond it are lies, lengths within it need more bytes
   */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly fileSize: number,
    private readonly path: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get position(): number {
    return this.at;
  }

  u32(field: string): number {
    return this.view.getUint32(this.take(4, field), true);
  }

  /** A count or offset. @throws CheckpointError when it is no safe whole number */
  u64(field: string): number {
    const value = this.view.getBigUint64(this.take(8, field), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.error('outOfRange', field, `is ${value}`);
    return Number(value);
  }

  name(field: string): string {
    return this.string(field, MAX_NAME);
  }

  /** The number of entries if a list follows; nothing is taken. @throws NeedMoreBytes */
  listLength(field: string): number | undefined {
    const start = this.at;
    try {
      if (this.u32(field) !== TYPE.array) return undefined;
      this.u32(field);
      return this.u64(field);
    } finally {
      this.at = start;
    }
  }

  /** A typed value. @throws CheckpointError, NeedMoreBytes */
  value(field: string): MetadataValue {
    const type = this.u32(field);
    if (type === TYPE.array) return this.array(field);
    return this.scalar(type, field);
  }

  error(code: CheckpointError['code'], field: string, message: string): CheckpointError {
    return new CheckpointError(code, this.path, field.slice(0, 200), message);
  }

  private scalar(type: number, field: string): number | boolean | string {
    if (type === TYPE.string) return this.string(field, MAX_STRING);
    const at = this.take(this.sizeOf(type, field), field);
    const { view } = this;
    switch (type) {
      case TYPE.u8:
        return view.getUint8(at);
      case TYPE.i8:
        return view.getInt8(at);
      case TYPE.u16:
        return view.getUint16(at, true);
      case TYPE.i16:
        return view.getInt16(at, true);
      case TYPE.u32:
        return view.getUint32(at, true);
      case TYPE.i32:
        return view.getInt32(at, true);
      case TYPE.f32:
        return view.getFloat32(at, true);
      case TYPE.u64:
        return Number(view.getBigUint64(at, true));
      case TYPE.i64:
        return Number(view.getBigInt64(at, true));
      case TYPE.f64:
        return view.getFloat64(at, true);
      default:
        return view.getUint8(at) !== 0;
    }
  }

  private array(field: string): MetadataArray {
    const type = this.u32(field);
    if (type === TYPE.array) throw this.error('unsupported', field, 'is a list of lists, which no model uses');
    const count = this.u64(field);
    if (count > MAX_ARRAY) throw this.error('outOfRange', field, `has ${count} entries; at most ${MAX_ARRAY} are read`);
    if (type === TYPE.string) {
      this.require(count * 8, field);
      return Array.from({ length: count }, () => this.string(field, MAX_STRING));
    }
    this.require(count * this.sizeOf(type, field), field);
    if (type === TYPE.bool) return Array.from({ length: count }, () => this.scalar(type, field) === true);
    return Float64Array.from({ length: count }, () => this.scalar(type, field) as number);
  }

  private string(field: string, longest: number): string {
    const length = this.u64(field);
    if (length > longest)
      throw this.error('outOfRange', field, `has a text of ${length} bytes; at most ${longest} are read`);
    const at = this.take(length, field);
    return this.decoder.decode(this.bytes.subarray(at, at + length));
  }

  private sizeOf(type: number, field: string): number {
    const size = SIZES[type];
    if (!size) throw this.error('malformed', field, `has value type ${type}, which GGUF does not define`);
    return size;
  }

  private take(length: number, field: string): number {
    this.require(length, field);
    const at = this.at;
    this.at += length;
    return at;
  }

  private require(length: number, field: string): void {
    const end = this.at + length;
    if (end > this.fileSize)
      throw this.error(
        'outOfRange',
        field,
        `reaches byte ${end} of a file of ${this.fileSize}: the file is cut short or lies`,
      );
    if (end > this.bytes.length) throw new NeedMoreBytes();
  }
}
