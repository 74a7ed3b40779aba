import { expect } from 'vitest';
import { Decoder, openCheckpoint, type DecoderContext } from '../../src/engine';
import {
  readReferenceModel,
  referenceForward,
  type ReferenceInput,
  type ReferenceModel,
  type ReferenceOutput,
} from './attention/reference';
import { ropeFrequencies, type RopeFrequencies } from '../../src/engine/rope/frequencies';
import { fixture } from '../fixtures';

/** A tiny model as graphs, and as the reference in plain arrays. */
export class Tiny {
  private constructor(
    readonly decoder: Decoder,
    readonly model: ReferenceModel,
    readonly rope: RopeFrequencies,
  ) {}

  static async open(family: string, chunkTokens: number): Promise<Tiny> {
    const checkpoint = await openCheckpoint(fixture(`checkpoints/${family}`));
    const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1, chunkTokens });
    const model = await readReferenceModel(checkpoint);
    await checkpoint.close();
    return new Tiny(decoder, model, ropeFrequencies(model.config.rope, 64));
  }

  reference(input: ReferenceInput): ReferenceOutput {
    return referenceForward(this.model, this.rope, input);
  }

  /** Logits of every token. The first `prefilled` tokens are read in chunks, the rest one by one. */
  async read(context: DecoderContext, tokens: readonly number[], prefilled: number): Promise<Float32Array[]> {
    const { vocabSize } = this.decoder.config;
    const { logits } = await context.prefill(tokens.slice(0, prefilled), { logits: 'all' });
    const rows = Array.from({ length: prefilled }, (_, i) => logits.subarray(i * vocabSize, (i + 1) * vocabSize));
    for (const token of tokens.slice(prefilled)) rows.push(await context.decode(token));
    return rows;
  }
}

/** Largest difference over all rows. Both must have the same number of rows and logits. */
export function largestGap(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  a.forEach((row, r) => {
    const other = b[r] as ArrayLike<number>;
    expect(row.length).toBe(other.length);
    for (let i = 0; i < row.length; i++) {
      const gap = Math.abs((row[i] as number) - (other[i] as number));
      if (!(gap <= most)) most = gap;
    }
  });
  return most;
}

/** Token ids from a seed, so that a failing case can be repeated. */
export function randomTokens(count: number, vocab: number, seed: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % vocab;
  });
}
