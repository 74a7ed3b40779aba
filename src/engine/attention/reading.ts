import type { ModelConfig } from '../architectures/model-config';
import type { AnchorRule } from '../checkpoint/anchor-rule';
import { anchors, tokenAnchors } from './anchors';
import { compose } from './compose';
import { full } from './full';
import { lambda, type MiddleChoice } from './lambda';
import type { AttentionPolicy } from './policy';

export interface ReadingOptions {
  /** Tokens that will be read and written. */
  tokens: number;
  /** Bytes of one cached row. */
  rowBytes: number;
  /** How the end of a text sees rows that left the window; default: by blocks. */
  lookBack?: LookBack;
  /** The rule of a model that was trained with anchors; the text has them. */
  anchors?: AnchorRule | undefined;
}

/** `blocks`: so many blocks of rows are placed before the end of the text. `k`: each head sees so many rows. */
export type LookBack = { blocks: number } | { k: number } | 'none';

/** First tokens that stay visible (LM-Infinite, 2308.16137, §3, finds 5 to 100 equivalent). */
const SINKS = 16;
/** Blocks, and the rows of each. */
const BLOCKS = 24;
const BLOCK_ROWS = 32;
/** Largest share of the window that blocks take by themselves: the end of the text needs the rest. */
const BLOCKS_SHARE = 0.25;
/** Last tokens whose queries choose the blocks: a question and the marks around it. */
const BLOCKS_TAIL = 48;
/** First layer that sees middle rows, as a share of all layers: layer 5 of 32 in the paper. */
const MIDDLE_FROM = 5 / 32;
/** Last tokens that see middle rows by heads. With the last one alone, as in the paper, SmolLM2 told no needle. */
const MIDDLE_TAIL = 16;
/** Most bytes of middle rows. They bound what a very long text costs; the oldest are dropped first. */
const MIDDLE_BYTES = 1e9;

/**
 * How a model reads a text of this length. Within the trained window each token sees all earlier ones. A longer text is
 * read under Λ with a distance ceiling (LM-Infinite), and its end also sees the best blocks of rows that left the
 * window. Memory then stays constant. A model trained with a sliding window keeps to it. For a model trained with
 * anchors, its anchors stand for what left the window (AnLLM), beside the window.
 */
export function readingPolicy(
  config: ModelConfig,
  { tokens, rowBytes, lookBack, anchors: rule }: ReadingOptions,
): AttentionPolicy {
  const window = config.maxPositions;
  if (config.slidingWindow !== undefined || tokens <= window) return full(config.slidingWindow);
  const sinks = Math.min(SINKS, Math.floor(window / 4));
  if (rule) return compose(lambda({ sinks, window }), anchors({ sinks, isAnchor: tokenAnchors([rule.token]), window }));
  const middle = middleRows(config, rowBytes, lookBack);
  return lambda({ sinks, window, ...(middle ? { middle } : {}) });
}

/** The middle rows that a model of this shape sees; undefined for none. */
export function middleRows(
  { layers, maxPositions }: Pick<ModelConfig, 'layers' | 'maxPositions'>,
  rowBytes: number,
  lookBack: LookBack = { blocks: Math.min(BLOCKS, Math.ceil((maxPositions * BLOCKS_SHARE) / BLOCK_ROWS)) },
): MiddleChoice | undefined {
  const most = Math.floor(MIDDLE_BYTES / rowBytes);
  if (lookBack === 'none') return undefined;
  return 'k' in lookBack
    ? { k: lookBack.k, fromLayer: Math.floor(layers * MIDDLE_FROM), tail: MIDDLE_TAIL, most }
    : { blocks: { rows: BLOCK_ROWS, count: lookBack.blocks }, tail: BLOCKS_TAIL, most };
}

/** Most rows that a text read so ever takes. */
export function readingRows({ middle, ceiling }: AttentionPolicy, tokens: number, chunkTokens = 256): number {
  if (ceiling === Infinity) return tokens;
  return Math.min(tokens, 2 * ceiling + chunkTokens + (middle?.most ?? 0)) + placedRows(middle);
}

/** Most anchors of a text. */
export function anchorRows(rule: AnchorRule | undefined, tokens: number): number {
  return rule ? Math.ceil(tokens / rule.min) : 0;
}

/** Most rows that looking back by blocks places. */
export function placedRows(middle: AttentionPolicy['middle']): number {
  return middle?.blocks ? Math.min(middle.most, middle.blocks.rows * middle.blocks.count) : 0;
}
