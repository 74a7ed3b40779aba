/** The memory side of a checkpoint in the engine's process: texts in, memories and vectors out; and contexts composed of memories. */
import { memories, type Decoder, type EncodedSegment, type KvRows, type SegmentInput } from '../engine';
import { SafetensorsFile } from '../engine/checkpoint/safetensors';
import type { Tokenizer } from '../engine/checkpoint/tokenizer';
import { encodeHalf } from '../engine/cache/float16';
import { negativeLogLikelihood } from '../engine/generate/perplexity';
import { ropeFrequencies } from '../engine/rope';
import type { SegmentMemory } from '../library/memories/encoding';
import { ByteCache } from '../library/memories/memories';
import { coarsePlaces, joinBytes, packRows, runLengths, storedRowBytes, unpackRows } from '../library/memories/rows';
import type { MemoryConfig } from './memory-config';
import type { ComposedRows, ComposeParams, ComposeResult, FullSegment, MemoryDescription } from './memory-protocol';
import { WorkerError } from './errors';

/** Bytes of full rows kept for the next question. */
const FULL_ROWS_BYTES = 128 * 1024 * 1024;
/** Memories have at least this share of the positions, however much is read in full. */
const MEMORY_POSITIONS = 0.25;
/** Rows of one run of the encoder: longer runs are no faster, and an answer would wait for their end. */
const BATCH_ROWS = 2048;

interface FullRows {
  runs: readonly KvRows[];
  byteLength: number;
}

export class MemoryModel {
  readonly description: MemoryDescription;
  private readonly full = new ByteCache<FullRows>(FULL_ROWS_BYTES);
  private coarse: { id: string; rows: Uint8Array } | undefined;
  private readonly rope;

  private constructor(
    private readonly decoder: Decoder,
    private readonly tokenizer: Tokenizer,
    private readonly config: MemoryConfig,
    private readonly sinks: KvRows | undefined,
    /** [vectorWidth, hidden]; without it a text's mean hidden state is its vector. */
    private readonly head: Float32Array | undefined,
    fingerprint: string,
  ) {
    const { config: model } = decoder;
    this.rope = ropeFrequencies(model.rope, model.maxPositions);
    this.description = {
      fingerprint: `${fingerprint}:${config.digest}`,
      ratios: config.ratios,
      storedRowBytes: storedRowBytes(model),
      vectorWidth: head ? head.length / model.hiddenSize : model.hiddenSize,
      sinkRows: config.sinkTokens.length,
      windowTokens: model.maxPositions,
    };
  }

  /** @throws CheckpointError, DecoderError */
  static async open(decoder: Decoder, tokenizer: Tokenizer, config: MemoryConfig, fingerprint: string): Promise<MemoryModel> {
    const { hiddenSize, rope, maxPositions } = decoder.config;
    let head: Float32Array | undefined;
    if (config.headsFile && config.vectorWidth !== undefined) {
      const heads = await SafetensorsFile.open(config.headsFile);
      head = await heads.readFloat32('vector.weight').finally(() => heads.close());
      if (head.length !== config.vectorWidth * hiddenSize) throw new WorkerError('modelFailed', `${config.headsFile}: vector.weight has ${head.length} elements, not ${config.vectorWidth} × ${hiddenSize}.`);
    }
    const { sinkTokens } = config;
    const [sinks] = sinkTokens.length === 0 ? [] : await decoder.encodeSegments([{ tokens: sinkTokens, keep: sinkTokens.map((_, i) => i) }], { rope: ropeFrequencies(rope, maxPositions) });
    return new MemoryModel(decoder, tokenizer, config, sinks?.rows, head, fingerprint);
  }

  countTokens(texts: readonly string[]): number[] {
    return texts.map((text) => this.tokens(text).length);
  }

  /** Memories and vector of each text; texts longer than the model's segments are encoded in runs, each alone behind the sinks. */
  async encode(texts: readonly string[], signal?: AbortSignal): Promise<SegmentMemory[]> {
    const { ratios } = this.config;
    const cut = texts.map((text) => this.runs(this.tokens(text)));
    const inputs = cut.flat().map((tokens): SegmentInput => ({ tokens, keep: [], hidden: tokens.map((_, i) => i), slotTokens: ratios.fineTokens }));
    const encoded = await this.decoder.encodeSegments(inputs, this.encodeOptions(signal));
    let at = 0;
    return cut.map((runs) => {
      const own = encoded.slice(at, (at += runs.length));
      const coarse: Uint8Array[] = [];
      const rest: Uint8Array[] = [];
      own.forEach(({ memories: rows }, i) => {
        if (!rows) throw new WorkerError('modelFailed', 'The model made no memories.');
        const places = coarsePlaces((runs[i] as number[]).length, ratios);
        coarse.push(packRows(rows, places));
        rest.push(packRows(rows, Array.from({ length: rows.rows }, (_, row) => row).filter((row) => !places.includes(row))));
      });
      const vector = new Uint8Array(encodeHalf(this.vector(own.map(({ hidden }) => hidden))).buffer);
      const bytesPerRow = this.description.storedRowBytes;
      const joined = { coarse: joinBytes(coarse), rest: joinBytes(rest) };
      const tokens = runs.reduce((sum, run) => sum + run.length, 0);
      return { tokens, vector, ...joined, bytesPerRow, coarseRows: joined.coarse.byteLength / bytesPerRow, restRows: joined.rest.byteLength / bytesPerRow };
    });
  }

