import type { ort } from '../onnxruntime';
import { layerWindows } from '../architectures/layer';
import { full } from '../attention/full';
import { withinWindow } from '../attention/within-window';
import { HIDDEN, RowKind, Seen, type AttentionPolicy, type RowPlace } from '../attention/policy';
import type { KvRows } from '../kv-cache/kv-rows';
import type { ModelConfig } from '../checkpoint/types';
import type { RopeFrequencies } from '../rope/frequencies';
import { DecoderError } from './errors';
import { windowInput, type GraphVariant } from './onnx/graph-variant';
import type { MemoryTokenSet } from './memory-weights';
import { cacheData, float32, int64, type Feeds, type Runtime } from './runtime';
import { SegmentRows, slotsFor } from './segment-rows';
import { runMemoryPass, memoryTokenSetOf } from './memory-pass';
import type { MemoryTokenStart } from './memory-token-start';

/** A segment to be encoded, and the results wanted. */
export interface SegmentInput {
  tokens: ArrayLike<number>;
  /** Rows (tokens of the segment) whose keys and values are kept, ascending. */
  keep: readonly number[];
  /** Tokens per memory token (UIO-LLMs' ratio); needs memory weights. */
  slotTokens?: number;
  /** Set of memory tokens; default: those of the checkpoint's memory. */
  slotSet?: MemoryTokenSet;
  /** Asks for the query of each token. */
  eachQuery?: boolean;
}

export interface EncodedSegment {
  /** The rows of `keep`; positions count from the segment's first token. */
  rows: KvRows;
  /** ⌈tokens / slotTokens⌉ rows at positions 0, 1, … */
  memories?: KvRows;
  /** [layers, queryHeads, tokens, headDim], not rotated. */
  eachQuery?: Float32Array;
}

export interface EncodeOptions {
  /** The rows that stand before every segment (sinks), at positions 0, 1, …; the segment's first token follows them. */
  prefix?: KvRows;
  /** Visibility within a segment; default: full attention. Windows count from the prefix. */
  policy?: AttentionPolicy;
  rope: RopeFrequencies;
  /** Rows of one run, padding included; default 2,048. */
  batchRows?: number;
  signal?: AbortSignal;
  /** Segments done so far, and all. */
  onBatch?: (done: number, total: number) => void;
}

interface Batch {
  /** Places in the list of segments. */
  members: readonly number[];
  /** Rows of the longest. */
  steps: number;
}

const BATCH_ROWS = 2048;

/**
 * Encodes segments side by side, each alone behind the same prefix. No segment sees another, so that their rows can be
 * kept and spliced anywhere.
 */
export class SegmentEncoder {
  readonly #policy: AttentionPolicy;
  readonly #rows: SegmentRows;

