/**
 * Compiles the checkpoint's tensors to those of the graphs: q, k and v are stacked into one matrix, gate and up into
 * another, and each is rounded as asked. Tensors are read in bands of rows. At most one band is in memory, and for the
 * transposed bytes of the prefill one rounded matrix.
 */

import { layerOf } from '../architectures/layer';
import { layerNorms } from '../architectures/layout';
import { CheckpointError } from '../checkpoint/errors';
import type { Checkpoint, ModelConfig } from '../checkpoint/types';
import type { RowRange, WeightBlocks } from '../formats/tensor-source';
import { encodeHalf } from '../kv-cache/float16';
import type { WeightFormat } from './options';
import { blocksOf, BLOCK, quantize4, quantize8, quantizeOutputs, type QuantizedColumns } from './quantize';
import type { WeightWriter } from './weight-file';

/** Form of a matrix product: f32, MatMulNBits, or rows rounded to bytes (i8q). */
export type MatrixFormat = WeightFormat | 'i8q';

/** A matrix [outputs, inputs] stacked from the rows of checkpoint tensors. */
export interface MatrixPlan {
  name: string;
  sources: readonly string[];
  outputs: number;
  inputs: number;
  /** Tensors whose stack is the bias [outputs]; empty for none. */
  biases: readonly string[];
}

/** The four matrices of a layer. */
export function layerMatrices(
  config: ModelConfig,
  layer: number,
): Record<'qkv' | 'output' | 'gateUp' | 'down', MatrixPlan> {
  const at = `model.layers.${layer}`;
  const attention = (name: string) => `${at}.self_attn.${name}_proj`;
  const feedForward = (name: string) => `${at}.mlp.${name}_proj`;
  const plan = (name: string, projections: string[], outputs: number, inputs: number, bias: boolean): MatrixPlan => ({
    name: `layer${layer}.${name}`,
    sources: projections.map((projection) => `${projection}.weight`),
    biases: bias ? projections.map((projection) => `${projection}.bias`) : [],
    outputs,
    inputs,
  });
  const { hiddenSize, intermediateSize, headDim, queryHeads, kvHeads } = config;
  const { attention: traits, feedForward: inner } = layerOf(config, layer);
  const qkv = ['q', 'k', 'v'].map(attention);
  return {
    qkv: plan('qkv', qkv, (queryHeads + 2 * kvHeads) * headDim, hiddenSize, traits.qkvBias),
    output: plan('output', [attention('o')], hiddenSize, queryHeads * headDim, traits.outputBias),
    gateUp: plan('gateUp', ['gate', 'up'].map(feedForward), 2 * intermediateSize, hiddenSize, inner.bias),
    down: plan('down', [feedForward('down')], hiddenSize, intermediateSize, inner.bias),
  };
}

/** The output matrix, which makes logits. */
export function headMatrix(config: ModelConfig): MatrixPlan {
  const source = config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
  return { name: 'head', sources: [source], biases: [], outputs: config.vocabSize, inputs: config.hiddenSize };
}

/**
 * Format in which single tokens read a layer. With 4 bits the first and the last layer keep 8, because they lose most
 * by rounding: 5 of the 5.9% of perplexity that the bundled model lost. In a deep model they weigh little.
 */
export function tokenFormat({ layers }: ModelConfig, layer: number, weights: WeightFormat): WeightFormat {
  return weights === '4bit' && (layer === 0 || layer === layers - 1) ? '8bit' : weights;
}

/**
 * Format of the output matrix: 8 bits beside layers of 4. No later layer repairs its error, and in small models it is
 * half of all weights.
 */
export function headFormat(weights: WeightFormat): WeightFormat {
  return weights === '4bit' ? '8bit' : weights;
}

/**
 * Formats in which a layer's matrices are kept. Beside 4-bit weights there is a second copy in bytes, which reads
 * prompts faster.
 */
function layerFormats(config: ModelConfig, layer: number, weights: WeightFormat): readonly MatrixFormat[] {
  return weights === '4bit' ? [tokenFormat(config, layer, weights), 'i8q'] : [weights];
}

/** f32 values held at once while a tensor is read. */
const BAND_VALUES = 4 << 20;

/**
 * Compiles all tensors of a checkpoint. @throws CheckpointError naming the tensor that is not finite or has another
 * shape than the config says
 */
export async function compileWeights(
  checkpoint: Checkpoint,
  weights: WeightFormat,
  writer: WeightWriter,
): Promise<void> {
  const { config } = checkpoint;
  const compiler = new Compiler(checkpoint, writer);
  await compiler.embeddings(weights === 'f32');
  if (weights !== 'f32' || !config.tiedEmbeddings) await compiler.matrix(headMatrix(config), [headFormat(weights)]);
  await compiler.vector('norm', ['model.norm.weight'], config.hiddenSize);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    const [norm1, norm2] = layerNorms(config, layer);
    await compiler.vector(`layer${layer}.norm1`, [`${at}.${norm1}.weight`], config.hiddenSize);
    await compiler.vector(`layer${layer}.norm2`, [`${at}.${norm2}.weight`], config.hiddenSize);
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
}

