import type * as ort from 'onnxruntime-node';
import { full } from '../attention/full';
import { HIDDEN, RowKind, Seen, type AttentionPolicy, type RowPlace } from '../attention/policy';
import { decodeHalf } from '../cache/float16';
import { KvRows } from '../cache/kv-rows';
import { placeKeys } from '../cache/rotation';
import { newCacheArray, type CacheArray, type RowShape } from '../cache/shape';
import type { ModelConfig } from '../checkpoint/types';
import { rotationTable, type RopeFrequencies } from '../rope/frequencies';
import { DecoderError } from './errors';
import type { GraphVariant } from './graph';
import { cacheData, cacheTensor, float32, int64, type Feeds, type Runtime } from './runtime';
import type { SlotStart } from './slot-start';

/** A segment to be encoded, and what is to be kept of it. */
export interface SegmentInput {
  tokens: ArrayLike<number>;
  /** Rows (tokens of the segment) whose keys and values are kept, ascending. */
  keep: readonly number[];
  /** Rows whose hidden states after the last norm are wanted, for vectors. */
  hidden?: readonly number[];
  /** Tokens that each memory slot stands for (UIO-LLMs' ratio); needs memory weights. */
  slotTokens?: number;
  /** True: the mean of the segment's queries is wanted, to be held against keys. */
  queries?: boolean;
}

export interface EncodedSegment {
  /** The rows of `keep`; positions count from the segment's first token. */
  rows: KvRows;
  /** [hidden.length, hiddenSize], row-major. */
  hidden: Float32Array;
  /** ⌈tokens / slotTokens⌉ rows at positions 0, 1, …: memories stand one after the other. */
  memories?: KvRows;
  /** [layers, queryHeads, headDim]: the mean over the segment's rows of their queries, not rotated. */
  queries?: Float32Array;
}

export interface EncodeOptions {
  /** The rows that stand before every segment (sinks), at positions 0, 1, …; the segment's first token follows them. */
  prefix?: KvRows;
  /** Who sees whom within a segment; default: full attention. Windows count from the prefix. */
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

/** Encodes segments side by side, each alone behind the same prefix: no segment sees another, so their rows can be kept and spliced anywhere. */
export class SegmentEncoder {
  readonly #shape: RowShape;
  readonly #policy: AttentionPolicy;
  readonly #prefixRows: number;
  /** The prefix at its positions; undefined when there is none. */
  readonly #prefix: { keys: CacheArray; values: CacheArray } | undefined;

