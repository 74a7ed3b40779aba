import { CheckpointError } from '../../checkpoint/errors';
import { isObject, parseJson, repeatedKey } from '../../checkpoint/json';
import type { RangedFile } from '../ranged-file';
import type { TensorDtype, TensorInfo } from '../tensor-source';

/** Largest header that is read. Headers of published models have some hundred kilobytes. */
const MAX_HEADER_BYTES = 32 << 20;
const MAX_TENSORS = 200_000;
const MAX_DIMENSIONS = 8;
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
export function bytesOf(dtype: TensorDtype): number {
  return BYTES_PER_ELEMENT[dtype] ?? NaN;
}

export interface LocatedTensor extends TensorInfo {
  /** Offset of the first byte in the file. */
  offset: number;
}

/** Reads the header's bytes, without the length in front. @throws CheckpointError */
export async function readHeader(file: RangedFile): Promise<Uint8Array> {
  const { path, size } = file;
  const prefix = new Uint8Array(8);
  if ((await file.readSome(0, prefix)) < 8)
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
  if ((await file.readSome(8, header)) < header.length)
    throw new CheckpointError('malformed', path, 'header', 'the file ends inside its header');
  return header;
}

export function decodeHeader(header: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(header);
  } catch (error) {
    throw new CheckpointError('malformed', path, 'header', 'is not valid UTF-8', { cause: error });
  }
}

/** Places of all tensors, checked: known dtype, sane shape, bytes that fit the shape, no overlap, no gap, no rest. */
export function parseHeader(
  text: string,
  path: string,
  dataStart: number,
  fileSize: number,
): Map<string, LocatedTensor> {
  const header = parseJson(text, path, 'header');
  const twice = repeatedKey(text);
  if (twice !== undefined)
    throw new CheckpointError(
      'malformed',
      path,
      twice.slice(0, 200),
      'stands twice in the header, so its place is unclear',
    );
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
