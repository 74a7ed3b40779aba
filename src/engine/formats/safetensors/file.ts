import { open, stat, type FileHandle } from 'node:fs/promises';
import { asCheckpointError, CheckpointError } from '../../checkpoint/errors';
import { isObject, parseJson } from '../../checkpoint/json';
import { decodeFloat32InPlace, firstNotFinite } from '../numbers';
import type { RowRange, TensorDtype, TensorInfo, WeightFile } from '../tensor-source';

/** Headers of published models are some hundred kilobytes; what is larger than this is not read. */
const MAX_HEADER_BYTES = 32 << 20;
const MAX_TENSORS = 200_000;
const MAX_DIMENSIONS = 8;
/** Reads of at most this many bytes: Node refuses single reads beyond 2 GiB. */
const READ_BYTES = 1 << 28;

const BYTES_PER_ELEMENT: Readonly<Partial<Record<TensorDtype, number>>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** Bytes of one element. */
function bytesOf(dtype: TensorDtype): number {
  return BYTES_PER_ELEMENT[dtype] ?? NaN;
}

export interface LocatedTensor extends TensorInfo {
  /** Offset of the first byte in the file. */
  offset: number;
}

/**
 * One `*.safetensors` file, open for ranged reads: 8 bytes of little-endian header length, a JSON header, then the
 * tensors without gaps (https://github.com/huggingface/safetensors, "Format"). The header is believed only where it
 * agrees with the size of the file.
 */
export class SafetensorsFile implements WeightFile {
  readonly path: string;
  readonly size: number;
  readonly tensors: ReadonlyMap<string, LocatedTensor>;
  /** The header as it stands in the file, for fingerprints. */
  readonly header: Uint8Array;
  private readonly handle: FileHandle;
  private readonly identity: string;

  private constructor(
    path: string,
    handle: FileHandle,
    identity: string,
    size: number,
    header: Uint8Array,
    tensors: Map<string, LocatedTensor>,
  ) {
    this.path = path;
    this.handle = handle;
    this.identity = identity;
    this.size = size;
    this.header = header;
    this.tensors = tensors;
  }

  get dataStart(): number {
    return 8 + this.header.length;
  }

  /** @throws CheckpointError */
  static async open(path: string): Promise<SafetensorsFile> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      const status = await handle.stat();
      const header = await readHeader(handle, path, status.size);
      const text = decodeHeader(header, path);
      const tensors = parseHeader(text, path, 8 + header.length, status.size);
      return new SafetensorsFile(path, handle, identify(status), status.size, header, tensors);
    } catch (error) {
      await handle?.close();
      throw asCheckpointError(error, path);
    }
  }

  /**
   * A tensor, or rows [from, to) of its first dimension, as f32. The result is the only memory used: 16-bit values are
   * widened in place.
   *
   * @throws CheckpointError `missing`, `unsupported` (dtype), `outOfRange` (rows), `changed`, `notFinite`
   */
  async readFloat32(name: string, rows?: RowRange): Promise<Float32Array> {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new CheckpointError('missing', this.path, name, 'the tensor is not in this file');
    if (tensor.dtype !== 'F32' && tensor.dtype !== 'F16' && tensor.dtype !== 'BF16') {
      throw new CheckpointError(
        'unsupported',
        this.path,
        name,
        `has dtype ${tensor.dtype}; weights must be F32, F16 or BF16`,
      );
    }
    const { start, length } = rowRange(tensor, rows, this.path, name);
    const width = bytesOf(tensor.dtype);
    const values = new Float32Array(length);
    // 16-bit values are read into the upper half of the result and widened from its start.
    const target = new Uint8Array(values.buffer, values.byteLength - length * width, length * width);
    await this.readBytes(tensor.offset + start * width, target);
    decodeFloat32InPlace(values, tensor.dtype);
    const bad = firstNotFinite(values);
    if (bad >= 0)
      throw new CheckpointError(
        'notFinite',
        this.path,
        name,
        `holds ${values[bad]} at element ${start + bad}; the file is damaged`,
      );
    return values;
  }

  /**
   * Fills `target` from `offset`. @throws CheckpointError `changed` when the file is no longer the one that was opened.
   */
  async readBytes(offset: number, target: Uint8Array): Promise<void> {
    let filled = 0;
    while (filled < target.length) {
      const step = Math.min(READ_BYTES, target.length - filled);
      const { bytesRead } = await this.read(target, filled, step, offset + filled);
      if (bytesRead === 0) throw this.changed('ends early');
      filled += bytesRead;
    }
    await this.assertUnchanged();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  private async read(target: Uint8Array, at: number, length: number, position: number): Promise<{ bytesRead: number }> {
    try {
      return await this.handle.read(target, at, length, position);
    } catch (error) {
      throw asCheckpointError(error, this.path);
    }
  }

  /**
   * The open handle would go on reading a file that was replaced; half old, half new weights would be worse than an
   * error.
   */
  private async assertUnchanged(): Promise<void> {
    let now: string;
    try {
      now = identify(await stat(this.path));
    } catch (error) {
      throw this.changed('is gone', error);
    }
    if (now !== this.identity || identify(await this.handle.stat()) !== this.identity)
      throw this.changed('was replaced or written to');
  }

  private changed(what: string, cause?: unknown): CheckpointError {
    return new CheckpointError(
      'changed',
      this.path,
      '',
      `the file ${what} while it was open; open the checkpoint again`,
      { cause },
    );
  }
}