  constructor(
    private readonly config: ModelConfig,
    private readonly runtime: Runtime,
    private readonly options: EncodeOptions,
    private readonly slotStart: SlotStart | undefined,
  ) {
    const { layers, kvHeads, headDim } = config;
    this.#shape = { layers, kvHeads, headDim, type: runtime.cache };
    this.#policy = options.policy ?? full();
    if (this.#policy.ceiling !== Infinity) throw new DecoderError('badInput', 'segments are shorter than any window: encode them with a policy without a ceiling');
    this.#prefixRows = options.prefix?.rows ?? 0;
    this.#prefix = options.prefix && this.#prefixRows > 0 ? this.#place(options.prefix) : undefined;
  }

  async encode(segments: readonly SegmentInput[]): Promise<EncodedSegment[]> {
    segments.forEach((segment, i) => this.#check(segment, i));
    const results: EncodedSegment[] = [];
    let done = 0;
    for (const batch of batches(segments, this.options.batchRows ?? BATCH_ROWS)) {
      if (this.options.signal?.aborted) throw new DecoderError('cancelled', `cancelled after ${done} of ${segments.length} segments`);
      const encoded = await this.#run(segments, batch);
      batch.members.forEach((member, i) => (results[member] = encoded[i] as EncodedSegment));
      done += batch.members.length;
      this.options.onBatch?.(done, segments.length);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return results;
  }

  #check({ tokens, keep, hidden = [], slotTokens }: SegmentInput, i: number): void {
    const { vocabSize } = this.config;
    if (tokens.length === 0) throw new DecoderError('badInput', `segment ${i} is empty`);
    for (let t = 0; t < tokens.length; t++) {
      const token = tokens[t] as number;
      if (!Number.isInteger(token) || token < 0 || token >= vocabSize) throw new DecoderError('badInput', `segment ${i}: token ${t} is ${token}; the model has tokens 0 to ${vocabSize - 1}`);
    }
    const outside = [...keep, ...hidden].find((row) => !Number.isInteger(row) || row < 0 || row >= tokens.length);
    if (outside !== undefined) throw new DecoderError('badInput', `segment ${i} has ${tokens.length} rows and row ${outside} was asked for`);
    if (slotTokens === undefined) return;
    if (!this.slotStart) throw new DecoderError('badInput', 'this checkpoint has no memory slots; open the decoder with memory weights');
    if (!(slotTokens >= 1)) throw new DecoderError('badInput', `segment ${i}: a slot cannot stand for ${slotTokens} tokens`);
  }

  async #run(segments: readonly SegmentInput[], batch: Batch): Promise<EncodedSegment[]> {
    const members = batch.members.map((member) => segments[member] as SegmentInput);
    const wantsRows = members.some((segment) => segment.keep.length > 0);
    const wantsSlots = members.some((segment) => segment.slotTokens !== undefined);
    const wantsQueries = members.some((segment) => segment.queries);
    const fetches = ['hidden', ...(wantsRows || wantsSlots ? ['values'] : []), ...(wantsRows ? ['raw_keys'] : []), ...(wantsSlots ? ['keys'] : []), ...(wantsQueries ? ['queries'] : [])];
    const variant: GraphVariant = { phase: 'prefill', visibility: 'batched', ...(wantsQueries ? { queries: true } : {}) };
    const made = await this.runtime.run(variant, this.#feeds(members, batch.steps), fetches);
    const values = wantsRows || wantsSlots ? cacheData(made['values'] as ort.Tensor) : undefined;
    const rawKeys = wantsRows ? cacheData(made['raw_keys'] as ort.Tensor) : undefined;
    const memories = wantsSlots
      ? await this.#runSlots(members, batch.steps, cacheData(made['keys'] as ort.Tensor), values as CacheArray)
      : undefined;
    const hidden = (made['hidden'] as ort.Tensor).data as Float32Array;
    let hiddenAt = 0;
    return members.map((segment, b) => {
      const from = hiddenAt;
      hiddenAt += (segment.hidden?.length ?? 0) * this.config.hiddenSize;
      const rows = this.#pick(rawKeys, values, batch.steps, b, segment.keep, segment.keep, segment.tokens.length);
      const own = memories?.[b];
      const queries = segment.queries ? this.#meanQueries(cacheData(made['queries'] as ort.Tensor), batch.steps, b, segment.tokens.length) : undefined;
      return { rows, hidden: hidden.slice(from, hiddenAt), ...(own ? { memories: own } : {}), ...(queries ? { queries } : {}) };
    });
  }

  #feeds(members: readonly SegmentInput[], steps: number): Feeds {
    const batch = members.length;
    const tokens = new BigInt64Array(batch * steps);
    const wanted: number[] = [];
    members.forEach((segment, b) => {
      for (let t = 0; t < segment.tokens.length; t++) tokens[b * steps + t] = BigInt(segment.tokens[t] as number);
      for (const row of segment.hidden ?? []) wanted.push(b * steps + row);
    });
    const feeds: Feeds = this.#common(batch, steps, this.#prefix, this.#prefixRows);
    feeds['tokens'] = int64(tokens, [batch, steps]);
    feeds['rows'] = int64(wanted, [wanted.length]);
    const width = this.#slots(this.#prefixRows) + steps;
    // Where order alone decides, one mask serves all; padding comes last and is seen by no token.
    const masks = this.#policy.causal ? [longest(members)] : members;
    const bias = new Float32Array(masks.length * steps * width).fill(HIDDEN);
    masks.forEach((segment, b) => this.#openRows(segment, bias.subarray(b * steps * width, (b + 1) * steps * width), width));
    feeds['bias'] = float32(bias, [masks.length, 1, steps, width]);
    return feeds;
  }

  /** Opens what the policy lets each row of a segment see: the prefix's rows as sinks, then its own. */
  #openRows({ tokens }: SegmentInput, bias: Float32Array, width: number): void {
    const policy = this.#policy;
    const places: RowPlace[] = [];
    for (let position = 0; position < this.#prefixRows; position++) places.push({ kind: RowKind.sink, position, group: 0 });
    let group = 0;
    let sinceAnchor = 0;
    for (let t = 0; t < tokens.length; t++) {
      const kind = policy.kindOf(tokens[t] as number, this.#prefixRows + t, sinceAnchor);
      places.push({ kind, position: this.#prefixRows + t, group });
      sinceAnchor = kind === RowKind.anchor ? 0 : sinceAnchor + 1;
      if (kind === RowKind.anchor) group++;
    }
    // Without a prefix there is one empty slot in its place.
    const gap = this.#slots(this.#prefixRows) - this.#prefixRows;
    for (let t = 0; t < tokens.length; t++) {
      const query = places[this.#prefixRows + t] as RowPlace;
      for (let j = 0; j <= this.#prefixRows + t; j++) {
        if (policy.sees(query, places[j] as RowPlace) === Seen.near) bias[t * width + gap + j] = 0;
      }
    }
  }

  /**
   * The slots' pass (UIO-LLMs, §3): M rows over the finished rows of their segment. Slot j sees the prefix, the
   * first (j + 1)·ratio tokens (in place: all of these but the last) and itself, and stands at the position after them; the segment's own
   * rows never see a slot.
   */
  async #runSlots(members: readonly SegmentInput[], steps: number, keys: CacheArray, values: CacheArray): Promise<(KvRows | undefined)[]> {
    const { hiddenSize } = this.config;
    const shares = members.map((segment) => (segment.slotTokens === undefined ? [] : coverage(segment.tokens.length, segment.slotTokens)));
    const cover = shares.map((ends) => ends.map((end) => (this.slotStart?.inPlace ? end - 1 : end)));
    const slots = Math.max(...cover.map((own) => own.length));
    const batch = members.length;
    const past = this.#behindPrefix(keys, values, batch, steps);
    const feeds = this.#common(batch, slots, past, this.#prefixRows + steps, cover);
    const embeds = new Float32Array(batch * slots * hiddenSize);
    shares.forEach((own, b) => this.slotStart?.write((members[b] as SegmentInput).tokens, own, embeds.subarray(b * slots * hiddenSize)));
    feeds['embeds'] = float32(embeds, [batch, slots, hiddenSize]);
    feeds['rows'] = int64([], [0]);
    const width = this.#prefixRows + steps + slots;
    const bias = new Float32Array(batch * slots * width).fill(HIDDEN);
    for (let b = 0; b < batch; b++) {
      for (let j = 0; j < slots; j++) {
        const at = (b * slots + j) * width;
        bias.fill(0, at, at + this.#prefixRows + (cover[b]?.[j] ?? 0));
        bias[at + this.#prefixRows + steps + j] = 0;
      }
    }
    feeds['bias'] = float32(bias, [batch, 1, slots, width]);
    const variant: GraphVariant = { phase: 'prefill', visibility: 'batched', slots: true };
    const made = await this.runtime.run(variant, feeds, ['raw_keys', 'values']);
    const slotKeys = cacheData(made['raw_keys'] as ort.Tensor);
    const slotValues = cacheData(made['values'] as ort.Tensor);
    return members.map((segment, b) => {
      const count = cover[b]?.length ?? 0;
      const all = Array.from({ length: count }, (_, j) => j);
      return count === 0 ? undefined : this.#pick(slotKeys, slotValues, slots, b, all, all, segment.tokens.length);
    });
  }

  /** Inputs that both passes share. Without `cover` the new rows stand one after the other behind the cached ones. */
  #common(batch: number, steps: number, past: { keys: CacheArray; values: CacheArray } | undefined, pastRows: number, cover?: readonly (readonly number[])[]): Feeds {
    const { layers, kvHeads, headDim } = this.config;
    const { rope } = this.options;
    const places = Array.from({ length: batch * steps }, (_, i) => (cover ? (cover[Math.floor(i / steps)]?.[i % steps] ?? 0) : i % steps));
    const angles = Array.from({ length: Math.max(...places) + 1 }, (_, i) => this.#prefixRows + i);
    const { cos, sin } = rotationTable(rope, angles);
    const slots = this.#slots(pastRows);
    const feeds: Feeds = {
      positions: int64(places, [batch, steps]),
      cos: float32(cos, [angles.length, rope.inverse.length]),
      sin: float32(sin, [angles.length, rope.inverse.length]),
    };
    const size = kvHeads * slots * headDim;
    const shared = past !== undefined && past === this.#prefix;
    for (let layer = 0; layer < layers; layer++) {
      for (const name of ['keys', 'values'] as const) {
        const source = past?.[name];
        const from = layer * size * (shared ? 1 : batch);
        const part = source?.subarray(from, from + size * (shared ? 1 : batch)) ?? newCacheArray(this.#shape.type, batch * size);
        feeds[`past_${name}_${layer}`] = cacheTensor(shared ? repeated(part, batch, this.#shape.type) : part, [batch, kvHeads, slots, headDim]);
      }
    }
    return feeds;
  }

  /** Slots passed for so many cached rows: at least one, masked, so that no tensor is empty. */
  #slots(rows: number): number {
    return Math.max(1, rows);
  }

  /** Rotates the prefix to its positions: [layers, kvHeads, rows, headDim]. */
  #place(prefix: KvRows): { keys: CacheArray; values: CacheArray } {
    prefix.assertFits(this.#shape);
    const typed = prefix.as(this.#shape.type);
    const block = { keys: typed.keys.slice(), values: typed.values, rows: prefix.rows };
    placeKeys(block, this.#shape, this.options.rope, prefix.positions);
    return block;
  }

  /** Prefix and new rows as the cache of the next pass: [layers, B, kvHeads, prefix + steps, headDim]. */
  #behindPrefix(keys: CacheArray, values: CacheArray, batch: number, steps: number): { keys: CacheArray; values: CacheArray } {
    const { layers, kvHeads, headDim, type } = this.#shape;
    const rows = this.#prefixRows + steps;
    const joined = (own: CacheArray, prefix: CacheArray | undefined): CacheArray => {
      const out = newCacheArray(type, layers * batch * kvHeads * rows * headDim);
      for (let layer = 0; layer < layers; layer++) {
        for (let b = 0; b < batch; b++) {
          for (let head = 0; head < kvHeads; head++) {
            const to = ((layer * batch + b) * kvHeads + head) * rows * headDim;
            const at = (layer * kvHeads + head) * this.#prefixRows * headDim;
            if (prefix) out.set(prefix.subarray(at, at + this.#prefixRows * headDim), to);
            const from = ((b * layers + layer) * kvHeads + head) * steps * headDim;
            out.set(own.subarray(from, from + steps * headDim), to + this.#prefixRows * headDim);
          }
        }
      }
      return out;
    };
    return { keys: joined(keys, this.#prefix?.keys), values: joined(values, this.#prefix?.values) };
  }

  /** Mean over the first `tokens` rows of sequence b out of [B, L, H, steps, D]. */
  #meanQueries(queries: CacheArray, steps: number, b: number, tokens: number): Float32Array {
    const { layers, queryHeads, headDim } = this.config;
    const mean = new Float32Array(layers * queryHeads * headDim);
    for (let head = 0; head < layers * queryHeads; head++) {
      const from = (b * layers * queryHeads + head) * steps * headDim;
      const rows = asFloat32(queries.subarray(from, from + tokens * headDim));
      for (let i = 0; i < rows.length; i++) {
        const at = head * headDim + (i % headDim);
        mean[at] = (mean[at] as number) + (rows[i] as number) / tokens;
      }
    }
    return mean;
  }

  /** Rows of sequence b out of [B, L, K, steps, D]. */
  #pick(keys: CacheArray | undefined, values: CacheArray | undefined, steps: number, b: number, rows: readonly number[], positions: readonly number[], tokens: number): KvRows {
    const { layers, kvHeads, headDim, type } = this.#shape;
    const size = layers * kvHeads * rows.length * headDim;
    const picked = { keys: newCacheArray(type, size), values: newCacheArray(type, size) };
    for (let head = 0; rows.length > 0 && head < layers * kvHeads; head++) {
      for (let i = 0; i < rows.length; i++) {
        const from = ((b * layers * kvHeads + head) * steps + (rows[i] as number)) * headDim;
        const to = (head * rows.length + i) * headDim;
        picked.keys.set((keys as CacheArray).subarray(from, from + headDim), to);
        picked.values.set((values as CacheArray).subarray(from, from + headDim), to);
      }
    }
    return new KvRows({ shape: this.#shape, ...picked, positions: Int32Array.from(positions), tokens });
  }
}

function asFloat32(values: CacheArray): Float32Array {
  return values instanceof Float32Array ? values : decodeHalf(values);
}

/** Tokens that each slot sees: ratio, 2·ratio, …, all. */
export function coverage(tokens: number, ratio: number): number[] {
  return Array.from({ length: Math.ceil(tokens / ratio) }, (_, j) => Math.min((j + 1) * ratio, tokens));
}

/** Runs of segments of like length, so that little is padding. */
function batches(segments: readonly SegmentInput[], mostRows: number): Batch[] {
  const order = segments.map((_, i) => i).sort((a, b) => lengthOf(segments, b) - lengthOf(segments, a));
  const made: Batch[] = [];
  for (let at = 0; at < order.length; ) {
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

function repeated(part: CacheArray, times: number, type: RowShape['type']): CacheArray {
  const out = newCacheArray(type, part.length * times);
  for (let i = 0; i < times; i++) out.set(part, i * part.length);
  return out;
}
