import { asCheckpointError, CheckpointError } from '../../checkpoint/errors';
import { decodeFloat32InPlace, firstNotFinite } from '../numbers';
import { RangedFile } from '../ranged-file';
import type { RowRange, WeightFile } from '../tensor-source';
import { bytesOf, decodeHeader, parseHeader, readHeader, type LocatedTensor } from './header';

/**
 * One `*.safetensors` file, open for ranged reads: 8 bytes of little-endian header length, a JSON header, then the
 * tensors without gaps (https://github.com/huggingface/safetensors, "Format"). The header is used only where it agrees
 * with the size of the file.
 */
export class SafetensorsFile implements WeightFile {
  private constructor(
    private readonly file: RangedFile,
    /** The header as it is in the file, for fingerprints. */
    readonly header: Uint8Array,
    readonly tensors: ReadonlyMap<string, LocatedTensor>,
  ) {}

  get path(): string {
    return this.file.path;
  }

  get size(): number {
    return this.file.size;
  }

  get dataStart(): number {
    return 8 + this.header.length;
  }

  /** @throws CheckpointError */
  static async open(path: string): Promise<SafetensorsFile> {
    const file = await RangedFile.open(path);
    try {
      const header = await readHeader(file);
      return new SafetensorsFile(
        file,
        header,
        parseHeader(decodeHeader(header, path), path, 8 + header.length, file.size),
      );
    } catch (error) {
      await file.close();
      throw asCheckpointError(error, path);
    }
  }

  /**
   * Reads a tensor, or rows [from, to) of its first dimension, as f32. The result is the only memory used: 16-bit
   * values are widened in place.
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

  /** @throws CheckpointError `changed` when the file is no longer the one that was opened */
  readBytes(offset: number, target: Uint8Array): Promise<void> {
    return this.file.readBytes(offset, target);
  }

  close(): Promise<void> {
    return this.file.close();
  }
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