  /** Vectors that segments are found by: a question is <|query|> and its words (recipe, tasks_model.py). */
  async vectors(questions: readonly string[]): Promise<{ vector: Float32Array; tokens: number }[]> {
    const { queryToken, ratios } = this.config;
    const asked = questions.map((question) => {
      const tokens = [...(queryToken === undefined ? [] : [queryToken]), ...this.tokens(question)];
      return this.runs(tokens.length > 0 ? tokens : [0], ratios.segmentTokens);
    });
    const encoded = await this.decoder.encodeSegments(asked.flat().map((tokens) => ({ tokens, keep: [], hidden: tokens.map((_, i) => i) })), this.encodeOptions());
    let at = 0;
    return asked.map((runs) => ({
      vector: this.vector(encoded.slice(at, (at += runs.length)).map(({ hidden }) => hidden)),
      tokens: runs.reduce((sum, run) => sum + run.length, 0),
    }));
  }

  /**
   * One context: sinks, coarse rows of the workspace, fine rows of likely files, full rows of the best segments, the question. Every
   * position lies within the trained window: what is read keeps its true distances and stands at the end; memories stand one after
   * the other behind the sinks, as they were trained, and share positions in order when there are more rows than positions left.
   */
  async compose(params: ComposeParams, signal?: AbortSignal): Promise<ComposeResult> {
    const started = performance.now();
    const { windowTokens, storedRowBytes: width, sinkRows } = this.description;
    const before = { hits: this.full.hits, misses: this.full.misses, evictions: this.full.evictions };
    if (params.coarse.rows) this.coarse = { id: params.coarse.id, rows: params.coarse.rows };
    if (this.coarse?.id !== params.coarse.id) return { ...NOTHING, bytesPerRow: this.decoder.rowBytes };
    const question = this.tokens(params.question);
    const followed = params.follow === undefined ? [] : this.tokens(params.follow);
    const read = { question: question.length, answer: Math.max(params.maxNewTokens, followed.length) };
    const memoryBytes = joinBytes([this.coarse.rows, params.fine.rows]);
    const memoryRows = memoryBytes.byteLength / width;
    const leastPositions = Math.min(memoryRows, Math.floor(windowTokens * MEMORY_POSITIONS));
    let room = Math.min(windowTokens - leastPositions, params.capacityRows - memoryRows) - sinkRows - read.question - read.answer;
    if (room < 0) throw new WorkerError('contextFull', `The question has ${read.question} tokens and ${read.answer} are kept for the answer; with the memories there is no room for them in ${Math.min(windowTokens, params.capacityRows)} rows.`, 'Ask a shorter question.');

    const readingFrom = performance.now();
    const { segments, left } = await this.fullRows(params.full, room, signal);
    const readFull = performance.now() - readingFrom;
    const fullRows = segments.reduce((sum, { rows }) => sum + rows.reduce((all, run) => all + run.rows, 0), 0);
    room = windowTokens - sinkRows - fullRows - read.question - read.answer;

    const context = this.decoder.newContext(memories({ sinks: sinkRows }), params.capacityRows, { rope: this.rope });
    if (sinkRows > 0) await context.prefill(this.config.sinkTokens, { logits: 'none', signal });
    const positions = sharedPositions(memoryRows, sinkRows, room);
    if (memoryRows > 0) context.splice(unpackRows(memoryBytes, this.decoder.config, positions, params.coarse.tokens + params.fine.tokens), 0, 'store');
    for (const { rows, key } of segments) for (const run of rows) context.splice(run, context.position, key);
    const spliced = performance.now();
    const splice = spliced - started - readFull;

    const prompt = [...question, ...followed];
    const result = await context.prefill(prompt, { logits: followed.length > 0 ? 'all' : 'last', signal });
    const readEnd = performance.now();
    const written: number[] = [];
    let logits = result.logits.subarray((result.rows - 1) * this.decoder.config.vocabSize);
    while (written.length < params.maxNewTokens && followed.length === 0 && !signal?.aborted) {
      const token = highest(logits);
      if (this.decoder.config.eosTokenIds.includes(token)) break;
      written.push(token);
      if (written.length < params.maxNewTokens) logits = (await context.decode(token)).slice();
    }
    const ended = performance.now();
    const rows: ComposedRows = {
      sinks: sinkRows, coarse: this.coarse.rows.byteLength / width, fine: params.fine.rows.byteLength / width,
      full: params.full.map(({ key }) => {
        const own = segments.find((each) => each.key === key);
        return { key, rows: own ? own.rows.reduce((sum, run) => sum + run.rows, 0) : 0, origin: own ? own.origin : left.has(key) ? 'left' : 'computed' };
      }),
      question: question.length, answer: written.length,
    };
    const { hits, misses, evictions } = this.full;
    return {
      held: true, rows, bytesPerRow: this.decoder.rowBytes, positions: context.position, text: this.tokenizer.decode(written),
      timing: { splice, read: readFull + (readEnd - spliced), decode: ended - readEnd, firstToken: readEnd - started },
      cache: { hits: hits - before.hits, misses: misses - before.misses, evictions: evictions - before.evictions },
      ...(followed.length > 0 ? { follow: { tokens: followed.length, nll: likelihood(result.logits, this.decoder.config.vocabSize, question.length, followed) } } : {}),
    };
  }