function identify(status: { dev: number; ino: number; size: number; mtimeMs: number }): string {
  return `${status.dev}:${status.ino}:${status.size}:${status.mtimeMs}`;
}

async function readHeader(handle: FileHandle, path: string, size: number): Promise<Uint8Array> {
  const prefix = new Uint8Array(8);
  const { bytesRead } = await handle.read(prefix, 0, 8, 0);
  if (bytesRead < 8)
    throw new CheckpointError(
      'malformed',
      path,
      'header',
      `the file has ${size} bytes: too short for a safetensors file`,
    );
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  if (length > BigInt(Math.min(size - 8, MAX_HEADER_BYTES))) {
    throw new CheckpointError(
      'outOfRange',
      path,
      'header',
      `claims ${length} bytes of a file of ${size}; at most ${MAX_HEADER_BYTES} are read`,
    );
  }
  const header = new Uint8Array(Number(length));
  let filled = 0;
  while (filled < header.length) {
    const { bytesRead: more } = await handle.read(header, filled, header.length - filled, 8 + filled);
    if (more === 0) throw new CheckpointError('malformed', path, 'header', 'the file ends inside its header');
    filled += more;
  }
  return header;
}

function decodeHeader(header: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(header);
  } catch (error) {
    throw new CheckpointError('malformed', path, 'header', 'is not valid UTF-8', { cause: error });
  }
}

/** Every tensor's place, checked: known dtype, sane shape, bytes that fit the shape, no overlap, no gap, no rest. */
export function parseHeader(
  text: string,
  path: string,
  dataStart: number,
  fileSize: number,
): Map<string, LocatedTensor> {
  const header = parseJson(text, path, 'header');
  if (!isObject(header)) throw new CheckpointError('malformed', path, 'header', 'must be a JSON object');
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  if (names.length > MAX_TENSORS)
    throw new CheckpointError('outOfRange', path, 'header', `lists ${names.length} tensors`);
  const tensors = new Map<string, LocatedTensor>();
  for (const name of names) tensors.set(name, parseEntry(header[name], path, name, dataStart, fileSize));
  assertContiguous(tensors, path, dataStart, fileSize);
  return tensors;
}

function parseEntry(entry: unknown, path: string, name: string, dataStart: number, fileSize: number): LocatedTensor {
  const field = name.slice(0, 200);
  const fail = (code: CheckpointError['code'], message: string) => new CheckpointError(code, path, field, message);
  if (!isObject(entry)) throw fail('malformed', 'its header entry must be an object');
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string') throw fail('malformed', 'dtype is missing');
  if (!Object.hasOwn(BYTES_PER_ELEMENT, dtype)) {
    throw fail('unsupported', `has dtype ${dtype.slice(0, 20)}; use a checkpoint in F32, F16 or BF16`);
  }
  if (!Array.isArray(shape) || shape.length > MAX_DIMENSIONS)
    throw fail('malformed', `shape must be a list of at most ${MAX_DIMENSIONS} sizes`);
  let elements = 1;
  for (const size of shape as unknown[]) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      throw fail('malformed', 'shape holds something that is not a size');
    elements *= size;
    if (!Number.isSafeInteger(elements)) throw fail('outOfRange', 'shape is larger than any memory');
  }
  if (!Array.isArray(offsets) || offsets.length !== 2) throw fail('malformed', 'data_offsets must be a pair');
  const [begin, end] = offsets as unknown[];
  if (
    typeof begin !== 'number' ||
    typeof end !== 'number' ||
    !Number.isSafeInteger(begin) ||
    !Number.isSafeInteger(end) ||
    begin < 0 ||
    end < begin
  ) {
    throw fail('malformed', 'data_offsets are not a range');
  }
  if (dataStart + end > fileSize)
    throw fail('outOfRange', `reaches byte ${dataStart + end} of a file of ${fileSize}: the file is cut short or lies`);
  const byteLength = elements * bytesOf(dtype as TensorDtype);
  if (byteLength !== end - begin)
    throw fail('mismatch', `shape needs ${byteLength} bytes, data_offsets give ${end - begin}`);
  return { dtype: dtype as TensorDtype, shape: shape as number[], byteLength, offset: dataStart + begin };
}

function assertContiguous(
  tensors: ReadonlyMap<string, LocatedTensor>,
  path: string,
  dataStart: number,
  fileSize: number,
): void {
  const ordered = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength);
  let reached = dataStart;
  for (const [name, tensor] of ordered) {
    if (tensor.offset < reached)
      throw new CheckpointError('malformed', path, name.slice(0, 200), 'overlaps the tensor before it');
    if (tensor.offset > reached)
      throw new CheckpointError(
        'malformed',
        path,
        name.slice(0, 200),
        `leaves ${tensor.offset - reached} unexplained bytes before it`,
      );
    reached += tensor.byteLength;
  }
  if (reached !== fileSize)
    throw new CheckpointError('malformed', path, 'header', `describes ${reached} bytes of a file of ${fileSize}`);
}

function rowRange(
  tensor: LocatedTensor,
  rows: RowRange | undefined,
  path: string,
  name: string,
): { start: number; length: number } {
  const elements = tensor.shape.reduce((product, size) => product * size, 1);
  if (!rows) return { start: 0, length: elements };
  const count = tensor.shape[0] ?? 0;
  const { from, to } = rows;
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to < from || to > count) {
    throw new CheckpointError('outOfRange', path, name, `rows ${from}…${to} of ${count}`);
  }
  const rowLength = count === 0 ? 0 : elements / count;
  return { start: from * rowLength, length: (to - from) * rowLength };
}
