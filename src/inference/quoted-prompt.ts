/**
 * Prompts that quote texts, read by a model that was not trained for it: each quoted text is encoded once, alone behind
 * the prompt's first rows, and its rows are spliced in with their keys moved to their places; what stands between is
 * read in place. A text that is quoted again is not read again.
 *
 * Texts for which there is no room as quotes stand behind the prompt's first piece as anchors: a row in eight, close
 * together.
 *
 * What that costs against reading the whole prompt afresh is measured in `npm run bench -- memory composition`: with
 * two public checkpoints and the bundled one 0 to .3% of perplexity, and reading the beginning of each text in place,
 * as CacheBlend and EPIC do, gained nothing that could be told from chance. Anchors hold a third of what the texts' own
 * rows do (perplexity 1.26, 1.17 and 1.53 times that of reading them; 1.44, 1.29 and 1.80 without); rows at the ends of
 * lines, of which there were more, held no more than a row in eight.
 */
import type { QuoteReading } from '../protocol';
import { ByteCache } from '../base';
import { KvRows, memories, type Decoder, type DecoderContext, type Tokenizer } from '../engine';

/** Rows at the beginning of the prompt that every quoted text is encoded behind: attention rests on them. */
const SINKS = 4;
/** Bytes of rows kept for the next question. */
const CACHE_BYTES = 512e6;
/** Shorter quotes are read in place: a run of their own would cost more. */
const LEAST_TOKENS = 24;
/** Tokens that a row stands for in a text held as anchors. */
export const ANCHOR_TOKENS = 8;

export interface QuotedPrompt {
  /** Holds all of the prompt but its tail. */
  context: DecoderContext;
  tail: number[];
  /** Rows of it, anchors included, and those left for an answer. */
  promptTokens: number;
  answerTokens: number;
  reading: QuoteReading;
}

interface Piece {
  tokens: number[];
  /** Place in the list of quotes, or of anchored texts. */
  quote?: number;
  anchor?: number;
  text: string;
}

interface Spliced {
  rows: KvRows;
  origin: 'memory' | 'computed';
}

export interface QuotedOptions {
  /** Texts to be held as anchors, the most important first; those that find no room are left out. */
  anchors?: readonly string[] | undefined;
  specialTokens: boolean;
  maxNewTokens: number;
  mostRows: number;
  signal?: AbortSignal | undefined;
}

export class QuotedPrompts {
  private readonly rows = new ByteCache<string, KvRows>(CACHE_BYTES, ({ byteLength }, key) => byteLength + key.length);
  private prefix: { tokens: string; rows: KvRows } | undefined;

  constructor(
    private readonly decoder: Decoder,
    private readonly tokenizer: Tokenizer,
  ) {}

  /**
   * @param quotes as they stand in the prompt, in order; one that is not found there is read as part of what stands
   *   around it
   * @returns undefined where nothing can be spliced: no quote, a model with a sliding window, or no room for an answer
   *   behind the pieces' own tokens
   */
  async read(
    prompt: string,
    quotes: readonly string[],
    { anchors = [], signal, ...options }: QuotedOptions,
  ): Promise<QuotedPrompt | undefined> {
    const { decoder } = this;
    if (quotes.length === 0 || decoder.config.slidingWindow !== undefined) return undefined;
    const pieces = this.cut(prompt, quotes, options.specialTokens);
    const promptTokens = pieces.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const head = pieces[0]?.tokens ?? [];
    const quoted = pieces.filter(({ quote }) => quote !== undefined);
    // Pieces have a few tokens more than the whole that was counted: the answer may be so much shorter.
    const answerTokens = Math.min(options.maxNewTokens, options.mostRows - promptTokens);
    if (quoted.length === 0 || head.length < SINKS || 2 * answerTokens < options.maxNewTokens) return undefined;
    const started = performance.now();
    const { hits, misses, evictions } = this.rows;
    const held = this.anchored(anchors, options.mostRows - promptTokens - answerTokens);
    const found = await this.rowsOf([...quoted, ...held], head.slice(0, SINKS), signal);
    const anchorRows = held.reduce((sum, { tokens }) => sum + rowsFor(tokens.length), 0);
    const context = decoder.newContext(memories({ sinks: SINKS }), promptTokens + anchorRows + answerTokens);
    const origins: ('read' | 'computed' | 'memory')[] = quotes.map(() => 'read');
    const anchorOrigins: QuoteReading['anchors'][number][] = anchors.map(() => ({
      rows: 0,
      tokens: 0,
      origin: 'computed',
    }));
    let splice = 0;
    const put = (piece: Piece): Spliced['origin'] | undefined => {
      const rows = found.get(piece);
      if (!rows) return undefined;
      const from = performance.now();
      context.splice(rows.rows, context.position, piece.anchor === undefined ? 'quote' : 'anchors');
      splice += performance.now() - from;
      return rows.origin;
    };
    for (const [i, piece] of pieces.slice(0, -1).entries()) {
      const origin = piece.quote === undefined ? undefined : put(piece);
      if (origin === undefined) await context.prefill(piece.tokens, { logits: 'none', signal });
      else origins[piece.quote as number] = origin;
      if (i > 0) continue;
      for (const text of held)
        anchorOrigins[text.anchor as number] = {
          rows: rowsFor(text.tokens.length),
          tokens: text.tokens.length,
          origin: put(text) ?? 'computed',
        };
    }
    const cache = {
      hits: this.rows.hits - hits,
      misses: this.rows.misses - misses,
      evictions: this.rows.evictions - evictions,
    };
    const reading: QuoteReading = {
      origins,
      anchors: anchorOrigins,
      cache,
      splice,
      read: performance.now() - started - splice,
    };
    return {
      context,
      tail: (pieces.at(-1) as Piece).tokens,
      promptTokens: promptTokens + anchorRows,
      answerTokens,
      reading,
    };
  }

