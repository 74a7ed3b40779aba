/**
 * Search vector of a text, from two parts: the model's hidden states, and the embeddings of its tokens. Training:
 * models/recipe/heads/vectors.py.
 */
import type { TokenNeighbours } from '../protocol';
import { LRUCache } from 'lru-cache';
import { openSafetensors } from '../engine';
import { LANES, multiplyLanes } from './lanes';
import { AppError } from '../base';

/** Least cosine similarity of a vocabulary neighbour. */
const NEAR = 0.35;
/** Tokens whose neighbours are cached. */
const MOST_KEPT = 4_096;

interface Neighbours {
  ids: number[];
  similarities: number[];
}

export class VectorHead {
  /** Lengths of the token vectors, [vocabulary], and their mean. */
  private lengths: { each: Float32Array; mean: number } | undefined;
  private readonly neighbours = new LRUCache<number, Neighbours>({ max: MOST_KEPT });

  private constructor(
    private readonly hiddenSize: number,
    readonly width: number,
    /** [width, hidden]. Undefined: the mean hidden state of a text is its vector. */
    private readonly weight: Float32Array | undefined,
    /** [vocabulary, width]. The mean over a text's tokens is added to its vector. */
    readonly tokenRows: Float32Array | undefined,
  ) {}

  /** The head of a checkpoint that has none: the mean hidden state. */
  static plain(hiddenSize: number): VectorHead {
    return new VectorHead(hiddenSize, hiddenSize, undefined, undefined);
  }

  /**
   * Reads `vector.weight` and, if present, `vector.tokens`.
   *
   * @throws CheckpointError, AppError when a tensor has another size
   */
  static async open(path: string, width: number, hiddenSize: number, vocabSize: number): Promise<VectorHead> {
    const file = await openSafetensors(path);
    try {
      const read = async (name: string, rows: number, columns: number): Promise<Float32Array> => {
        const values = await file.readFloat32(name);
        if (values.length !== rows * columns)
          throw new AppError(
            'modelFailed',
            `${path}: ${name} has ${values.length} elements, not ${rows} × ${columns}.`,
          );
        return values;
      };
      const weight = await read('vector.weight', width, hiddenSize);
      return new VectorHead(
        hiddenSize,
        width,
        weight,
        file.has('vector.tokens') ? await read('vector.tokens', vocabSize, width) : undefined,
      );
    } finally {
      await file.close();
    }
  }

  /**
   * Search vector of a text.
   *
   * @param hidden last hidden states of its runs, each [rows, hiddenSize]
   * @param tokens token ids of each run
   * @returns [width], of length 1
   */
  of(hidden: readonly Float32Array[], tokens: readonly (readonly number[])[]): Float32Array {
    const { hiddenSize, weight, width } = this;
    const mean = new Float32Array(hiddenSize);
    let rows = 0;
    for (const part of hidden) {
      for (let i = 0; i < part.length; i++)
        mean[i % hiddenSize] = (mean[i % hiddenSize] as number) + (part[i] as number);
      rows += part.length / hiddenSize;
    }
    const out = weight ? new Float32Array(width) : mean;
    if (weight)
      for (let i = 0; i < weight.length; i++)
        out[Math.floor(i / hiddenSize)] =
          (out[Math.floor(i / hiddenSize)] as number) +
          ((weight[i] as number) * (mean[i % hiddenSize] as number)) / rows;
    if (this.tokenRows) this.#addTokens(out, tokens, this.tokenRows);
    let length = 0;
    for (const value of out) length += value * value;
    length = Math.sqrt(length) || 1;
    return out.map((value) => value / length);
  }

  /** The tokens of a question with their vocabulary neighbours. Undefined for models without token vectors. */
  neighboursOf(tokens: readonly number[]): TokenNeighbours | undefined {
    const { tokenRows: table } = this;
    if (!table) return undefined;
    const { each, mean } = (this.lengths ??= this.#lengths(table));
    const weight = (token: number): number => (each[token] as number) / mean;
    const starts = new Int32Array(tokens.length + 1);
    const near = this.#near(tokens, table, each);
    near.forEach(({ ids }, i) => (starts[i + 1] = (starts[i] as number) + ids.length));
    return {
      weights: Float32Array.from(tokens, (token, i) => (tokens.indexOf(token) < i ? 0 : weight(token))),
      lengths: Float32Array.from(tokens, weight),
      starts,
      ids: Uint32Array.from(near.flatMap(({ ids }) => ids)),
      similarities: Float32Array.from(near.flatMap(({ similarities }) => similarities)),
    };
  }

  /** Whether token ids of texts are stored: late interaction uses them, and each fits in two bytes. */
  get keepsIds(): boolean {
    return this.tokenRows !== undefined && this.tokenRows.length / this.width <= 1 << 16;
  }

  #lengths(table: Float32Array): { each: Float32Array; mean: number } {
    const lengths = new Float32Array(table.length / this.width);
    for (let i = 0; i < table.length; i++)
      lengths[Math.floor(i / this.width)] = (lengths[Math.floor(i / this.width)] as number) + (table[i] as number) ** 2;
    const each = lengths.map(Math.sqrt);
    return { each, mean: each.reduce((sum, length) => sum + length, 0) / each.length || 1 };
  }

  /**
   * Nearest vocabulary neighbours of each token. Cache misses are scanned four at a time because the scan is
   * memory-bound.
   */
  #near(tokens: readonly number[], table: Float32Array, lengths: Float32Array): Neighbours[] {
    const found = new Map<number, Neighbours>();
    const missing: number[] = [];
    for (const token of new Set(tokens)) {
      const kept = this.neighbours.get(token);
      if (kept) found.set(token, kept);
      else missing.push(token);
    }
    for (let at = 0; at < missing.length; at += LANES)
      for (const [token, near] of this.#nearest(missing.slice(at, at + LANES), table, lengths)) found.set(token, near);
    for (const token of missing) this.neighbours.set(token, found.get(token) as Neighbours);
    return tokens.map((token) => found.get(token) as Neighbours);
  }

  /** Neighbours of at most LANES tokens, in one scan of the vocabulary. */
  #nearest(tokens: readonly number[], table: Float32Array, lengths: Float32Array): Map<number, Neighbours> {
    const { width } = this;
    const found = tokens.map((): Neighbours => ({ ids: [], similarities: [] }));
    // [width, LANES]
    const own = new Float64Array(width * LANES);
    tokens.forEach((token, lane) => {
      for (let i = 0; i < width; i++) own[i * LANES + lane] = table[token * width + i] as number;
    });
    const sums = new Float64Array(LANES);
    for (let other = 0; other < lengths.length; other++) {
      multiplyLanes(own, 0, table, other * width, width, sums, 0);
      for (let lane = 0; lane < tokens.length; lane++) {
        const token = tokens[lane] as number;
        const similarity =
          other === token ? 1 : (sums[lane] as number) / ((lengths[token] as number) * (lengths[other] as number) || 1);
        if (similarity < NEAR) continue;
        found[lane]?.ids.push(other);
        found[lane]?.similarities.push(similarity);
      }
    }
    return new Map(tokens.map((token, lane) => [token, found[lane] as Neighbours]));
  }

  #addTokens(out: Float32Array, runs: readonly (readonly number[])[], table: Float32Array): void {
    const count = runs.reduce((sum, run) => sum + run.length, 0);
    for (const run of runs) {
      for (const token of run) {
        for (let i = 0; i < this.width; i++)
          out[i] = (out[i] as number) + (table[token * this.width + i] as number) / count;
      }
    }
  }
}
