/**
 * Prompts that quote texts, read by a model that was not trained for it: each quoted text is encoded once, alone behind the prompt's first rows, and
 * its rows are spliced in with their keys moved to their places; what stands between is read in place. A text that is quoted again is not read again.
 *
 * What that costs against reading the whole prompt afresh is measured in `npm run bench -- memory composition`: with two public checkpoints 0 to .3% of
 * perplexity, and reading the beginning of each text in place, as CacheBlend and EPIC do, gained nothing that could be told from chance.
 */
import { memories, type Decoder, type DecoderContext, type KvRows } from '../engine';
import type { Tokenizer } from '../engine/checkpoint/tokenizer';
import type { QuoteReading } from '../assistant/writer';
import { ByteCache } from '../library/memories/memories';

/** Rows at the beginning of the prompt that every quoted text is encoded behind: attention rests on them. */
const SINKS = 4;
/** Bytes of rows kept for the next question. */
const CACHE_BYTES = 512e6;
/** Shorter quotes are read in place: a run of their own would cost more. */
const LEAST_TOKENS = 24;

export interface QuotedPrompt {
  /** Holds all of the prompt but its tail. */
  context: DecoderContext;
  tail: number[];
  promptTokens: number;
  reading: QuoteReading;
}

interface Piece {
  tokens: number[];
  /** Place in the list of quotes. */
  quote?: number;
  text: string;
}

interface Spliced {
  rows: KvRows;
  origin: 'memory' | 'computed';
}

export class QuotedPrompts {
  private readonly rows = new ByteCache<KvRows>(CACHE_BYTES);
  private prefix: { tokens: string; rows: KvRows } | undefined;

  constructor(private readonly decoder: Decoder, private readonly tokenizer: Tokenizer) {}

  /**
   * @param quotes as they stand in the prompt, in order; one that is not found there is read as part of what stands around it
   * @returns undefined where nothing can be spliced: no quote, a model with a sliding window, or no room for the pieces' own tokens
   */
  async read(prompt: string, quotes: readonly string[], options: { specialTokens: boolean; maxNewTokens: number; mostRows: number; signal?: AbortSignal | undefined }): Promise<QuotedPrompt | undefined> {
    const { signal, maxNewTokens } = options;
    const { decoder } = this;
    if (quotes.length === 0 || decoder.config.slidingWindow !== undefined) return undefined;
    const pieces = this.cut(prompt, quotes, options.specialTokens);
    const promptTokens = pieces.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const head = pieces[0]?.tokens ?? [];
    const quoted = pieces.filter(({ quote }) => quote !== undefined);
    if (quoted.length === 0 || head.length < SINKS || promptTokens + maxNewTokens > options.mostRows) return undefined;
    const started = performance.now();
    const { hits, misses, evictions } = this.rows;
    const found = await this.rowsOf(quoted, head.slice(0, SINKS), signal);
    const context = decoder.newContext(memories({ sinks: SINKS }), promptTokens + maxNewTokens);
    const tail = (pieces.at(-1) as Piece).tokens;
    const origins: ('read' | 'computed' | 'memory')[] = quotes.map(() => 'read');
    let splice = 0;
    for (const piece of pieces.slice(0, -1)) {
      const rows = found.get(piece);
      if (!rows) {
        await context.prefill(piece.tokens, { logits: 'none', signal });
        continue;
      }
      const from = performance.now();
      context.splice(rows.rows, context.position, 'quote');
      splice += performance.now() - from;
      if (piece.quote !== undefined) origins[piece.quote] = rows.origin;
    }
    const cache = { hits: this.rows.hits - hits, misses: this.rows.misses - misses, evictions: this.rows.evictions - evictions };
    return { context, tail, promptTokens, reading: { origins, cache, splice, read: performance.now() - started - splice } };
  }

  /** The prompt in pieces: what stands before a quote, the quote, what stands behind it … the last piece is never a quote. */
  private cut(prompt: string, quotes: readonly string[], specialTokens: boolean): Piece[] {
    const pieces: Piece[] = [];
    const add = (text: string, quote?: number): void => {
      const tokens = this.tokenizer.encode(text, { addSpecialTokens: specialTokens && pieces.length === 0 });
      pieces.push({ tokens, text, ...(quote === undefined ? {} : { quote }) });
    };
    let at = 0;
    quotes.forEach((text, i) => {
      const start = text === '' ? -1 : prompt.indexOf(text, at);
      // Something must be left to be read behind the last quote.
      if (start < at || start + text.length >= prompt.length || this.tokenizer.encode(text, { addSpecialTokens: false }).length < LEAST_TOKENS) return;
      if (start > at || pieces.length === 0) add(prompt.slice(at, start));
      add(text, i);
      at = start + text.length;
    });
    add(prompt.slice(at));
    return pieces;
  }

  /** Rows of each quoted piece: those kept, and those of texts that are encoded now, side by side. */
  private async rowsOf(pieces: readonly Piece[], sinks: readonly number[], signal?: AbortSignal): Promise<Map<Piece, Spliced>> {
    const found = new Map<Piece, Spliced>();
    const missing: Piece[] = [];
    for (const piece of pieces) {
      const rows = this.rows.get(`${sinks.join()}:${piece.text}`);
      if (rows) found.set(piece, { rows, origin: 'memory' });
      else missing.push(piece);
    }
    if (missing.length === 0) return found;
    const prefix = await this.prefixOf(sinks);
    const made = await this.decoder.encodeSegments(missing.map(({ tokens }) => ({ tokens, keep: tokens.map((_, i) => i) })), { prefix, ...(signal ? { signal } : {}) });
    missing.forEach((piece, i) => {
      const { rows } = made[i] as (typeof made)[number];
      found.set(piece, { rows: this.rows.set(`${sinks.join()}:${piece.text}`, rows), origin: 'computed' });
    });
    return found;
  }

  private async prefixOf(sinks: readonly number[]): Promise<KvRows> {
    const tokens = sinks.join();
    if (this.prefix?.tokens === tokens) return this.prefix.rows;
    const [made] = await this.decoder.encodeSegments([{ tokens: [...sinks], keep: sinks.map((_, i) => i) }]);
    this.prefix = { tokens, rows: (made as NonNullable<typeof made>).rows };
    return this.prefix.rows;
  }
}
