/**
 * Composes the context of a question, in this order: sinks, coarse rows of the workspace, fine rows of likely files,
 * dense rows of the likeliest segments, full rows of the best segments, the question.
 */
import type {
  ComposedRows,
  ComposeParams,
  ComposeReading,
  ComposeResult,
  DenseSegment,
  OnDemandRows,
} from '../protocol';
import { memories, negativeLogLikelihood, type DecoderContext, type KvRows, type LiveCompression } from '../engine';
import { denseRowCount, joinBytes, storedRowBytes, unpackRows } from '../memory';
import { AppError } from '../base';
import { writeGreedily } from './greedy';
import type { MemoryCoder } from './memory-coder';
import { OnDemandEncodings, type Rows } from './on-demand-encodings';
import { compressedRows, memoryPositions } from './row-positions';

/** Bytes of full and dense rows that are cached for the next questions. */
const FULL_BYTES = 128 * 1024 * 1024;
const DENSE_BYTES = 32 * 1024 * 1024;
/** Least share of the positions for compressed rows, however much is read in full. */
const MEMORY_POSITIONS = 0.25;
/** A question longer than this share of the positions is compressed while it is read. */
const LONGEST_READ = 0.5;

interface FullRows extends Rows {
  runs: readonly KvRows[];
}

/** Dense rows in the store's form (memory/rows.ts). */
interface DenseRows extends Rows {
  bytes: Uint8Array;
}

export interface ComposeOptions {
  signal?: AbortSignal | undefined;
  /** Called when everything is read and before text is written. */
  onRead?: ((reading: ComposeReading) => void) | undefined;
  onText?: ((text: string) => void) | undefined;
}

export class MemoryComposer {
  private readonly full: OnDemandEncodings<FullRows>;
  private readonly dense: OnDemandEncodings<DenseRows>;
  private coarse: { id: string; rows: Uint8Array } | undefined;

  constructor(private readonly coder: MemoryCoder) {
    const { dense } = coder.config;
    this.full = new OnDemandEncodings(
      FULL_BYTES,
      (tokens) => tokens,
      (segments, signal) => this.read(segments, signal),
    );
    this.dense = new OnDemandEncodings(
      DENSE_BYTES,
      (tokens) => (dense ? denseRowCount(tokens, dense) : 0),
      (segments, signal) => this.encode(segments, signal),
    );
  }

