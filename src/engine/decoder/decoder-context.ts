import { Seen, type AttentionPolicy } from '../attention/policy';
import type { ContextAccount } from '../kv-cache/account';
import { Context } from '../kv-cache/context';
import type { KvRows } from '../kv-cache/kv-rows';
import type { ModelConfig } from '../checkpoint/types';
import type { RopeFrequencies } from '../rope/frequencies';
import { ContextRuns } from './context-runs';
import { ContextFullError, DecoderError } from './errors';
import { bestBlocks } from './best-blocks';
import {
  compressOldest,
  mostRowsCompressing,
  untilDue,
  type EncodeSegment,
  type LiveCompression,
} from './live-compression';
import type { Runtime } from './runtime';

export interface PrefillOptions {
  signal?: AbortSignal;
  /** Called after each chunk with the tokens read so far and all tokens of this call. */
  onChunk?: (read: number, total: number) => void;
  /** Tokens whose logits are wanted: the last one (default), none, or all. */
  logits?: 'last' | 'none' | 'all';
}

/** Result of `prefill`. */
export interface PrefillResult {
  /** [rows asked for, vocab], row-major: logits of the token that follows each. */
  logits: Float32Array;
  rows: number;
}

/** Origin, in the ledger, of blocks of earlier text that are seen again. */
export const LOOK_BACK = 'look back';

interface Settings {
  config: ModelConfig;
  runtime: Runtime;
  chunkTokens: number;
  compress?: LiveCompression;
  encode: EncodeSegment;
}

/**
 * A conversation with the model: reads tokens into a Context and predicts the next ones. One call at a time. After an
 * error or a cancel the context holds exactly the chunks that were finished; `position` says how far.
 */
export class DecoderContext {
  readonly #settings: Settings;
  readonly #context: Context;
  #busy = false;
  readonly #runs: ContextRuns;

  constructor(settings: Settings, context: Context) {
    this.#settings = settings;
    this.#context = context;
    this.#runs = new ContextRuns(settings.runtime, context);
  }

  static open(settings: Settings, policy: AttentionPolicy, capacity: number, rope: RopeFrequencies): DecoderContext {
    const { layers, kvHeads, headDim } = settings.config;
    const shape = { layers, kvHeads, headDim, type: settings.runtime.cache };
    return new DecoderContext(settings, new Context(shape, policy, capacity, rope));
  }

  /** A context of its own that has read the same: several questions about a text that is read once. */
  fork(policy?: AttentionPolicy): DecoderContext {
    return new DecoderContext(this.#settings, this.#context.fork(policy));
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

  /** Most rows that reading these tokens would take, less those that the policy drops on the way. */
  rowsNeeded(tokens: ArrayLike<number>): number {
    return this.#mostRows(tokens) - this.#context.rows;
  }

  /**
   * Reads tokens in chunks, giving way between them.
   *
   * @throws ContextFullError before anything is read; DecoderError 'cancelled' between chunks, 'badInput' for a token
   *   the model does not have
   */
  async prefill(tokens: ArrayLike<number>, options: PrefillOptions = {}): Promise<PrefillResult> {
    return this.#alone(async () => {
      this.#check(tokens);
      const { chunkTokens, config } = this.#settings;
      const wanted = options.logits ?? 'last';
      const count = wanted === 'all' ? tokens.length : wanted === 'last' ? Math.min(1, tokens.length) : 0;
      const logits = new Float32Array(count * config.vocabSize);
      let filled = 0;
      const { middle } = this.policy;
      const chunked = Math.max(0, tokens.length - (count > 0 ? (middle?.tail ?? 0) : 0));
      // By heads only the last query of a run sees middle rows, so the last tokens are runs of their own.
      const alone = middle !== undefined && !middle.blocks;
      for (let from = 0, to = 0; from < tokens.length; from = to) {
        if (options.signal?.aborted) throw cancelled(from, tokens.length);
        if (from === chunked && wanted === 'last') await this.#lookBack(tokens, from);
        const most = from < chunked ? Math.min(chunkTokens, chunked - from) : alone ? 1 : chunkTokens;
        const chunk = this.#nextChunk(tokens, from, most);
        to = from + chunk.length;
        const asked =
          wanted === 'all'
            ? chunk.map((_, i) => i)
            : wanted === 'last' && to === tokens.length
              ? [chunk.length - 1]
              : [];
        const made =
          from >= chunked && alone
            ? await this.#runs.token(tokens[from] as number)
            : await this.#runs.chunk(chunk, asked);
        await this.#compress();
        if (asked.length > 0) {
          logits.set(made, filled);
          filled += made.length;
        }
        options.onChunk?.(to, tokens.length);
        // Lets a cancel, a heartbeat or another request through.
        if (to < tokens.length) await new Promise((resolve) => setImmediate(resolve));
      }
      return { logits, rows: count };
    });
  }

