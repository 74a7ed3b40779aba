import type { GraphBuilder } from './graph-builder';
import type { StoredTensors } from '../weight-file';
import { blocksOf, BLOCK, ZERO_LEVEL } from '../quantize';
import type { MatrixFormat, MatrixPlan } from '../weights';

/** Blocks of 4 bits are for the kernels alone. */
export type GraphFormat = Exclude<MatrixFormat, '4bit'>;

/** Emits the weights and the products of a decoder graph. */
export class Projections {
  constructor(
    readonly graph: GraphBuilder,
    private readonly stored: StoredTensors,
  ) {}

  /** A stored tensor as a constant of the graph. */
  weight(name: string): string {
    const tensor = this.stored[name];
    if (!tensor) throw new Error(`the compiled weights lack ${name}`);
    return this.graph.external(name, tensor.type, tensor.shape, tensor);
  }

  /** x [..., inputs] → x · Wᵀ + b [..., outputs] */
  product(x: string, plan: MatrixPlan, format: GraphFormat): string {
    const y = this.#unbiased(x, plan, format);
    return plan.biases.length > 0 ? this.graph.node('Add', [y, this.weight(`${plan.name}.bias`)]) : y;
  }

  /** Rows [B, S, inputs] of a matrix, by their numbers [B, S]. */
  rows(numbers: string, plan: MatrixPlan, format: 'f32' | '8bit'): string {
    const g = this.graph;
    const gather = (name: string): string =>
      g.node('Gather', [this.weight(name), numbers], { attributes: { axis: 0 } });
    if (format === 'f32') return gather(plan.name);
    const blocks = blocksOf(plan.inputs);
    const name = `${plan.name}.${format}`;
    // [B, S, blocks, 32] levels, shifted by 128, and [B, S, blocks, 1] scales.
    const levels = g.node('Sub', [g.cast(gather(name), 'float32'), g.float(ZERO_LEVEL)]);
    const scaled = g.node('Mul', [levels, g.reshape(gather(`${name}.scales`), [0, 0, blocks, 1])]);
    const filled = g.reshape(scaled, [0, 0, blocks * BLOCK]);
    const rest = blocks * BLOCK - plan.inputs;
    return rest === 0 ? filled : (g.split(filled, [plan.inputs, rest], -1)[0] as string);
  }

  #unbiased(x: string, plan: MatrixPlan, format: GraphFormat): string {
    if (format === 'f32') return this.graph.ms('FusedMatMul', [x, this.weight(plan.name)], { transB: 1 });
    if (format === 'i8q') return this.#rounded(x, plan);
    const name = `${plan.name}.${format}`;
    return this.graph.ms('MatMulNBits', [x, this.weight(name), this.weight(`${name}.scales`)], {
      K: plan.inputs,
      N: plan.outputs,
      bits: 8,
      block_size: BLOCK,
      // Activations are rounded to bytes by blocks of 32, so that the product runs on integers.
      accuracy_level: 4,
    });
  }

  /**
   * Product "i8q": each row of x is rounded to bytes with its own scale (largest magnitude / 127). The product runs on
   * integers. The scales of row and output are applied to the result.
   */
  #rounded(x: string, plan: MatrixPlan): string {
    const g = this.graph;
    const largest = g.node('ReduceMax', [g.node('Abs', [x]), g.int64s([-1])], { attributes: { keepdims: 1 } });
    const scale = g.node('Max', [g.node('Mul', [largest, g.float(1 / 127)]), g.float(1e-20)]);
    const levels = g.ms('QuantizeLinear', [g.node('Div', [x, scale]), g.float(1), this.#zero()]);
    const sums = g.ms('MatMulIntegerToFloat', [
      levels,
      this.weight(`${plan.name}.i8q`),
      g.float(1),
      this.weight(`${plan.name}.i8q.scales`),
      this.#zero(),
      this.#zero(),
    ]);
    return g.node('Mul', [sums, scale]);
  }

  #zero(): string {
    return this.graph.initializer('byte_zero', 'uint8', [], Uint8Array.of(ZERO_LEVEL));
  }
}

/** Bytes of one matrix in a format. */
export function matrixBytes(plan: MatrixPlan, format: MatrixFormat): number {
  if (format === 'f32') return plan.outputs * plan.inputs * 4;
  if (format === 'i8q') return plan.outputs * (plan.inputs + 4);
  return plan.outputs * blocksOf(plan.inputs) * ((format === '8bit' ? BLOCK : BLOCK / 2) + 4);
}
