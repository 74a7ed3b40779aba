/** The vector that a text is found by (models/recipe/tasks_model.py): what the model made of it, and what its tokens are by themselves. */
import { SafetensorsFile } from '../engine/checkpoint/safetensors';
import { WorkerError } from './errors';

export class VectorHead {
  private constructor(
    private readonly hiddenSize: number,
    readonly width: number,
    /** [width, hidden]; without it a text's mean hidden state is its vector. */
    private readonly weight: Float32Array | undefined,
    /** [vocabulary, width]: added as their mean over the text's tokens. */
    readonly tokenRows: Float32Array | undefined,
  ) {}

  /** For a checkpoint that has no head of its own. */
  static plain(hiddenSize: number): VectorHead {
    return new VectorHead(hiddenSize, hiddenSize, undefined, undefined);
  }

  /**
   * `vector.weight` and, where the file has it, `vector.tokens`.
   *
   * @throws CheckpointError, WorkerError when a tensor has another size
   */
  static async open(path: string, width: number, hiddenSize: number, vocabSize: number): Promise<VectorHead> {
    const file = await SafetensorsFile.open(path);
    try {
      const read = async (name: string, rows: number, columns: number): Promise<Float32Array> => {
        const values = await file.readFloat32(name);
        if (values.length !== rows * columns) throw new WorkerError('modelFailed', `${path}: ${name} has ${values.length} elements, not ${rows} × ${columns}.`);
        return values;
      };
      const weight = await read('vector.weight', width, hiddenSize);
      return new VectorHead(hiddenSize, width, weight, file.tensors.has('vector.tokens') ? await read('vector.tokens', vocabSize, width) : undefined);
    } finally {
      await file.close();
    }
  }

  /** The vector of a text, of length 1. hidden: the last hidden states [rows, hiddenSize] of its runs; tokens: theirs, run for run. */
  of(hidden: readonly Float32Array[], tokens: readonly (readonly number[])[]): Float32Array {
    const { hiddenSize, weight, width } = this;
    const mean = new Float32Array(hiddenSize);
    let rows = 0;
    for (const part of hidden) {
      for (let i = 0; i < part.length; i++) mean[i % hiddenSize] = (mean[i % hiddenSize] as number) + (part[i] as number);
      rows += part.length / hiddenSize;
    }
    const out = weight ? new Float32Array(width) : mean;
    if (weight) for (let i = 0; i < weight.length; i++) out[Math.floor(i / hiddenSize)] = (out[Math.floor(i / hiddenSize)] as number) + ((weight[i] as number) * (mean[i % hiddenSize] as number)) / rows;
    if (this.tokenRows) this.#addTokens(out, tokens, this.tokenRows);
    let length = 0;
    for (const value of out) length += value * value;
    length = Math.sqrt(length) || 1;
    return out.map((value) => value / length);
  }

  #addTokens(out: Float32Array, runs: readonly (readonly number[])[], table: Float32Array): void {
    const count = runs.reduce((sum, run) => sum + run.length, 0);
    for (const run of runs) {
      for (const token of run) {
        for (let i = 0; i < this.width; i++) out[i] = (out[i] as number) + (table[token * this.width + i] as number) / count;
      }
    }
  }
}