  /**
   * Composes one context and writes text after it. Every position lies within the trained window. Full text and the
   * question keep their true distances at the end. Compressed rows follow the sinks one after another, as in training;
   * they share positions in order when there are more rows than positions left.
   *
   * @throws AppError('contextFull') when not even the compressed question has room
   */
  async compose(params: ComposeParams, { signal, onRead, onText }: ComposeOptions = {}): Promise<ComposeResult> {
    const started = performance.now();
    const { decoder, tokenizer, config, rope } = this.coder;
    const windowTokens = decoder.config.maxPositions;
    const width = storedRowBytes(decoder.config);
    const sinkRows = config.sinkTokens.length;
    const before = this.counts();
    if (params.coarse.rows) this.coarse = { id: params.coarse.id, rows: params.coarse.rows };
    if (this.coarse?.id !== params.coarse.id) return { ...NOTHING, bytesPerRow: decoder.rowBytes };
    const question = this.question(params);
    const followed = params.follow === undefined ? [] : this.coder.tokens(params.follow);
    const answer = Math.max(params.maxNewTokens, followed.length);
    const compress = this.compression(question.length + answer, windowTokens);
    const live = compress ? compressedRows(question.length + answer, compress) : question.length + answer;
    const storedRows = (this.coarse.rows.byteLength + params.fine.rows.byteLength) / width;
    const readingFrom = performance.now();
    const dense = await this.dense.open(
      (params.dense ?? []).map((each) => ({
        key: each.key,
        tokens: () => ('ids' in each ? [...each.ids] : this.coder.tokens(each.text)),
      })),
      Math.min(windowTokens, params.capacityRows - storedRows) - sinkRows - live,
      signal,
    );
    const memoryBytes = joinBytes([
      this.coarse.rows,
      params.fine.rows,
      ...dense.segments.map(({ rows }) => rows.bytes),
    ]);
    const memoryRows = memoryBytes.byteLength / width;
    const leastPositions = Math.min(memoryRows, Math.floor(windowTokens * MEMORY_POSITIONS));
    const room = Math.min(windowTokens - leastPositions, params.capacityRows - memoryRows) - sinkRows - live;
    if (room < 0)
      throw new AppError(
        'contextFull',
        `The question has ${question.length} tokens and the answer needs ${answer}. With the compressed rows ` +
          `they do not fit in ${Math.min(windowTokens, params.capacityRows)} rows.`,
        'Ask a shorter question.',
      );

    const full = await this.full.open(
      params.full.map(({ key, text }) => ({ key, tokens: () => this.coder.tokens(text) })),
      room,
      signal,
    );
    const readFull = performance.now() - readingFrom;
    const fullRows = full.segments.reduce((sum, { rows }) => sum + rows.rows, 0);

    const context = decoder.newContext(memories({ sinks: sinkRows }), params.capacityRows, {
      rope,
      ...(compress ? { compress } : {}),
    });
    if (sinkRows > 0) await context.prefill(config.sinkTokens, { logits: 'none', signal });
    context.reserve(memoryRows + fullRows + live);
    const positions = memoryPositions(
      storedRows,
      memoryRows - storedRows,
      sinkRows,
      windowTokens - sinkRows - fullRows - live,
    );
    const tokens =
      params.coarse.tokens + params.fine.tokens + dense.segments.reduce((sum, { rows }) => sum + rows.tokens, 0);
    if (memoryRows > 0) context.splice(unpackRows(memoryBytes, decoder.config, positions, tokens), 0, 'store');
    for (const { rows, key } of full.segments) for (const run of rows.runs) context.splice(run, context.position, key);
    const splice = performance.now() - started - readFull;

    const readFrom = performance.now();
    const result = await context.prefill([...question, ...followed], {
      logits: followed.length > 0 ? 'all' : 'last',
      signal,
    });
    const readEnd = performance.now();
    const after = this.counts();
    const rows: ComposedRows = {
      sinks: sinkRows,
      coarse: this.coarse.rows.byteLength / width,
      fine: params.fine.rows.byteLength / width,
      dense: dense.reports.map((report, i) => this.withLines(report, params.dense?.[i])),
      full: full.reports,
      ...questionRows(context, question.length + followed.length),
      answer: 0,
    };
    const timing = { splice, read: readFull + (readEnd - readFrom), decode: 0, firstToken: readEnd - started };
    const cache = {
      hits: after.hits - before.hits,
      misses: after.misses - before.misses,
      evictions: after.evictions - before.evictions,
    };
    const reading: ComposeReading = {
      held: true,
      rows,
      bytesPerRow: decoder.rowBytes,
      positions: context.position,
      timing,
      cache,
    };
    onRead?.(reading);
    if (followed.length > 0) {
      return {
        ...reading,
        text: '',
        confidence: 0,
        follow: {
          tokens: followed.length,
          nll: likelihood(result.logits, decoder.config.vocabSize, question.length, followed),
        },
      };
    }
    const written = await writeGreedily(decoder, tokenizer, context, result.logits, {
      maxNewTokens: params.maxNewTokens,
      signal,
      onText,
    });
    return {
      ...reading,
      text: written.text,
      confidence: written.confidence,
      positions: context.position,
      rows: { ...rows, answer: written.tokens },
      timing: { ...timing, decode: performance.now() - readEnd },
    };
  }

  private withLines(report: OnDemandRows, asked: DenseSegment | undefined): OnDemandRows {
    return asked && 'ids' in asked && asked.before
      ? { ...report, lines: this.coder.lines(asked.before, asked.ids) }
      : report;
  }

