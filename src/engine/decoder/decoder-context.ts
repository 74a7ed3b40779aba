import type * as ort from 'onnxruntime-node';
import { attentionBias } from '../attention/bias';
import { HIDDEN, RowKind, Seen, type AttentionPolicy } from '../attention/policy';
import { Context, type ContextAccount, type NewRow } from '../cache/context';
import type { KvRows } from '../cache/kv-rows';
import type { RowBlock, RowStore } from '../cache/row-store';
import type { CacheArray } from '../cache/shape';
import type { ModelConfig } from '../checkpoint/types';
import { rotationTable, type RopeFrequencies, type RotationTable } from '../rope/frequencies';
import { ContextFullError, DecoderError } from './errors';
import type { GraphVariant } from './graph';
import { cacheData, cacheTensor, float32, int32, int64, type Feeds, type Runtime } from './runtime';
import type { EncodedSegment, EncodeOptions, SegmentInput } from './segment-encoder';
import type { TokenStep } from './step/token-step';

export interface PrefillOptions {
  signal?: AbortSignal;
  /** Called after each chunk with the tokens read so far and all tokens of this call. */
  onChunk?: (read: number, total: number) => void;
  /** Tokens whose logits are wanted: the last one (default), none, or all. */
  logits?: 'last' | 'none' | 'all';
}

/** What `prefill` read. */
export interface PrefillResult {
  /** [rows asked for, vocab], row-major: logits of the token that follows each. */
  logits: Float32Array;
  rows: number;
}

/**
 * Live compression (UIO-LLMs): once `keepTokens + segmentTokens` plain rows have gathered, the oldest `segmentTokens` are encoded to slots
 * behind the sinks, their rows give way to the slots', and what follows moves up, so that positions stay within the trained window.
 */
export interface LiveCompression {
  segmentTokens: number;
  keepTokens: number;
  /** Tokens that each slot stands for. */
  slotTokens: number;
}

interface Settings {
  config: ModelConfig;
  runtime: Runtime;
  chunkTokens: number;
  compress?: LiveCompression;
  encode: (segment: SegmentInput, options: EncodeOptions) => Promise<EncodedSegment>;
}

/**
 * A conversation with the model: reads tokens into a Context and predicts the next ones. One call at a time; after an error or a cancel
 * the context holds exactly the chunks that were finished (`position` says how far).
 */
export class DecoderContext {
  readonly #settings: Settings;
  readonly #context: Context;
  #busy = false;
  readonly #views: { near: CacheViews; far: CacheViews; middle: CacheViews };

  constructor(settings: Settings, policy: AttentionPolicy, capacity: number, rope: RopeFrequencies) {
    const { layers, kvHeads, headDim } = settings.config;
    this.#settings = settings;
    this.#context = new Context({ layers, kvHeads, headDim, type: settings.runtime.cache }, policy, capacity, rope);
    const { near, far, middle } = this.#context;
    const fromLayer = policy.middle?.fromLayer ?? 0;
    this.#views = { near: new CacheViews(near, 'past'), far: new CacheViews(far, 'far'), middle: new CacheViews(middle, 'middle', fromLayer) };
  }

  /** Position of the next token. */
  get position(): number {
    return this.#context.position;
  }

  get policy(): AttentionPolicy {
    return this.#context.policy;
  }

  /** Rows that are still free. */
  get free(): number {
    return this.#context.free;
  }

  /** Most rows that reading these tokens would take, given what the policy drops on the way. */
  rowsNeeded(tokens: ArrayLike<number>): number {
    return this.#mostRows(tokens) - this.#context.rows;
  }

