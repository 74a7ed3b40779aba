import type { ModelConfig } from '../architectures/model-config';
import { full } from './full';
import { lambda, type LambdaOptions } from './lambda';
import type { AttentionPolicy } from './policy';

export interface ReadingOptions {
  /** Tokens that will be read and written. */
  tokens: number;
  /** Bytes of one cached row. */
  rowBytes: number;
  /** Middle rows that each head sees; default `MIDDLE_K`, 0 for none. */
  middleK?: number;
}

/** First tokens that stay visible (LM-Infinite, 2308.16137, §3, finds 5 to 100 equivalent). */
const SINKS = 16;
/** Middle rows that each head sees; the paper's choice. */
export const MIDDLE_K = 5;
/** First layer that sees middle rows, as a share of all layers: layer 5 of 32 in the paper. */
const MIDDLE_FROM = 5 / 32;
/** Last tokens that see middle rows. With the last one alone, as in the paper, SmolLM2 told no needle. */
const MIDDLE_TAIL = 16;
/** Most bytes of middle rows. They bound what a very long text costs; the oldest are dropped first. */
const MIDDLE_BYTES = 1e9;

/**
 * How a model reads a text of this length. Within the trained window each token sees all earlier ones. A longer text is
 * read under Λ with a distance ceiling, and the last token read and those written also see the best rows between the
 * sinks and the window (LM-Infinite). Memory then stays constant. A model trained with a sliding window keeps to it.
 */
export function readingPolicy(config: ModelConfig, { tokens, rowBytes, middleK }: ReadingOptions): AttentionPolicy {
  const window = config.maxPositions;
  if (config.slidingWindow !== undefined || tokens <= window) return full(config.slidingWindow);
  const middle = middleRows(config, rowBytes, middleK);
  return lambda({ sinks: Math.min(SINKS, Math.floor(window / 4)), window, ...(middle ? { middle } : {}) });
}

/** The middle rows that a model of this shape sees; undefined for none. */
export function middleRows(
  { layers }: Pick<ModelConfig, 'layers'>,
  rowBytes: number,
  k = MIDDLE_K,
): LambdaOptions['middle'] {
  if (k === 0) return undefined;
  return {
    k,
    fromLayer: Math.floor(layers * MIDDLE_FROM),
    tail: MIDDLE_TAIL,
    most: Math.floor(MIDDLE_BYTES / rowBytes),
  };
}

/** Most rows that a text read so ever takes. */
export function readingRows({ middle, ceiling }: AttentionPolicy, tokens: number, chunkTokens = 256): number {
  return ceiling === Infinity ? tokens : Math.min(tokens, 2 * ceiling + chunkTokens + (middle?.most ?? 0));
}
