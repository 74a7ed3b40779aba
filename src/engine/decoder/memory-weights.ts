import { layerOf } from '../architectures/layer';
import type { Checkpoint, ModelConfig, TensorSource } from '../checkpoint/types';
import { readTensor, MemoryTokenStart } from './memory-token-start';
import { MemoryWeightWriter, type StoredTensors } from './weight-file';
import type { MatrixPlan } from './weights';

/** File name under which the runtime finds the memories' weights. */
export const MEMORY_FILE = 'memory.bin';

/**
 * A checkpoint may have two sets of memory tokens: those of its memories, and a second set trained for fewer tokens
 * each.
 */
export type MemoryTokenSet = 'memory' | 'dense';

/** Weights that make memory tokens of segments (UIO-LLMs, §3): compiled matrices and the start vector. */
export interface MemoryWeights {
  stored: StoredTensors;
  data: Uint8Array;
  /** Start vectors of the memory tokens. */
  start: MemoryTokenStart;
}

/** Projections of a layer in the memory pass: own queries and values, keys of the base. */
export function slotMatrix(config: ModelConfig, layer: number): MatrixPlan {
  const { queryHeads, kvHeads, headDim, hiddenSize } = config;
  return {
    name: `slot${layer}.qkv`,
    sources: [],
    biases: layerOf(config, layer).attention.qkvBias ? ['stacked'] : [],
    outputs: (queryHeads + 2 * kvHeads) * headDim,
    inputs: hiddenSize,
  };
}

/** The transfer head: maps the attention input of a memory token to the keys and values that it leaves in a layer. */
export function transferMatrix(config: ModelConfig, layer: number): MatrixPlan {
  const { kvHeads, headDim, hiddenSize } = config;
  return {
    name: `head${layer}.kv`,
    sources: [],
    biases: layerOf(config, layer).attention.qkvBias ? ['stacked'] : [],
    outputs: 2 * kvHeads * headDim,
    inputs: hiddenSize,
  };
}

/**
 * Reads the start vectors and the tensors `layers.N.{slot.q_proj, slot.v_proj, head.k_proj, head.v_proj}.weight`, with
 * low-rank changes merged in. They stay in f32, because they are small and few rows run through them.
 *
 * @throws CheckpointError naming the tensor that is missing, not finite or of another shape
 */
export async function compileMemory(
  checkpoint: Checkpoint,
  memory: TensorSource,
  embeddings = embeddingsOf(checkpoint),
): Promise<MemoryWeights> {
  const { config, tensors, path } = checkpoint;
  const { layers, hiddenSize, headDim, queryHeads, kvHeads } = config;
  const writer = new MemoryWeightWriter();
  const read = (source: TensorSource, name: string, shape: readonly number[]): Promise<Float32Array> =>
    readTensor(path, source, name, shape);
  const stack = async (name: string, shape: readonly number[], parts: readonly Float32Array[]): Promise<void> => {
    await writer.begin(name, 'float32', shape);
    for (const part of parts) await writer.append(part);
  };
  const q = [queryHeads * headDim, hiddenSize];
  const kv = [kvHeads * headDim, hiddenSize];
  for (let layer = 0; layer < layers; layer++) {
    const base = `model.layers.${layer}.self_attn`;
    const own = `layers.${layer}`;
    const slot = slotMatrix(config, layer);
    const transfer = transferMatrix(config, layer);
    await stack(
      slot.name,
      [slot.outputs, slot.inputs],
      [
        await read(memory, `${own}.slot.q_proj.weight`, q),
        await read(tensors, `${base}.k_proj.weight`, kv),
        await read(memory, `${own}.slot.v_proj.weight`, kv),
      ],
    );
    await stack(
      transfer.name,
      [transfer.outputs, transfer.inputs],
      [await read(memory, `${own}.head.k_proj.weight`, kv), await read(memory, `${own}.head.v_proj.weight`, kv)],
    );
    if (!layerOf(config, layer).attention.qkvBias) continue;
    const bias = (name: string, rows: number) => read(tensors, `${base}.${name}_proj.bias`, [rows]);
    const [bq, bk, bv] = [
      await bias('q', q[0] as number),
      await bias('k', kv[0] as number),
      await bias('v', kv[0] as number),
    ];
    await stack(`${slot.name}.bias`, [slot.outputs], [bq, bk, bv]);
    await stack(`${transfer.name}.bias`, [transfer.outputs], [bk, bv]);
  }
  const stored = Object.fromEntries(
    Object.entries(writer.tensors).map(([name, tensor]) => [name, { ...tensor, location: MEMORY_FILE }]),
  );
  return { stored, data: writer.data(), start: await MemoryTokenStart.read(checkpoint, memory, embeddings) };
}

/** The model's token embeddings [vocab, hidden], read once for all callers. */
export function embeddingsOf({ config, tensors, path }: Checkpoint): () => Promise<Float32Array> {
  let read: Promise<Float32Array> | undefined;
  return () => (read ??= readTensor(path, tensors, 'model.embed_tokens.weight', [config.vocabSize, config.hiddenSize]));
}