  /** Places the blocks of earlier text that these tokens attend to most in front of the next token. */
  async lookBack(tokens: ArrayLike<number>): Promise<void> {
    return this.#alone(async () => {
      this.#checkIds(tokens);
      await this.#lookBack(tokens, 0);
    });
  }

  /** Reads one token. Returns the logits [vocab] of the one that follows it. @throws ContextFullError, DecoderError */
  async decode(token: number): Promise<Float32Array> {
    return this.#alone(async () => {
      this.#check([token]);
      const logits = await this.#runs.token(token);
      await this.#compress();
      return logits;
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

  /** Reserves room for this many more rows at once, up to the capacity. */
  reserve(rows: number): void {
    this.#context.reserve(rows);
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

  /** The live rows at positions [from, to), for storing: keys un-rotated, positions from 0. */
  rowsAt(from: number, to: number): KvRows {
    return this.#context.rowsAt(from, to);
  }

  /**
   * Leaves a gap: the next token is read at this position. @throws DecoderError 'badInput' when that is before the last
   * one
   */
  skipTo(position: number): void {
    if (position < this.#context.position)
      throw new DecoderError(
        'badInput',
        `position ${position} is taken already; the next free one is ${this.#context.position}`,
      );
    this.#context.position = position;
  }

  /** Sets other rotary frequencies from the next token on. Present rows are rotated anew. */
  setRope(rope: RopeFrequencies): void {
    this.#context.setRope(rope);
  }

  /** Content and cost of each row. */
  ledger(): ContextAccount {
    const { near, far } = this.#context;
    const { runtime } = this.#settings;
    const account = this.#context.account();
    return {
      ...account,
      allocatedBytes: account.allocatedBytes + runtime.copiedBytes(near) + runtime.copiedBytes(far),
    };
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
    return compress
      ? mostRowsCompressing(this.#context, compress, tokens)
      : this.#context.rowsNeeded(tokens, chunkTokens);
  }

  #check(tokens: ArrayLike<number>): void {
    this.#checkIds(tokens);
    const needed = this.#mostRows(tokens);
    if (needed > this.#context.capacity) throw new ContextFullError(needed - this.#context.rows, this.#context.free);
  }

  #checkIds(tokens: ArrayLike<number>): void {
    const { vocabSize } = this.#settings.config;
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i] as number;
      if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
        throw new DecoderError(
          'badInput',
          `token ${i} is ${token}; the model has tokens 0 to ${vocabSize - 1}. Is the tokenizer of another model?`,
        );
      }
    }
  }

  /**
   * Cuts the next tokens before the first that would see another of them at the ceiling: far rows are rows of earlier
   * runs.
   */
  #nextChunk(tokens: ArrayLike<number>, from: number, most: number): number[] {
    const { policy } = this.#context;
    const length = Math.min(most, tokens.length - from);
    const planned = Array.from({ length }, (_, i) => tokens[from + i] as number);
    const { compress } = this.#settings;
    const chunk = compress ? untilDue(this.#context, compress, planned) : planned;
    if (policy.ceiling >= chunk.length) return chunk;
    const rows = this.#context.plan(chunk);
    const end = rows.findIndex((q, i) => rows.slice(0, i).some((k) => policy.sees(q, k) === Seen.ceiling));
    return end < 0 ? chunk : chunk.slice(0, end);
  }

  /** Places the blocks of earlier text that the tokens from `from` on attend to most, in front of them. */
  async #lookBack(tokens: ArrayLike<number>, from: number): Promise<void> {
    const { middle } = this.policy;
    if (!middle?.blocks || this.#context.middle.count === 0) return;
    const { config, encode, runtime } = this.#settings;
    const asking = Array.from({ length: tokens.length - from }, (_, i) => tokens[from + i] as number);
    const { eachQuery } = await encode({ tokens: asking, keep: [], eachQuery: true }, { rope: this.#context.rope });
    if (!eachQuery) return;
    const slots = await bestBlocks(
      { runtime, config, context: this.#context },
      { rows: eachQuery, count: asking.length },
      middle.blocks,
    );
    this.#context.placeAgain(slots, LOOK_BACK);
  }

  async #compress(): Promise<void> {
    const { compress, encode } = this.#settings;
    if (compress) await compressOldest(this.#context, compress, encode);
  }
}

function cancelled(read: number, total: number): DecoderError {
  return new DecoderError('cancelled', `cancelled after ${read} of ${total} tokens`);
}