  constructor(
    private readonly config: ModelConfig,
    private readonly runtime: Runtime,
    private readonly options: EncodeOptions,
    private readonly starts: Partial<Record<MemoryTokenSet, MemoryTokenStart>>,
  ) {
    this.#policy = options.policy ?? full();
    if (this.#policy.ceiling !== Infinity)
      throw new DecoderError(
        'badInput',
        'segments are shorter than any window: encode them with a policy without a ceiling',
      );
    this.#rows = new SegmentRows(config, runtime.cache, options.rope, options.prefix);
  }

  async encode(segments: readonly SegmentInput[]): Promise<EncodedSegment[]> {
    segments.forEach((segment, i) => this.#check(segment, i));
    const results: EncodedSegment[] = [];
    let done = 0;
    for (const batch of batches(segments, this.options.batchRows ?? BATCH_ROWS)) {
      if (this.options.signal?.aborted)
        throw new DecoderError('cancelled', `cancelled after ${done} of ${segments.length} segments`);
      const encoded = await this.#run(segments, batch);
      batch.members.forEach((member, i) => (results[member] = encoded[i] as EncodedSegment));
      done += batch.members.length;
      this.options.onBatch?.(done, segments.length);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return results;
  }

  #check(segment: SegmentInput, i: number): void {
    const { tokens, keep, slotTokens } = segment;
    const { vocabSize } = this.config;
    if (tokens.length === 0) throw new DecoderError('badInput', `segment ${i} is empty`);
    for (let t = 0; t < tokens.length; t++) {
      const token = tokens[t] as number;
      if (!Number.isInteger(token) || token < 0 || token >= vocabSize)
        throw new DecoderError(
          'badInput',
          `segment ${i}: token ${t} is ${token}; the model has tokens 0 to ${vocabSize - 1}`,
        );
    }
    const outside = keep.find((row) => !Number.isInteger(row) || row < 0 || row >= tokens.length);
    if (outside !== undefined)
      throw new DecoderError('badInput', `segment ${i} has ${tokens.length} rows and row ${outside} was asked for`);
    const set = memoryTokenSetOf(segment);
    if (slotTokens === undefined || !set) return;
    if (!this.starts[set])
      throw new DecoderError(
        'badInput',
        set === 'memory'
          ? 'this checkpoint has no memory slots; open the decoder with memory weights'
          : 'this checkpoint has no dense memory slots; open the decoder with their weights',
      );
    if (!(slotTokens >= 1))
      throw new DecoderError('badInput', `segment ${i}: a slot cannot stand for ${slotTokens} tokens`);
  }

  async #run(segments: readonly SegmentInput[], batch: Batch): Promise<EncodedSegment[]> {
    const members = batch.members.map((member) => segments[member] as SegmentInput);
    const wantsRows = members.some((segment) => segment.keep.length > 0);
    const sets = new Set(members.flatMap((segment) => memoryTokenSetOf(segment) ?? []));
    const wantsSlots = sets.size > 0;
    const wantsQueries = members.some((segment) => segment.eachQuery);
    const fetches = [
      'values',
      ...(wantsRows ? ['raw_keys'] : []),
      ...(wantsSlots ? ['keys'] : []),
      ...(wantsQueries ? ['queries'] : []),
    ];
    const variant: GraphVariant = {
      phase: 'prefill',
      visibility: 'batched',
      ...(wantsQueries ? { queries: true } : {}),
    };
    const made = await this.runtime.run(variant, this.#feeds(members, batch.steps), fetches);
    const values = cacheData(made['values'] as ort.Tensor);
    const rawKeys = wantsRows ? cacheData(made['raw_keys'] as ort.Tensor) : undefined;
    const memories: (KvRows | undefined)[] = [];
    for (const set of sets) {
      const slots = {
        set,
        start: this.starts[set] as MemoryTokenStart,
        runtime: this.runtime,
        rows: this.#rows,
        hiddenSize: this.config.hiddenSize,
      };
      const own = await runMemoryPass(slots, members, batch.steps, {
        keys: cacheData(made['keys'] as ort.Tensor),
        values,
      });
      own.forEach((rows, b) => (memories[b] ??= rows));
    }
    return members.map((segment, b) => {
      const rows = this.#rows.pick(rawKeys, values, batch.steps, b, segment.keep, segment.tokens.length);
      const own = memories[b];
      const { queryHeads } = this.config;
      const eachQuery = segment.eachQuery
        ? this.#rows.each(cacheData(made['queries'] as ort.Tensor), queryHeads, batch.steps, b, segment.tokens.length)
        : undefined;
      return {
        rows,
        ...(own ? { memories: own } : {}),
        ...(eachQuery ? { eachQuery } : {}),
      };
    });
  }

  #feeds(members: readonly SegmentInput[], steps: number): Feeds {
    const batch = members.length;
    const tokens = new BigInt64Array(batch * steps);
    members.forEach((segment, b) => {
      for (let t = 0; t < segment.tokens.length; t++) tokens[b * steps + t] = BigInt(segment.tokens[t] as number);
    });
    const feeds: Feeds = this.#rows.feeds(batch, steps, this.#rows.prefix, this.#rows.prefixRows);
    feeds['tokens'] = int64(tokens, [batch, steps]);
    const width = slotsFor(this.#rows.prefixRows) + steps;
    // Where order alone decides, one mask serves all. Padding comes last and no token sees it.
    const masks = this.#policy.causal ? [longest(members)] : members;
    const hide = (name: string, policy: AttentionPolicy) => {
      const bias = new Float32Array(masks.length * steps * width).fill(HIDDEN);
      masks.forEach((segment, b) =>
        this.#openRows(policy, segment, bias.subarray(b * steps * width, (b + 1) * steps * width), width),
      );
      feeds[name] = float32(bias, [masks.length, 1, steps, width]);
    };
    hide('bias', this.#policy);
    for (const window of layerWindows(this.config))
      hide(windowInput('bias', window), withinWindow(this.#policy, window));
    return feeds;
  }

  /** Opens the rows that a policy shows to each row of a segment: the prefix's rows as sinks, then its own. */
  #openRows(policy: AttentionPolicy, { tokens }: SegmentInput, bias: Float32Array, width: number): void {
    const { prefixRows } = this.#rows;
    const places: RowPlace[] = [];
    for (let position = 0; position < prefixRows; position++) places.push({ kind: RowKind.sink, position, group: 0 });
    let group = 0;
    let sinceAnchor = 0;
    for (let t = 0; t < tokens.length; t++) {
      const kind = policy.kindOf(tokens[t] as number, prefixRows + t, sinceAnchor);
      places.push({ kind, position: prefixRows + t, group });
      sinceAnchor = kind === RowKind.anchor ? 0 : sinceAnchor + 1;
      if (kind === RowKind.anchor) group++;
    }
    // Without a prefix there is one empty slot in its place.
    const gap = slotsFor(prefixRows) - prefixRows;
    for (let t = 0; t < tokens.length; t++) {
      const query = places[prefixRows + t] as RowPlace;
      for (let j = 0; j <= prefixRows + t; j++) {
        if (policy.sees(query, places[j] as RowPlace) === Seen.near) bias[t * width + gap + j] = 0;
      }
    }
  }
}

/** Runs of segments of similar length, to keep padding small. */
function batches(segments: readonly SegmentInput[], mostRows: number): Batch[] {
  const order = segments.map((_, i) => i).sort((a, b) => lengthOf(segments, b) - lengthOf(segments, a));
  const made: Batch[] = [];
  for (let at = 0; at < order.length;) {
    const steps = lengthOf(segments, order[at] as number);
    const members = order.slice(at, at + Math.max(1, Math.floor(mostRows / steps)));
    made.push({ members, steps });
    at += members.length;
  }
  return made;
}

function longest(segments: readonly SegmentInput[]): SegmentInput {
  return segments.reduce((a, b) => (b.tokens.length > a.tokens.length ? b : a));
}

function lengthOf(segments: readonly SegmentInput[], i: number): number {
  return (segments[i] as SegmentInput).tokens.length;
}