  /** Rows of whole segments: from the cache, or read now. The best are last; what does not fit is left out, the least important first. */
  private async fullRows(wanted: readonly FullSegment[], room: number, signal?: AbortSignal): Promise<{ segments: { key: string; rows: readonly KvRows[]; origin: 'computed' | 'memory' }[]; left: Set<string> }> {
    const left = new Set<string>();
    const chosen: { key: string; rows?: readonly KvRows[]; runs: number[][] }[] = [];
    for (const { key, text } of [...wanted].reverse()) {
      const cached = this.full.get(key);
      const runs = cached ? [] : this.runs(this.tokens(text));
      const size = cached ? cached.runs.reduce((sum, run) => sum + run.rows, 0) : runs.reduce((sum, run) => sum + run.length, 0);
      if (size > room) {
        left.add(key);
        continue;
      }
      room -= size;
      chosen.unshift({ key, runs, ...(cached ? { rows: cached.runs } : {}) });
    }
    const missing = chosen.filter(({ rows }) => !rows).flatMap(({ runs }) => runs);
    const encoded = missing.length === 0 ? [] : await this.decoder.encodeSegments(missing.map((tokens) => ({ tokens, keep: tokens.map((_, i) => i) })), this.encodeOptions(signal));
    let at = 0;
    const segments = chosen.map(({ key, rows, runs }) => {
      if (rows) return { key, rows, origin: 'memory' as const };
      const made = encoded.slice(at, (at += runs.length)).map((each: EncodedSegment) => each.rows);
      this.full.set(key, { runs: made, byteLength: made.reduce((sum, run) => sum + run.byteLength, 0) });
      return { key, rows: made, origin: 'computed' as const };
    });
    return { segments, left };
  }

  private encodeOptions(signal?: AbortSignal): Parameters<Decoder['encodeSegments']>[1] {
    return { rope: this.rope, batchRows: BATCH_ROWS, ...(this.sinks ? { prefix: this.sinks } : {}), ...(signal ? { signal } : {}) };
  }

  private tokens(text: string): number[] {
    return this.tokenizer.encode(text, { addSpecialTokens: false });
  }

  private runs(tokens: readonly number[], most = this.config.ratios.segmentTokens): number[][] {
    let at = 0;
    return runLengths(tokens.length, most).map((length) => tokens.slice(at, (at += length)));
  }

  /** Mean of the last hidden states of all rows, through the head, of length 1. */
  private vector(hidden: readonly Float32Array[]): Float32Array {
    const { hiddenSize } = this.decoder.config;
    const mean = new Float32Array(hiddenSize);
    let rows = 0;
    for (const part of hidden) {
      for (let i = 0; i < part.length; i++) mean[i % hiddenSize] = (mean[i % hiddenSize] as number) + (part[i] as number);
      rows += part.length / hiddenSize;
    }
    const { head } = this;
    const out = head ? new Float32Array(head.length / hiddenSize) : mean;
    if (head) for (let i = 0; i < head.length; i++) out[Math.floor(i / hiddenSize)] = (out[Math.floor(i / hiddenSize)] as number) + ((head[i] as number) * (mean[i % hiddenSize] as number)) / rows;
    let length = 0;
    for (const value of out) length += value * value;
    length = Math.sqrt(length) || 1;
    return out.map((value) => value / length);
  }
}

const NOTHING: Omit<ComposeResult, 'bytesPerRow'> = {
  held: false, rows: { sinks: 0, coarse: 0, fine: 0, full: [], question: 0, answer: 0 }, positions: 0, text: '',
  timing: { splice: 0, read: 0, decode: 0, firstToken: 0 }, cache: { hits: 0, misses: 0, evictions: 0 },
};

/** Positions of `count` rows from `from` on: one each while there is room, else shared in order. */
export function sharedPositions(count: number, from: number, room: number): Int32Array {
  const each = Math.max(1, room);
  return Int32Array.from({ length: count }, (_, i) => from + (count <= each ? i : Math.floor((i * each) / count)));
}

function highest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[best] as number)) best = i;
  return best;
}

/** Sum of −ln p of each following token (nats), each predicted from what stands before it. */
function likelihood(logits: Float32Array, vocabSize: number, question: number, followed: readonly number[]): number {
  return followed.reduce((sum, token, i) => {
    const row = question + i - 1;
    return row < 0 ? sum : sum + negativeLogLikelihood(logits.subarray(row * vocabSize, (row + 1) * vocabSize), token);
  }, 0);
}
