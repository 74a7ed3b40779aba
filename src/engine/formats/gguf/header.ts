import { CheckpointError } from '../../checkpoint/errors';
import type { RangedFile } from '../ranged-file';
import type { TensorInfo } from '../tensor-source';
import { ggmlType, unreadTypeName, type GgmlType } from './ggml-types';
import { MetadataReader, NeedMoreBytes, type MetadataValue } from './metadata-reader';

/** "GGUF" in little-endian. */
export const MAGIC = 0x46554747;
const MAX_METADATA = 1 << 16;
const MAX_TENSORS = 1 << 16;
const MAX_DIMENSIONS = 4;
const DEFAULT_ALIGNMENT = 32;
const MAX_ALIGNMENT = 1 << 20;
/** Bytes read at first; headers with a vocabulary have some megabytes. */
const FIRST_READ = 1 << 20;
const MAX_HEADER_BYTES = 256 << 20;

/** A tensor of the file. Shapes are row-major, so reversed from the file's. */
export interface GgufTensor extends TensorInfo {
  readonly type: GgmlType;
  /** Offset of the first byte in the file. */
  readonly offset: number;
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Offset of the tensor data (bytes). */
  readonly dataStart: number;
  /** All bytes before the tensor data, for fingerprints. */
  readonly bytes: Uint8Array;
}

/** Reads metadata and tensor table. @throws CheckpointError naming the file and the field */
export async function readGgufHeader(file: RangedFile): Promise<GgufHeader> {
  const most = Math.min(file.size, MAX_HEADER_BYTES);
  for (let length = Math.min(FIRST_READ, most); ; length = Math.min(4 * length, most)) {
    const bytes = new Uint8Array(length);
    await file.readBytes(0, bytes);
    try {
      return parseGgufHeader(bytes, file.size, file.path);
    } catch (error) {
      if (!(error instanceof NeedMoreBytes)) throw error;
      if (length === most)
        throw new CheckpointError('outOfRange', file.path, 'header', `is longer than ${MAX_HEADER_BYTES} bytes`);
    }
  }
}

/**
 * Parses the header of GGUF version 2 or 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
 *
 * @throws CheckpointError; NeedMoreBytes when `bytes` ends within the header
 */
export function parseGgufHeader(bytes: Uint8Array, fileSize: number, path: string): GgufHeader {
  const reader = new MetadataReader(bytes, fileSize, path);
  if (fileSize < 24) throw reader.error('malformed', 'header', `the file has ${fileSize} bytes: too short for GGUF`);
  if (reader.u32('magic') !== MAGIC) throw reader.error('malformed', 'magic', 'is not that of GGUF');
  const version = reader.u32('version');
  if (version !== 2 && version !== 3)
    throw reader.error('unsupported', 'version', `is ${version}; versions 2 and 3 are read`);
  const tensorCount = reader.u64('tensor_count');
  if (tensorCount > MAX_TENSORS)
    throw reader.error('outOfRange', 'tensor_count', `is ${tensorCount}; at most ${MAX_TENSORS} are read`);
  const metadataCount = reader.u64('metadata_kv_count');
  if (metadataCount > MAX_METADATA)
    throw reader.error('outOfRange', 'metadata_kv_count', `is ${metadataCount}; at most ${MAX_METADATA} are read`);
  const metadata = new Map<string, MetadataValue>();
  for (let i = 0; i < metadataCount; i++) {
    const key = reader.name(`metadata ${i}`);
    if (metadata.has(key)) throw reader.error('malformed', key, 'appears twice in the metadata');
    metadata.set(key, reader.value(key));
  }
  const entries: TableEntry[] = [];
  for (let i = 0; i < tensorCount; i++) entries.push(readEntry(reader, i));
  const alignment = alignmentOf(metadata, reader);
  const dataStart = Math.ceil(reader.position / alignment) * alignment;
  const tensors = placeTensors(entries, { dataStart, alignment, fileSize }, reader);
  return { metadata, tensors, dataStart, bytes: bytes.slice(0, reader.position) };
}

interface TableEntry {
  name: string;
  shape: number[];
  type: GgmlType;
  byteLength: number;
  offset: number;
}

function readEntry(reader: MetadataReader, index: number): TableEntry {
  const name = reader.name(`tensor ${index}`);
  const dimensions = reader.u32(name);
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS)
    throw reader.error('outOfRange', name, `has ${dimensions} dimensions; tensors have 1 to ${MAX_DIMENSIONS}`);
  let elements = 1;
  const shape = Array.from({ length: dimensions }, () => {
    const size = reader.u64(name);
    elements *= size;
    if (!Number.isSafeInteger(elements)) throw reader.error('outOfRange', name, 'has a shape larger than any memory');
    return size;
  }).reverse();
  const id = reader.u32(name);
  const type = ggmlType(id);
  if (!type) {
    const known = unreadTypeName(id);
    throw known === undefined
      ? reader.error('malformed', name, `has storage type ${id}, which ggml does not define`)
      : reader.error('unsupported', name, `is stored as ${known}; use a file in Q8_0, a K-quant, Q4_0 or F16`);
  }
  const columns = shape.at(-1) as number;
  if (columns % type.values !== 0)
    throw reader.error(
      'mismatch',
      name,
      `has rows of ${columns} values, not whole blocks of ${type.values} (${type.dtype})`,
    );
  return { name, shape, type, byteLength: (elements / type.values) * type.bytes, offset: reader.u64(name) };
}

function alignmentOf(metadata: ReadonlyMap<string, MetadataValue>, reader: MetadataReader): number {
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  const valid =
    typeof alignment === 'number' &&
    alignment >= 1 &&
    alignment <= MAX_ALIGNMENT &&
    Number.isInteger(Math.log2(alignment));
  if (!valid) throw reader.error('outOfRange', 'general.alignment', `must be a power of two up to ${MAX_ALIGNMENT}`);
  return alignment;
}

/** Places of all tensors, checked: names once, aligned offsets within the file, no overlap. */
function placeTensors(
  entries: readonly TableEntry[],
  { dataStart, alignment, fileSize }: { dataStart: number; alignment: number; fileSize: number },
  reader: MetadataReader,
): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  for (const { name, shape, type, byteLength, offset } of entries) {
    if (tensors.has(name)) throw reader.error('malformed', name, 'appears twice in the tensor table');
    if (offset % alignment !== 0)
      throw reader.error('malformed', name, `begins at ${offset}, which is no multiple of the alignment ${alignment}`);
    const end = dataStart + offset + byteLength;
    if (!(end <= fileSize))
      throw reader.error(
        'outOfRange',
        name,
        `reaches byte ${end} of a file of ${fileSize}: the file is cut short or lies`,
      );
    tensors.set(name, { dtype: type.dtype, type, shape, byteLength, offset: dataStart + offset });
  }
  let reached = dataStart;
  for (const [name, tensor] of [...tensors].sort(
    ([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength,
  )) {
    if (tensor.offset < reached) throw reader.error('malformed', name, 'overlaps the tensor before it');
    reached = tensor.offset + tensor.byteLength;
  }
  return tensors;
}
