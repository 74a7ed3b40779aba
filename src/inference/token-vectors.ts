/**
 * A learned vector for each token of the vocabulary, which tells late interaction how alike two tokens are. Training:
 * models/recipe/heads/token_vectors.py.
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

export class TokenVectors {
  /** Length of each vector, [vocabulary], and their mean. */
  private lengths: { each: Float32Array; mean: number } | undefined;
  private readonly neighbours = new LRUCache<number, Neighbours>({ max: MOST_KEPT });

  private constructor(
    private readonly width: number,
    /** [vocabulary, width] */
    private readonly table: Float32Array,
  ) {}

  /**
   * Reads the tensor `token_vectors`.
   *
   * @throws CheckpointError, AppError when it has another size
   */
  static async open(path: string, width: number, vocabSize: number): Promise<TokenVectors> {
    const file = await openSafetensors(path);
    try {
      const table = await file.readFloat32('token_vectors');
      if (table.length !== vocabSize * width)
        throw new AppError(
          'modelFailed',
          `${path}: token_vectors has ${table.length} elements, not ${vocabSize} × ${width}.`,
        );
      return new TokenVectors(width, table);
    } finally {
      await file.close();
    }
  }

  /** The tokens of a question with their vocabulary neighbours. */
  neighboursOf(tokens: readonly number[]): TokenNeighbours {
    const { table } = this;
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
}