  /**
   * Reads tokens in chunks, giving way between them.
   *
   * @throws ContextFullError before anything is read; DecoderError 'cancelled' between chunks, 'badInput' for a token the model does not have
   */
  async prefill(tokens: ArrayLike<number>, options: PrefillOptions = {}): Promise<PrefillResult> {
    return this.#alone(async () => {
      this.#check(tokens);
      const { chunkTokens, config } = this.#settings;
      const wanted = options.logits ?? 'last';
      const count = wanted === 'all' ? tokens.length : wanted === 'last' ? Math.min(1, tokens.length) : 0;
      const logits = new Float32Array(count * config.vocabSize);
      let filled = 0;
      // Only the last query of a run looks back at middle rows: it is read as a token of its own.
      const chunked = this.policy.middle && count > 0 ? tokens.length - 1 : tokens.length;
      for (let from = 0, to = 0; from < tokens.length; from = to) {
        if (options.signal?.aborted) throw cancelled(from, tokens.length);
        const chunk = this.#nextChunk(tokens, from, Math.max(1, Math.min(chunkTokens, chunked - from)));
        to = from + chunk.length;
        const asked = wanted === 'all' ? chunk.map((_, i) => i) : wanted === 'last' && to === tokens.length ? [chunk.length - 1] : [];
        const made = from === chunked ? await this.#runToken(tokens[from] as number) : await this.#runChunk(chunk, asked);
        logits.set(made, filled);
        filled += made.length;
        options.onChunk?.(to, tokens.length);
        // Lets a cancel, a heartbeat or another request through.
        if (to < tokens.length) await new Promise((resolve) => setImmediate(resolve));
      }
      return { logits, rows: count };
    });
  }

  /** Reads one token. Returns the logits [vocab] of the one that follows it. @throws ContextFullError, DecoderError */
  async decode(token: number): Promise<Float32Array> {
    return this.#alone(async () => {
      this.#check([token]);
      return this.#runToken(token);
    });
  }

  /**
   * Puts stored rows into the context, the segment's position 0 at `atPosition`. Returns an id for `drop` and `move`.
   *
   * @param origin where the rows come from, for the ledger
   * @throws ContextFullError; KvRowsError when the rows are of another model
   */
  splice(rows: KvRows, atPosition: number, origin: string): number {
    if (rows.rows > this.#context.free) throw new ContextFullError(rows.rows, this.#context.free);
    return this.#context.splice(rows, atPosition, origin);
  }

  /** Drops spliced rows; returns how many. */
  drop(id: number): number {
    return this.#context.drop(id);
  }

  /** Drops live rows at positions [from, to); returns how many. */
  dropPositions(from: number, to: number): number {
    return this.#context.dropPositions(from, to);
  }

  /** Moves spliced rows by so many positions. */
  move(id: number, steps: number): void {
    this.#context.move(id, steps);
  }

  /** The live rows at positions [from, to), to be kept: keys un-rotated, positions from 0. */
  rowsAt(from: number, to: number): KvRows {
    return this.#context.rowsAt(from, to);
  }

  /** Leaves a gap: the next token is read at this position. @throws DecoderError 'badInput' when that is before the last one */
  skipTo(position: number): void {
    if (position < this.#context.position) throw new DecoderError('badInput', `position ${position} is taken already; the next free one is ${this.#context.position}`);
    this.#context.position = position;
  }

  /** Other rotary frequencies from the next token on; rows that are there are rotated anew. */
  setRope(rope: RopeFrequencies): void {
    this.#context.setRope(rope);
  }

  /** What each row stands for, and what it costs. */
  ledger(): ContextAccount {
    return this.#context.account();
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy) throw new DecoderError('badInput', 'the context is in use; wait for the call before');
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }

  #mostRows(tokens: ArrayLike<number>): number {
    const { compress, chunkTokens } = this.#settings;
    if (!compress) return this.#context.rowsNeeded(tokens, chunkTokens);
    let plain = this.#context.live(RowKind.plain).length;
    let rows = this.#context.rows;
    let most = rows;
    for (const row of this.#context.plan(tokens)) {
      most = Math.max(most, ++rows);
      if (row.kind !== RowKind.plain || ++plain < compress.keepTokens + compress.segmentTokens) continue;
      plain -= compress.segmentTokens;
      rows -= compress.segmentTokens - Math.ceil(compress.segmentTokens / compress.slotTokens);
    }
    return most;
  }

  #check(tokens: ArrayLike<number>): void {
    const { vocabSize } = this.#settings.config;
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i] as number;
      if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
        throw new DecoderError('badInput', `token ${i} is ${token}; the model has tokens 0 to ${vocabSize - 1}. Is the tokenizer of another model?`);
      }
    }
    const needed = this.#mostRows(tokens);
    if (needed > this.#context.capacity) throw new ContextFullError(needed - this.#context.rows, this.#context.free);
  }

  /** The next tokens, cut before the first that would see another of them at the ceiling: far rows are rows of earlier runs. */
  #nextChunk(tokens: ArrayLike<number>, from: number, most: number): number[] {
    const { policy } = this.#context;
    const length = Math.min(most, tokens.length - from);
    const chunk = this.#untilCompression(Array.from({ length }, (_, i) => tokens[from + i] as number));
    if (policy.ceiling >= chunk.length) return chunk;
    const rows = this.#context.plan(chunk);
    const end = rows.findIndex((q, i) => rows.slice(0, i).some((k) => policy.sees(q, k) === Seen.ceiling));
    return end < 0 ? chunk : chunk.slice(0, end);
  }

  /** Cut behind the token that makes the oldest rows due for compression, so that where this happens does not depend on the chunks. */
  #untilCompression(chunk: number[]): number[] {
    const { compress } = this.#settings;
    if (!compress) return chunk;
    let plain = this.#context.live(RowKind.plain).length;
    const due = this.#context.plan(chunk).findIndex((row) => row.kind === RowKind.plain && ++plain === compress.keepTokens + compress.segmentTokens);
    return due < 0 ? chunk : chunk.slice(0, due + 1);
  }

  async #runChunk(chunk: readonly number[], logitRows: readonly number[]): Promise<Float32Array> {
    const context = this.#context;
    const { policy } = context;
    const rows = context.plan(chunk);
    const visibility = policy.ceiling !== Infinity ? 'dual' : policy.causal && !context.near.hasHoles ? 'causal' : 'masked';
    context.prepare(context.position, context.position + chunk.length - 1);
    const feeds = this.#newRowFeeds(rows, visibility === 'dual');
    feeds['rows'] = int64(logitRows, [logitRows.length]);
    feeds['logit_rows'] = int64(logitRows.map((_, i) => i), [logitRows.length]);
    this.#views.near.feed(feeds);
    if (visibility === 'dual') this.#views.far.feed(feeds);
    else {
      const cached = visibility === 'causal' ? context.near.end : context.near.capacity;
      feeds['last'] = int32([cached + chunk.length - 1], [1]);
      feeds['total'] = int32([cached + chunk.length], [1]);
    }
    if (visibility !== 'causal') {
      const bias = attentionBias(policy, rows, context.near, visibility === 'dual' ? context.far : undefined);
      feeds['bias'] = float32(bias, [1, 1, chunk.length, bias.length / chunk.length]);
    }
    return this.#run({ phase: 'prefill', visibility }, feeds, rows, logitRows.length > 0);
  }

  async #runToken(token: number): Promise<Float32Array> {
    const context = this.#context;
    const { policy } = context;
    const rows = context.plan([token]);
    const dual = policy.ceiling !== Infinity;
    context.prepare(context.position, context.position);
    const bias = this.#tokenBias(rows, dual);
    // The kernels know no middle rows.
    const step = policy.middle ? undefined : this.#settings.runtime.step();
    if (step?.prepare({ near: context.near, ...(dual ? { far: context.far } : {}), bias })) return this.#stepToken(step, rows, dual);
    const feeds = this.#newRowFeeds(rows, dual);
    this.#views.near.feed(feeds);
    if (dual) this.#views.far.feed(feeds);
    const parts = this.#parts(dual);
    feeds['parts'] = int64(parts, [parts.length]);
    feeds['bias'] = float32(bias, [1, 1, 1, bias.length]);
    const variant: GraphVariant = { phase: 'decode', visibility: dual ? 'dual' : 'masked' };
    if (policy.middle && context.middle.count > 0) {
      variant.middle = { k: policy.middle.k, fromLayer: policy.middle.fromLayer };
      this.#middleFeeds(feeds, parts);
    }
    return this.#run(variant, feeds, rows, true);
  }

  /** Sizes of the parts that one token's scores are made of. */
  #parts(dual: boolean): number[] {
    const { near, far } = this.#context;
    return dual ? [far.capacity, near.capacity, 1] : [near.capacity, 1];
  }

  #tokenBias(rows: readonly NewRow[], dual: boolean): Float32Array {
    const { near, far, policy } = this.#context;
    return policy.causal && !near.hasHoles ? causalBias(near) : attentionBias(policy, rows, near, dual ? far : undefined);
  }

  #middleBias(): ort.Tensor {
    const { middle } = this.#context;
    const bias = new Float32Array(middle.capacity).fill(HIDDEN);
    for (const slot of middle.used()) bias[slot] = 0;
    return float32(bias, [1, 1, 1, bias.length]);
  }

  #middleFeeds(feeds: Feeds, parts: readonly number[]): void {
    this.#views.middle.feed(feeds);
    feeds['middle_bias'] = this.#middleBias();
    feeds['middle_parts'] = int64([this.#context.middle.capacity, ...parts], [parts.length + 1]);
    feeds['middle_positions'] = int64([2], [1, 1]);
  }

  async #stepToken(step: TokenStep, rows: readonly NewRow[], dual: boolean): Promise<Float32Array> {
    const { keys, values, logits } = step.run({ token: (rows[0] as NewRow).token, rotations: this.#rotations(rows, dual) }, dual);
    this.#context.append({ keys, values, rows: 1 }, rows);
    await this.#compress();
    return logits;
  }

  /** Tokens and rotations of the new rows. The rotations to the ceiling and to the middle rows are two rows more of the tables. */
  #newRowFeeds(rows: readonly NewRow[], dual: boolean): Feeds {
    const { cos, sin } = this.#rotations(rows, dual);
    const pairs = this.#context.rope.inverse.length;
    const angles = cos.length / pairs;
    const shape = [1, rows.length];
    const feeds: Feeds = {
      tokens: int64(rows.map((row) => row.token), shape),
      positions: int64(rows.map((_, i) => i), shape),
      cos: float32(cos, [angles, pairs]),
      sin: float32(sin, [angles, pairs]),
    };
    if (dual) feeds['far_positions'] = int64(rows.map(() => rows.length), shape);
    return feeds;
  }

  #rotations(rows: readonly NewRow[], dual: boolean): RotationTable {
    const { rope, policy } = this.#context;
    const angles = rows.map((row) => row.position);
    if (dual) angles.push(policy.ceiling, policy.middle?.distance ?? 0);
    return rotationTable(rope, angles);
  }

  async #compress(): Promise<void> {
    const { compress, encode } = this.#settings;
    const context = this.#context;
    if (!compress) return;
    const plain = context.live(RowKind.plain);
    if (plain.length < compress.keepTokens + compress.segmentTokens) return;
    const slots = plain.slice(0, compress.segmentTokens);
    const tokens = slots.map((slot) => context.near.tokens[slot] as number);
    const start = context.near.positions[slots[0] as number] as number;
    const end = (context.near.positions[slots.at(-1) as number] as number) + 1;
    const sinks = context.live(RowKind.sink).length;
    const { memories } = await encode({ tokens, keep: [], slotTokens: compress.slotTokens }, { prefix: context.rowsAt(0, sinks), rope: context.rope });
    if (!memories) throw new DecoderError('badInput', 'live compression needs memory weights');
    context.dropPositions(start, end);
    context.splice(memories, start, 'live');
    context.closeGap(end, end - start - memories.rows);
  }

  async #run(variant: GraphVariant, feeds: Feeds, rows: readonly NewRow[], withLogits: boolean): Promise<Float32Array> {
    const fetches = withLogits ? ['keys', 'values', 'logits'] : ['keys', 'values'];
    const made = await this.#settings.runtime.run(variant, feeds, fetches);
    const block: RowBlock = { keys: cacheData(made['keys'] as ort.Tensor), values: cacheData(made['values'] as ort.Tensor), rows: rows.length };
    this.#context.append(block, rows);
    await this.#compress();
    return withLogits ? ((made['logits'] as ort.Tensor).data as Float32Array) : new Float32Array(0);
  }
}

