import type { ModelFamily } from '../../architectures/family';
import type { ModelConfig } from '../../architectures/model-config';
import { CheckpointError } from '../../checkpoint/errors';
import { firstNotFinite } from '../numbers';
import type { RowRange, TensorInfo, TensorSource, WeightBlocks } from '../tensor-source';
import { dequantizeOf } from './dequantize';
import type { GgufFile } from './file';
import type { GgufTensor } from './header';
import { blocksFrom } from './stored-blocks';
import { huggingFaceName } from './tensor-names';

interface Place {
  file: GgufFile;
  /** Name in the file. */
  name: string;
  tensor: GgufTensor;
}

/** Weights of GGUF files under Hugging Face's names, dequantized as they are read. */
export class GgufSource implements TensorSource {
  private readonly places: ReadonlyMap<string, Place>;

  /** @throws CheckpointError `mismatch` when two tensors have one name */
  constructor(
    private readonly files: readonly GgufFile[],
    private readonly family: ModelFamily,
    private readonly config: Pick<ModelConfig, 'headDim'>,
  ) {
    const places = new Map<string, Place>();
    for (const file of files) {
      for (const [name, tensor] of file.tensors) {
        const known = huggingFaceName(name, family);
        if (known === undefined) continue;
        if (places.has(known))
          throw new CheckpointError('mismatch', file.path, name, `stands in the model twice (as ${known})`);
        places.set(known, { file, name, tensor });
      }
    }
    this.places = places;
  }

  names(): readonly string[] {
    return [...this.places.keys()];
  }

  has(name: string): boolean {
    return this.places.has(name);
  }

  info(name: string): TensorInfo {
    const { dtype, shape, byteLength } = this.place(name).tensor;
    return { dtype, shape, byteLength };
  }

  /** @throws CheckpointError `missing`, `unsupported` (type), `outOfRange` (rows), `changed`, `notFinite` */
  async readFloat32(name: string, rows?: RowRange, into?: Float32Array): Promise<Float32Array> {
    const place = this.place(name);
    const dequantize = dequantizeOf(place.tensor.dtype);
    if (!dequantize)
      throw this.error('unsupported', place, `is stored as ${place.tensor.dtype}, which holds no weights`);
    const values = await this.readRows(name, rows, (bytes, count) => {
      const out = into && into.length >= count ? into.subarray(0, count) : new Float32Array(count);
      dequantize(bytes, out);
      return out;
    });
    if (into) return values;
    const bad = firstNotFinite(values);
    if (bad >= 0)
      throw this.error('notFinite', place, `holds ${values[bad]} at element ${bad} of a range; the file is damaged`);
    return values;
  }

  holdsBlocks(name: string, bits: 4 | 8): boolean {
    const { tensor } = this.place(name);
    return tensor.shape.length === 2 && blocksFrom(tensor.dtype, bits) !== undefined;
  }

  /** @throws CheckpointError as `readFloat32` */
  async readBlocks(name: string, bits: 4 | 8, rows?: RowRange): Promise<WeightBlocks> {
    const place = this.place(name);
    const convert = blocksFrom(place.tensor.dtype, bits);
    if (!convert)
      throw this.error('unsupported', place, `is stored as ${place.tensor.dtype}, in no blocks of the products`);
    const blocks = convert(await this.readRows(name, rows, (bytes) => bytes));
    if (firstNotFinite(blocks.scales) >= 0)
      throw this.error('notFinite', place, 'has a scale that is NaN or infinite; the file is damaged');
    return blocks;
  }

  async close(): Promise<void> {
    await Promise.all(this.files.map((file) => file.close()));
  }

  /** Reads rows, puts rotated ones in Hugging Face's order, and converts them. */
  private async readRows<T extends Float32Array | Uint8Array>(
    name: string,
    rows: RowRange | undefined,
    convert: (bytes: Uint8Array, values: number) => T,
  ): Promise<T> {
    const place = this.place(name);
    const { shape, byteLength, offset, type } = place.tensor;
    const total = shape[0] as number;
    const { from, to } = rows ?? { from: 0, to: total };
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to < from || to > total)
      throw this.error('outOfRange', place, `has ${total} rows; ${from}…${to} were asked for`);
    if (shape.length === 1 && type.values > 1)
      throw this.error('unsupported', place, `is a vector stored as ${type.dtype}`);
    const rowBytes = total === 0 ? 0 : byteLength / total;
    const rowValues = shape.slice(1).reduce((product, size) => product * size, 1);
    const order = this.isPaired(name) ? pairOrder(this.config.headDim) : undefined;
    // A row's place is somewhere in its head, so that whole heads are read.
    const head = order?.length ?? 1;
    const first = Math.floor(from / head) * head;
    const stored = new Uint8Array((Math.min(total, Math.ceil(to / head) * head) - first) * rowBytes);
    await place.file.readBytes(offset + first * rowBytes, stored);
    if (!order) return convert(stored, (to - from) * rowValues);
    const ordered = new Uint8Array((to - from) * rowBytes);
    for (let row = from; row < to; row++) {
      const at = row - (row % head) + (order[row % head] as number) - first;
      ordered.set(stored.subarray(at * rowBytes, (at + 1) * rowBytes), (row - from) * rowBytes);
    }
    return convert(ordered, (to - from) * rowValues);
  }

  /** Whether the rows are in the order of adjacent rotary pairs. */
  private isPaired(name: string): boolean {
    return this.family.gguf?.rotaryPairs === 'adjacent' && /\.self_attn\.[qk]_proj\.(weight|bias)$/.test(name);
  }

  private place(name: string): Place {
    const place = this.places.get(name);
    if (!place)
      throw new CheckpointError(
        'missing',
        (this.files[0] as GgufFile).path,
        name,
        'the tensor is in none of the files',
      );
    return place;
  }

  private error(code: CheckpointError['code'], { file, name }: Place, message: string): CheckpointError {
    return new CheckpointError(code, file.path, name, message);
  }
}

/** Where each row of a head is stored: halves (i, i + d/2) as adjacent pairs (2i, 2i + 1). */
function pairOrder(headDim: number): number[] {
  const pairs = headDim / 2;
  return Array.from({ length: headDim }, (_, row) => 2 * (row % pairs) + Math.floor(row / pairs));
}
