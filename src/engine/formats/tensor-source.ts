/** Storage types of safetensors, then those of GGUF that are not among them. */
export type TensorDtype =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U8'
  | 'BOOL'
  | 'Q4_0'
  | 'Q4_1'
  | 'Q5_0'
  | 'Q5_1'
  | 'Q8_0'
  | 'Q2_K'
  | 'Q3_K'
  | 'Q4_K'
  | 'Q5_K'
  | 'Q6_K'
  | 'IQ4_NL';

/** Storage types that hold no weights: integers, and doubles, which no published model uses. */
const NOT_WEIGHTS: ReadonlySet<TensorDtype> = new Set(['F64', 'I64', 'I32', 'I16', 'I8', 'U8', 'BOOL']);

/** Whether `readFloat32` reads tensors of this type. */
export function isWeightDtype(dtype: TensorDtype): boolean {
  return !NOT_WEIGHTS.has(dtype);
}

export interface TensorInfo {
  dtype: TensorDtype;
  /** Row-major. */
  shape: readonly number[];
  /** Size on disk. */
  byteLength: number;
}

/** Rows [from, to) of a tensor's first dimension. */
export interface RowRange {
  from: number;
  to: number;
}

/**
 * Rounded rows in the layout that the matrix products read: blocks of 32 columns, each with one scale. See
 * decoder/quantize.ts.
 */
export interface WeightBlocks {
  /**
   * 8 bits: [rows, blocks, 32], shifted by 128; 4 bits: [rows, blocks, 16], the even column in the low nibble.
   */
  levels: Uint8Array;
  /** [rows, blocks]; with 4 bits words of scale and zero (packScale). */
  scales: Float32Array;
}

/** Named tensors that are read on demand, never a whole file at once. */
export interface TensorSource {
  names(): readonly string[];
  has(name: string): boolean;
  /** @throws CheckpointError when the tensor is absent. */
  info(name: string): TensorInfo;
  /**
   * A tensor, or some of its rows, widened to f32.
   *
   * @param into memory for the values, which a source may use or not: the values are where the result says. Who gives
   *   it checks that they are finite
   */
  readFloat32(name: string, rows?: RowRange, into?: Float32Array): Promise<Float32Array>;
  /** Whether blocks with levels of so many bits hold the stored values without rounding their levels again. */
  holdsBlocks?(name: string, bits: 4 | 8): boolean;
  /** The stored values in blocks, without a second rounding. Only where `holdsBlocks`. */
  readBlocks?(name: string, bits: 4 | 8, rows?: RowRange): Promise<WeightBlocks>;
  close(): Promise<void>;
}

/** A weight file as fingerprints see it. */
export interface WeightFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** All that stands before the tensors: names, shapes, offsets. */
  readonly header: Uint8Array;
  /** Offset of the first tensor (bytes). */
  readonly dataStart: number;
  /**
   * Fills `target` from `offset`. @throws CheckpointError `changed` when the file is no longer the one that was opened.
   */
  readBytes(offset: number, target: Uint8Array): Promise<void>;
}
