import type { TensorDtype } from '../tensor-source';

/** A storage type of ggml: values come in blocks of `values` that take `bytes`. */
export interface GgmlType {
  readonly dtype: TensorDtype;
  readonly values: number;
  readonly bytes: number;
}

/** Values of a K-quant's super-block. */
export const SUPER_BLOCK = 256;

const type = (dtype: TensorDtype, values: number, bytes: number): GgmlType => ({ dtype, values, bytes });

/** Storage types by their number in the file (ggml.h, enum ggml_type). */
const TYPES: ReadonlyMap<number, GgmlType> = new Map([
  [0, type('F32', 1, 4)],
  [1, type('F16', 1, 2)],
  [2, type('Q4_0', 32, 18)],
  [3, type('Q4_1', 32, 20)],
  [6, type('Q5_0', 32, 22)],
  [7, type('Q5_1', 32, 24)],
  [8, type('Q8_0', 32, 34)],
  [10, type('Q2_K', SUPER_BLOCK, 84)],
  [11, type('Q3_K', SUPER_BLOCK, 110)],
  [12, type('Q4_K', SUPER_BLOCK, 144)],
  [13, type('Q5_K', SUPER_BLOCK, 176)],
  [14, type('Q6_K', SUPER_BLOCK, 210)],
  [20, type('IQ4_NL', 32, 18)],
  [24, type('I8', 1, 1)],
  [25, type('I16', 1, 2)],
  [26, type('I32', 1, 4)],
  [27, type('I64', 1, 8)],
  [28, type('F64', 1, 8)],
  [30, type('BF16', 1, 2)],
]);

/** Types that are not read, for messages. */
const UNREAD: ReadonlyMap<number, string> = new Map([
  [9, 'Q8_1'],
  [15, 'Q8_K'],
  [16, 'IQ2_XXS'],
  [17, 'IQ2_XS'],
  [18, 'IQ3_XXS'],
  [19, 'IQ1_S'],
  [21, 'IQ3_S'],
  [22, 'IQ2_S'],
  [23, 'IQ4_XS'],
  [29, 'IQ1_M'],
  [34, 'TQ1_0'],
  [35, 'TQ2_0'],
  [39, 'MXFP4'],
]);

export function ggmlType(id: number): GgmlType | undefined {
  return TYPES.get(id);
}

/** Name of a type that is not read; undefined for a number that ggml does not define. */
export function unreadTypeName(id: number): string | undefined {
  return UNREAD.get(id);
}
