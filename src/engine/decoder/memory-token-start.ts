import { CheckpointError } from '../checkpoint/errors';
import type { Checkpoint, TensorSource } from '../checkpoint/types';

/** Embeddings from which memory tokens start. */
interface Spans {
  /** [vocab, hidden]: the model's own. */
  embeddings: Float32Array;
  /** Weight of a token in a mean, 0 or more; [vocab]. */
  weights: Float32Array;
  gain: number;
  /** Most tokens of one mean. */
  rows: number;
}

/**
 * Start vectors and places of memory tokens.
 *
 * - Appended: one learned vector (UIO-LLMs, §3). Where the checkpoint has weights for it, the weighted mean of
 *   embeddings is added: of the last tokens that this memory token sees and no earlier one. Its row follows all rows it
 *   sees.
 * - In place: the embedding of the last token of its share, in that token's place, plus the vector.
 */
export class MemoryTokenStart {
  private constructor(
    private readonly slot: Float32Array,
    private readonly spans: Spans | undefined,
    /** Memory tokens take the place of the last token of their share, and see what that token saw. */
    readonly inPlace: boolean,
  ) {}

  /**
   * Reads `slot` [hidden] and, if they are there, `slot.span_weight` [vocab], `slot.span_gain` [1] and `slot.span_rows`
   * [1], or `slot.in_place` [1].
   *
   * @param embeddings the model's own, [vocab, hidden]
   *
   * @throws CheckpointError naming the tensor that is missing, not finite, negative or of another shape
   */
  static async read(
    { config, path }: Checkpoint,
    memory: TensorSource,
    embeddings: () => Promise<Float32Array>,
  ): Promise<MemoryTokenStart> {
    const { hiddenSize, vocabSize } = config;
    const read = (name: string, shape: readonly number[]): Promise<Float32Array> =>
      readTensor(path, memory, name, shape);
    const slot = await read('slot', [hiddenSize]);
    if (memory.has('slot.in_place'))
      return new MemoryTokenStart(
        slot,
        { embeddings: await embeddings(), weights: new Float32Array(vocabSize).fill(1), gain: 1, rows: 1 },
        true,
      );
    if (!memory.has('slot.span_gain')) return new MemoryTokenStart(slot, undefined, false);
    const weights = await read('slot.span_weight', [vocabSize]);
    if (weights.some((weight) => weight < 0))
      throw new CheckpointError('outOfRange', path, 'slot.span_weight', 'holds a negative weight');
    const [gain = 0] = await read('slot.span_gain', [1]);
    const [rows = 0] = await read('slot.span_rows', [1]);
    if (!Number.isInteger(rows) || rows < 1)
      throw new CheckpointError('outOfRange', path, 'slot.span_rows', `is ${rows}, no number of tokens`);
    return new MemoryTokenStart(slot, { embeddings: await embeddings(), weights, gain, rows }, false);
  }

  /**
   * Writes the start vectors of a segment to `out` [cover.length, hidden]; the share of memory token j ends after
   * cover[j] tokens.
   */
  write(tokens: ArrayLike<number>, cover: readonly number[], out: Float32Array): void {
    const { slot, spans } = this;
    cover.forEach((end, j) => {
      const own = out.subarray(j * slot.length, (j + 1) * slot.length);
      own.set(slot);
      if (spans) addMean(tokens, Math.max(j > 0 ? (cover[j - 1] as number) : 0, end - spans.rows), end, spans, own);
    });
  }
}

/** @throws CheckpointError naming the tensor that is missing, not finite or of another shape */
export async function readTensor(
  path: string,
  source: TensorSource,
  name: string,
  shape: readonly number[],
): Promise<Float32Array> {
  if (!source.has(name)) throw new CheckpointError('missing', path, name, 'the memories lack this tensor');
  const found = source.info(name).shape;
  if (found.join() !== shape.join())
    throw new CheckpointError(
      'mismatch',
      path,
      name,
      `has shape [${found.join(', ')}], needed is [${shape.join(', ')}]`,
    );
  const values = await source.readFloat32(name);
  if (!values.every(Number.isFinite))
    throw new CheckpointError('notFinite', path, name, 'holds NaN or infinite weights');
  return values;
}

function addMean(
  tokens: ArrayLike<number>,
  begin: number,
  end: number,
  { embeddings, weights, gain }: Spans,
  out: Float32Array,
): void {
  let sum = 0;
  for (let t = begin; t < end; t++) sum += weights[tokens[t] as number] as number;
  if (sum === 0) return;
  for (let t = begin; t < end; t++) {
    const token = tokens[t] as number;
    const share = (gain * (weights[token] as number)) / sum;
    for (let i = 0; i < out.length; i++)
      out[i] = (out[i] as number) + share * (embeddings[token * out.length + i] as number);
  }
}
