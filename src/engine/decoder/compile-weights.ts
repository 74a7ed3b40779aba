/**
 * Compiles the checkpoint's tensors to those of the graphs and kernels. Tensors are read in bands of rows. Threads
 * round some bands side by side while the next one is read. In memory are these bands, and for prompts one transposed
 * matrix.
 */

import { layerOf } from '../architectures/layer';
import { layerNorms } from '../architectures/layout';
import { CheckpointError } from '../checkpoint/errors';
import type { Checkpoint, ModelConfig } from '../checkpoint/types';
import type { RowRange } from '../formats/tensor-source';
import type { WeightFormat } from './options';
import { blocksOf, BLOCK } from './quantize';
import { BandRounder, bandRows, roundingThreads, type RoundingTarget } from './band-rounder';
import type { WeightWriter } from './weight-file';
import {
  EMBEDDING_FORMAT,
  embeddingMatrix,
  headFormat,
  headMatrix,
  layerFormats,
  layerMatrices,
  type MatrixFormat,
  type MatrixPlan,
} from './weights';

/** Told the share of the weights that is compiled, from 0 to 1. */
export type TellProgress = (share: number) => void;

/**
 * Compiles all tensors of a checkpoint. @throws CheckpointError naming the tensor that is not finite or has another
 * shape than the config says
 */
export async function compileWeights(
  checkpoint: Checkpoint,
  weights: WeightFormat,
  writer: WeightWriter,
  tell?: TellProgress,
): Promise<void> {
  const { config } = checkpoint;
  const compiler = new Compiler(checkpoint, writer, tell);
  try {
    await compiler.embeddings(weights);
    if (weights !== 'f32' || !config.tiedEmbeddings) await compiler.matrix(headMatrix(config), [headFormat(weights)]);
    if (weights !== 'f32' && config.tiedEmbeddings) compiler.shareHead();
    await compiler.vector('norm', ['model.norm.weight'], config.hiddenSize);
    for (let layer = 0; layer < config.layers; layer++) await compileLayer(compiler, config, layer, weights);
  } finally {
    await compiler.close();
  }
}

async function compileLayer(
  compiler: Compiler,
  config: ModelConfig,
  layer: number,
  weights: WeightFormat,
): Promise<void> {
  const at = `model.layers.${layer}`;
  for (const [name, tensor] of layerNorms(config, layer))
    await compiler.vector(`layer${layer}.${name}`, [`${at}.${tensor}.weight`], config.hiddenSize);
  const { qkNorm } = layerOf(config, layer).attention;
  if (qkNorm !== 'none') {
    const heads = (count: number) => (qkNorm === 'head' ? 1 : count) * config.headDim;
    await compiler.vector(`layer${layer}.qNorm`, [`${at}.self_attn.q_norm.weight`], heads(config.queryHeads));
    await compiler.vector(`layer${layer}.kNorm`, [`${at}.self_attn.k_norm.weight`], heads(config.kvHeads));
  }
  for (const matrix of Object.values(layerMatrices(config, layer))) {
    await compiler.matrix(matrix, layerFormats(config, layer, weights));
    if (matrix.biases.length > 0) await compiler.vector(`${matrix.name}.bias`, matrix.biases, matrix.outputs);
  }
}

/** The widest row of all matrices. */
function widest(config: ModelConfig): number {
  const layers = Array.from({ length: config.layers }, (_, layer) => Object.values(layerMatrices(config, layer)));
  return Math.max(config.hiddenSize, ...layers.flat().map(({ inputs }) => inputs));
}

class Compiler {
  private readonly rounder: BandRounder;
  private read = 0;
  private readonly total: number;

  constructor(
    private readonly checkpoint: Checkpoint,
    private readonly writer: WeightWriter,
    private readonly tell: TellProgress | undefined,
  ) {
    const { config } = checkpoint;
    this.rounder = new BandRounder(widest(config), roundingThreads(config));
    const layers = Array.from({ length: config.layers }, (_, layer) => Object.values(layerMatrices(config, layer)));
    const matrices = [headMatrix(config), ...layers.flat()];
    this.total = matrices.reduce(
      (sum, { outputs, inputs }) => sum + outputs * inputs,
      config.vocabSize * config.hiddenSize,
    );
  }

  close(): Promise<void> {
    return this.rounder.close();
  }

  /** The embeddings, where they are not the output matrix. */
  async embeddings(weights: WeightFormat): Promise<void> {
    const { config } = this.checkpoint;
    if (weights === 'f32') await this.exact(embeddingMatrix(config));
    else if (!config.tiedEmbeddings) await this.matrix(embeddingMatrix(config), [EMBEDDING_FORMAT]);
  }

  /** Tied embeddings are looked up in the rounded output matrix. */
  shareHead(): void {
    for (const part of ['', '.scales'])
      this.writer.share(`embeddings.${EMBEDDING_FORMAT}${part}`, `head.${EMBEDDING_FORMAT}${part}`);
  }

  /** Vectors stacked one after the other, as f32. */
  async vector(name: string, sources: readonly string[], length: number): Promise<void> {
    const parts: Float32Array[] = [];
    for (const source of sources) parts.push(this.checked(source, await this.checkpoint.tensors.readFloat32(source)));
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    if (size !== length) throw this.mismatch(sources.join(' + '), `${size} values where ${length} are needed`);
    await this.writer.begin(name, 'float32', [length]);
    for (const part of parts) await this.writer.append(part);
  }

