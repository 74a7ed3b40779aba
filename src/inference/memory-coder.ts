/**
 * Encodes texts to compressed rows, and questions to what segments are searched by. Each text is read alone behind the
 * sinks, in runs of the trained length.
 */
import type { QueryEmbedding, SegmentMemory } from '../protocol';
import type { Decoder, KvRows, RopeFrequencies, SegmentInput, Tokenizer } from '../engine';
import { coarsePlaces, joinBytes, packRows, chunkLengths, storedRowBytes } from '../memory';
import { AppError, LineTable } from '../base';
import type { MemoryConfig } from './memory-config';
import type { TokenVectors } from './token-vectors';

/** Rows of one batch of the encoder. Longer batches are no faster, and an answer would wait for their end. */
const BATCH_ROWS = 2048;

export class MemoryCoder {
  constructor(
    readonly decoder: Decoder,
    readonly tokenizer: Tokenizer,
    readonly config: MemoryConfig,
    readonly sinks: KvRows | undefined,
    readonly rope: RopeFrequencies,
    private readonly tokenVectors: TokenVectors | undefined,
  ) {}

  countTokens(texts: readonly string[]): number[] {
    return texts.map((text) => this.tokens(text).length);
  }

  /** Compressed rows and token ids of each text. A text longer than the model's segments is encoded in several runs. */
  async encode(texts: readonly string[], signal?: AbortSignal): Promise<SegmentMemory[]> {
    const { ratios } = this.config;
    const cut = texts.map((text) => this.runs(this.tokens(text)));
    const inputs = cut.flat().map((tokens): SegmentInput => ({
      tokens,
      keep: [],
      slotTokens: ratios.fineTokens,
    }));
    const encoded = await this.decoder.encodeSegments(inputs, this.encodeOptions(signal));
    const bytesPerRow = storedRowBytes(this.decoder.config);
    let at = 0;
    return cut.map((runs) => {
      const own = encoded.slice(at, (at += runs.length));
      const coarse: Uint8Array[] = [];
      const rest: Uint8Array[] = [];
      own.forEach(({ memories: rows }, i) => {
        if (!rows) throw new AppError('modelFailed', 'The model returned no compressed rows.');
        const places = coarsePlaces((runs[i] as number[]).length, ratios);
        coarse.push(packRows(rows, places));
        rest.push(
          packRows(
            rows,
            Array.from({ length: rows.rows }, (_, row) => row).filter((row) => !places.includes(row)),
          ),
        );
      });
      const ids = this.keepsIds ? new Uint8Array(Uint16Array.from(runs.flat()).buffer) : new Uint8Array(0);
      const joined = { coarse: joinBytes(coarse), rest: joinBytes(rest) };
      const tokens = runs.reduce((sum, run) => sum + run.length, 0);
      return {
        tokens,
        ids,
        passages: new Uint8Array(0),
        ...joined,
        bytesPerRow,
        coarseRows: joined.coarse.byteLength / bytesPerRow,
        restRows: joined.rest.byteLength / bytesPerRow,
      };
    });
  }

  /**
   * Dense rows of tokenized texts, in the store's form.
   * @throws AppError('modelFailed') when the model has no slots for them
   */
  async encodeDense(texts: readonly (readonly number[])[], signal?: AbortSignal): Promise<Uint8Array[]> {
    const { dense } = this.config;
    if (!dense) throw new AppError('modelFailed', 'The model has no slots for dense rows.');
    const cut = texts.map((tokens) => this.runs(tokens, dense.segmentTokens));
    const encoded = await this.decoder.encodeSegments(
      cut.flat().map((tokens) => ({ tokens, keep: [], slotTokens: dense.rowTokens, slotSet: 'dense' })),
      this.encodeOptions(signal),
    );
    let at = 0;
    return cut.map((runs) =>
      joinBytes(
        encoded.slice(at, (at += runs.length)).map(({ memories: rows }) => (rows ? packRows(rows) : new Uint8Array(0))),
      ),
    );
  }

  /** The question as the segments are scored against it. */
  embed(question: string): QueryEmbedding {
    const tokens = this.tokens(question);
    return {
      tokens: tokens.length,
      ...(this.tokenVectors ? { late: this.tokenVectors.neighboursOf(tokens) } : {}),
    };
  }

  /** Whether token ids of texts are stored: late interaction uses them, and each fits in two bytes. */
  private get keepsIds(): boolean {
    return this.tokenVectors !== undefined && this.decoder.config.vocabSize <= 1 << 16;
  }

  encodeOptions(signal?: AbortSignal): Parameters<Decoder['encodeSegments']>[1] {
    return {
      rope: this.rope,
      batchRows: BATCH_ROWS,
      ...(this.sinks ? { prefix: this.sinks } : {}),
      ...(signal ? { signal } : {}),
    };
  }

  /**
   * First and last line of a stretch of tokens, relative to the first line of the tokens before it. White space at its
   * ends is ignored.
   */
  lines(before: Uint16Array, tokens: Uint16Array): [first: number, last: number] {
    const [past, text] = [this.tokenizer.decode([...before]), this.tokenizer.decode([...tokens])];
    const table = new LineTable(past + text);
    const ink = text.search(/\S/);
    return ink < 0
      ? [table.lineAt(past.length), table.lineAt(past.length)]
      : [table.lineAt(past.length + ink), table.lineAt(past.length + text.trimEnd().length - 1)];
  }

  tokens(text: string): number[] {
    return this.tokenizer.encode(text, { addSpecialTokens: false });
  }

  runs(tokens: readonly number[], most = this.config.ratios.segmentTokens): number[][] {
    let at = 0;
    return chunkLengths(tokens.length, most).map((length) => tokens.slice(at, (at += length)));
  }
}