  /** Tokens of the question: plain, or as a user's turn before the answer. */
  private question({ question, turn }: ComposeParams): number[] {
    const tokens = this.coder.tokens(question);
    const { chat } = this.coder.config;
    return turn && chat ? [chat.user, ...tokens, chat.end, chat.assistant] : tokens;
  }

  /**
   * Compression for a long question (a pasted log, a file): memory tokens replace its oldest rows while it is read.
   * Undefined for shorter ones.
   */
  private compression(tokens: number, windowTokens: number): LiveCompression | undefined {
    if (tokens <= windowTokens * LONGEST_READ) return undefined;
    const { segmentTokens, fineTokens } = this.coder.config.ratios;
    const segment = Math.min(segmentTokens, Math.floor(windowTokens / 8));
    return { segmentTokens: segment, keepTokens: segment, slotTokens: fineTokens };
  }

  /** Rows of whole segments, read run by run. */
  private async read(segments: readonly (readonly number[])[], signal?: AbortSignal): Promise<FullRows[]> {
    const { coder } = this;
    const cut = segments.map((tokens) => coder.runs(tokens));
    const encoded = await coder.decoder.encodeSegments(
      cut.flat().map((tokens) => ({ tokens, keep: tokens.map((_, i) => i) })),
      coder.encodeOptions(signal),
    );
    let at = 0;
    return cut.map((own) => {
      const runs = encoded.slice(at, (at += own.length)).map(({ rows }) => rows);
      const rows = runs.reduce((sum, run) => sum + run.rows, 0);
      return { runs, rows, tokens: rows, byteLength: runs.reduce((sum, run) => sum + run.byteLength, 0) };
    });
  }

  /** Dense rows of whole segments. */
  private async encode(segments: readonly (readonly number[])[], signal?: AbortSignal): Promise<DenseRows[]> {
    const width = storedRowBytes(this.coder.decoder.config);
    const made = await this.coder.encodeDense(segments, signal);
    return made.map((bytes, i) => ({
      bytes,
      rows: bytes.byteLength / width,
      byteLength: bytes.byteLength,
      tokens: segments[i]?.length ?? 0,
    }));
  }

  private counts(): { hits: number; misses: number; evictions: number } {
    const [full, dense] = [this.full.counts, this.dense.counts];
    return {
      hits: full.hits + dense.hits,
      misses: full.misses + dense.misses,
      evictions: full.evictions + dense.evictions,
    };
  }
}

/** The result while the coarse rows are missing: the caller sends them again. */
const NOTHING: Omit<ComposeResult, 'bytesPerRow'> = {
  held: false,
  rows: {
    sinks: 0,
    coarse: 0,
    fine: 0,
    dense: [],
    full: [],
    question: 0,
    compressed: { rows: 0, tokens: 0 },
    answer: 0,
  },
  positions: 0,
  text: '',
  confidence: 0,
  timing: { splice: 0, read: 0, decode: 0, firstToken: 0 },
  cache: { hits: 0, misses: 0, evictions: 0 },
};

/** Uncompressed and compressed rows of the question. */
function questionRows(context: DecoderContext, tokens: number): Pick<ComposedRows, 'question' | 'compressed'> {
  const compressed = { rows: 0, tokens: 0 };
  for (const group of context.ledger().groups) {
    if (group.origin !== 'live') continue;
    compressed.rows += group.rows;
    compressed.tokens += group.tokens;
  }
  return { question: tokens - compressed.tokens, compressed };
}

/** Sum of −ln p (nats) of the tokens that follow the question, each predicted from its predecessors. */
function likelihood(logits: Float32Array, vocabSize: number, question: number, followed: readonly number[]): number {
  return followed.reduce((sum, token, i) => {
    const row = question + i - 1;
    return row < 0 ? sum : sum + negativeLogLikelihood(logits.subarray(row * vocabSize, (row + 1) * vocabSize), token);
  }, 0);
}