  private anchored(texts: readonly string[], room: number): Piece[] {
    return texts.flatMap((text, anchor): Piece[] => {
      const tokens = this.tokenizer.encode(text, { addSpecialTokens: false });
      const rows = rowsFor(tokens.length);
      if (rows === 0 || rows > room) return [];
      room -= rows;
      return [{ tokens, text, anchor }];
    });
  }

  /**
   * The prompt in pieces: what stands before a quote, the quote, what stands behind it … the last piece is never a
   * quote.
   */
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
      if (
        start < at ||
        start + text.length >= prompt.length ||
        this.tokenizer.encode(text, { addSpecialTokens: false }).length < LEAST_TOKENS
      )
        return;
      if (start > at || pieces.length === 0) add(prompt.slice(at, start));
      add(text, i);
      at = start + text.length;
    });
    add(prompt.slice(at));
    return pieces;
  }

  /** Rows of each quoted piece: those kept, and those of texts that are encoded now, side by side. */
  private async rowsOf(
    pieces: readonly Piece[],
    sinks: readonly number[],
    signal?: AbortSignal,
  ): Promise<Map<Piece, Spliced>> {
    const found = new Map<Piece, Spliced>();
    const missing: Piece[] = [];
    const keyOf = ({ text, anchor }: Piece): string =>
      `${anchor === undefined ? '' : 'anchors:'}${sinks.join()}:${text}`;
    for (const piece of pieces) {
      const rows = this.rows.get(keyOf(piece));
      if (rows) found.set(piece, { rows, origin: 'memory' });
      else missing.push(piece);
    }
    if (missing.length === 0) return found;
    const prefix = await this.prefixOf(sinks);
    const made = await this.decoder.encodeSegments(
      missing.map(({ tokens, anchor }) => ({
        tokens,
        keep: anchor === undefined ? tokens.map((_, i) => i) : anchorRowsOf(tokens),
      })),
      { prefix, ...(signal ? { signal } : {}) },
    );
    missing.forEach((piece, i) => {
      const { rows } = made[i] as (typeof made)[number];
      found.set(piece, {
        rows: this.rows.set(keyOf(piece), piece.anchor === undefined ? rows : closeTogether(rows)),
        origin: 'computed',
      });
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

const rowsFor = (tokens: number): number => Math.ceil(tokens / ANCHOR_TOKENS);

/** The last row of every eight, and of what is left. */
function anchorRowsOf(tokens: readonly number[]): number[] {
  return Array.from({ length: rowsFor(tokens.length) }, (_, i) => Math.min(tokens.length, (i + 1) * ANCHOR_TOKENS) - 1);
}

/** Rows that take no more positions than they are. */
function closeTogether({ shape, keys, values, tokens, rows }: KvRows): KvRows {
  return new KvRows({ shape, keys, values, tokens, positions: Int32Array.from({ length: rows }, (_, i) => i) });
}