class Compiler {
  constructor(
    private readonly checkpoint: Checkpoint,
    private readonly writer: WeightWriter,
  ) {}

  /** The embeddings [vocab, hidden], looked up row by row from the mapped file. In f16 they cost disk, not memory. */
  async embeddings(exact: boolean): Promise<void> {
    const { vocabSize, hiddenSize } = this.checkpoint.config;
    const name = 'model.embed_tokens.weight';
    await this.writer.begin('embeddings', exact ? 'float32' : 'float16', [vocabSize, hiddenSize]);
    for await (const band of this.bands(name, hiddenSize, vocabSize))
      await this.writer.append(exact ? band : encodeHalf(band));
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
    for (const format of formats) {
      if (format === 'f32') await this.exact(plan);
      else if (format === 'i8q') await this.bytes(plan);
      else await this.blocks(plan, format);
    }
  }

  private async exact(plan: MatrixPlan): Promise<void> {
    await this.writer.begin(plan.name, 'float32', [plan.outputs, plan.inputs]);
    for (const source of plan.sources)
      for await (const band of this.bands(source, plan.inputs)) await this.writer.append(band);
  }

  private async blocks(plan: MatrixPlan, format: '8bit' | '4bit'): Promise<void> {
    const blocks = blocksOf(plan.inputs);
    const scales: Float32Array[] = [];
    const bytes = format === '8bit' ? BLOCK : BLOCK / 2;
    await this.writer.begin(`${plan.name}.${format}`, 'uint8', [plan.outputs, blocks, bytes]);
    const wanted = format === '8bit' ? 8 : 4;
    for (const source of plan.sources) {
      if (this.checkpoint.tensors.blockBits?.(source) === wanted) {
        for await (const { levels, scales: stored } of this.storedBlocks(source, plan.inputs)) {
          await this.writer.append(levels);
          scales.push(stored);
        }
        continue;
      }
      for await (const band of this.bands(source, plan.inputs)) {
        const rounded = format === '8bit' ? quantize8(band, plan.inputs) : quantize4(band, plan.inputs);
        await this.writer.append(rounded.levels);
        scales.push(rounded.scales);
      }
    }
    await this.writer.begin(`${plan.name}.${format}.scales`, 'float32', [plan.outputs * blocks]);
    for (const part of scales) await this.writer.append(part);
  }

  private async bytes(plan: MatrixPlan): Promise<void> {
    const whole: QuantizedColumns = {
      levels: new Uint8Array(plan.outputs * plan.inputs),
      scales: new Float32Array(plan.outputs),
    };
    let row = 0;
    for (const source of plan.sources) {
      for await (const band of this.bands(source, plan.inputs)) {
        quantizeOutputs(band, plan.inputs, whole, row);
        row += band.length / plan.inputs;
      }
    }
    await this.writer.add(`${plan.name}.i8q`, 'uint8', [plan.inputs, plan.outputs], whole.levels);
    await this.writer.add(`${plan.name}.i8q.scales`, 'float32', [plan.outputs], whole.scales);
  }

  /** The blocks of a tensor [rows, columns] as they are stored, in bands of whole rows. */
  private async *storedBlocks(name: string, columns: number): AsyncGenerator<WeightBlocks> {
    const { tensors } = this.checkpoint;
    if (!tensors.readBlocks) throw new Error(`${name} has stored blocks and no way to read them`);
    for (const rows of this.ranges(name, columns)) {
      const blocks = await tensors.readBlocks(name, rows);
      this.checked(name, blocks.scales);
      yield blocks;
    }
  }

  /** A tensor [rows, columns] in bands of whole rows. */
  private async *bands(name: string, columns: number, rows?: number): AsyncGenerator<Float32Array> {
    for (const range of this.ranges(name, columns, rows))
      yield this.checked(name, await this.checkpoint.tensors.readFloat32(name, range));
  }

  /** Ranges of rows that make bands of at most BAND_VALUES. @throws CheckpointError when the shape is another */
  private *ranges(name: string, columns: number, rows?: number): Generator<RowRange> {
    const { shape } = this.checkpoint.tensors.info(name);
    const total = shape[0] ?? 0;
    if (shape.length !== 2 || shape[1] !== columns || (rows !== undefined && rows !== total)) {
      throw this.mismatch(name, `has shape [${shape.join(', ')}], needed is [${rows ?? 'any'}, ${columns}]`);
    }
    const step = Math.max(1, Math.floor(BAND_VALUES / columns));
    for (let from = 0; from < total; from += step) yield { from, to: Math.min(total, from + step) };
  }

  private checked(name: string, values: Float32Array): Float32Array {
    // A sum is not finite if any value is not. f64 cannot overflow from f32 magnitudes.
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i] as number;
    if (!Number.isFinite(sum)) {
      throw new CheckpointError(
        'notFinite',
        this.checkpoint.path,
        name,
        'holds NaN or infinite weights; the file is damaged or the training diverged',
      );
    }
    return values;
  }

  private mismatch(name: string, detail: string): CheckpointError {
    return new CheckpointError('mismatch', this.checkpoint.path, name, detail);
  }
}