  async matrix(plan: MatrixPlan, formats: readonly MatrixFormat[]): Promise<void> {
    const rows = plan.sources.reduce((sum, source) => sum + (this.checkpoint.tensors.info(source).shape[0] ?? 0), 0);
    if (rows !== plan.outputs)
      throw this.mismatch(plan.sources.join(' + '), `${rows} rows where ${plan.outputs} are needed`);
    if (formats.includes('f32')) return this.exact(plan);
    const rounded = formats.find((format) => format === '8bit' || format === '4bit');
    await this.rounded(plan, rounded, formats.includes('i8q'));
  }

  private async exact(plan: MatrixPlan): Promise<void> {
    await this.writer.begin(plan.name, 'float32', [plan.outputs, plan.inputs]);
    for (const source of plan.sources)
      for (const range of this.ranges(source, plan.inputs))
        await this.writer.append(this.checked(source, await this.checkpoint.tensors.readFloat32(source, range)));
  }

  /** Blocks of 8 or 4 bits for single tokens, and transposed bytes for prompts ("i8q"), from one reading. */
  private async rounded(plan: MatrixPlan, format: '8bit' | '4bit' | undefined, transposed: boolean): Promise<void> {
    const { rounder, writer } = this;
    const bits = format === undefined ? undefined : format === '8bit' ? 8 : 4;
    const blocks = blocksOf(plan.inputs);
    const scales: Float32Array[] = [];
    if (bits) await writer.begin(`${plan.name}.${format}`, 'uint8', [plan.outputs, blocks, (BLOCK * bits) / 8]);
    const whole = transposed ? rounder.transposed(plan.outputs, plan.inputs) : undefined;
    let row = 0;
    for (const source of plan.sources) {
      // Stored values that the blocks of the products hold exactly are taken over without a second rounding.
      const stored = bits !== undefined && this.checkpoint.tensors.holdsBlocks?.(source, bits) === true;
      for (const range of this.ranges(source, plan.inputs)) {
        if (stored) {
          // Behind the bands that are still being rounded: the levels are in the order of the rows.
          await rounder.flush();
          const { levels, scales: own } = await this.storedBlocks(source, bits, range);
          await writer.append(levels);
          scales.push(own);
        }
        const target: RoundingTarget = {
          columns: plan.inputs,
          bits: stored ? undefined : bits,
          ...(whole ? { whole, row } : {}),
        };
        row += range.to - range.from;
        if (target.bits === undefined && !whole) continue;
        await rounder.round(this.reader(source, range), target, async (made) => {
          if (!made.isFinite) throw this.notFinite(source);
          if (!made.blocks) return;
          await writer.append(made.blocks.levels);
          scales.push(made.blocks.scales.slice());
        });
      }
    }
    await rounder.flush();
    if (bits) {
      await writer.begin(`${plan.name}.${format}.scales`, 'float32', [plan.outputs, blocks]);
      for (const part of scales) await writer.append(part);
    }
    if (!whole) return;
    await writer.add(`${plan.name}.i8q`, 'uint8', [plan.inputs, plan.outputs], whole.levels);
    await writer.add(`${plan.name}.i8q.scales`, 'float32', [plan.outputs], whole.scales);
  }

  /** Reads rows of a tensor into the memory of the rounding. */
  private reader(name: string, range: RowRange): (into: Float32Array) => Promise<number> {
    return async (into) => {
      const values = await this.checkpoint.tensors.readFloat32(name, range, into);
      if (values.buffer !== into.buffer) into.set(values);
      return values.length;
    };
  }

  /** Rows of a tensor as they are stored in blocks. */
  private async storedBlocks(name: string, bits: 4 | 8, range: RowRange) {
    const { tensors } = this.checkpoint;
    if (!tensors.readBlocks) throw new Error(`${name} has stored blocks and no way to read them`);
    const blocks = await tensors.readBlocks(name, bits, range);
    this.checked(name, blocks.scales);
    return blocks;
  }

  /** Ranges of rows that make bands. @throws CheckpointError when the shape is another */
  private *ranges(name: string, columns: number, rows?: number): Generator<RowRange> {
    const { shape } = this.checkpoint.tensors.info(name);
    const total = shape[0] ?? 0;
    if (shape.length !== 2 || shape[1] !== columns || (rows !== undefined && rows !== total)) {
      throw this.mismatch(name, `has shape [${shape.join(', ')}], needed is [${rows ?? 'any'}, ${columns}]`);
    }
    const step = bandRows(columns);
    for (let from = 0; from < total; from += step) {
      const to = Math.min(total, from + step);
      yield { from, to };
      this.read += (to - from) * columns;
      this.tell?.(Math.min(1, this.read / this.total));
    }
  }

  private checked(name: string, values: Float32Array): Float32Array {
    // A sum is not finite if any value is not. f64 cannot overflow from f32 magnitudes.
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i] as number;
    if (!Number.isFinite(sum)) throw this.notFinite(name);
    return values;
  }

  private notFinite(name: string): CheckpointError {
    return new CheckpointError(
      'notFinite',
      this.checkpoint.path,
      name,
      'holds NaN or infinite weights; the file is damaged or the training diverged',
    );
  }

  private mismatch(name: string, detail: string): CheckpointError {
    return new CheckpointError('mismatch', this.checkpoint.path, name, detail);
  }
}