/** All slots in use, then those kept ready, then the new row. */
function causalBias(near: RowStore): Float32Array {
  const bias = new Float32Array(near.capacity + 1);
  return bias.fill(HIDDEN, near.end, near.capacity);
}

function cancelled(read: number, total: number): DecoderError {
  return new DecoderError('cancelled', `cancelled after ${read} of ${total} tokens`);
}

/** Keys and values of one layer's cached rows, as tensors over the caches. */
interface LayerRows {
  keys: ort.Tensor;
  values: ort.Tensor;
}

/** Tensors over a store's arrays, made anew only when the arrays are. */
class CacheViews {
  #generation = -1;
  #layers: readonly LayerRows[] = [];

  constructor(
    private readonly store: RowStore,
    private readonly prefix: string,
    private readonly fromLayer = 0,
  ) {}

  feed(feeds: Feeds): void {
    this.layers.forEach(({ keys, values }, i) => {
      feeds[`${this.prefix}_keys_${i + this.fromLayer}`] = keys;
      feeds[`${this.prefix}_values_${i + this.fromLayer}`] = values;
    });
  }

  /** From layer `fromLayer` on. */
  get layers(): readonly LayerRows[] {
    if (this.#generation !== this.store.generation) this.#build();
    return this.#layers;
  }

  #build(): void {
    const { store } = this;
    const dims = [1, store.shape.kvHeads, store.capacity, store.shape.headDim];
    const tensor = (rows: CacheArray) => cacheTensor(rows, dims);
    this.#layers = store.keys.slice(this.fromLayer).map((keys, i) => ({ keys: tensor(keys), values: tensor(store.values[i + this.fromLayer] as CacheArray) }));
    this.#generation = store.generation;
  }
}
