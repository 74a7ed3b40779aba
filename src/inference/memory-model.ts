/** The memory functions of a loaded checkpoint: compressed rows, query embeddings and composed contexts. */
import { AppError } from '../base';
import type { ComposeParams, ComposeResult, MemoryDescription, QueryEmbedding, SegmentMemory } from '../protocol';
import { ropeFrequencies, type Decoder, type Tokenizer } from '../engine';
import { storedRowBytes } from '../memory';
import { MemoryCoder } from './memory-coder';
import { MemoryComposer, type ComposeOptions } from './memory-composer';
import type { MemoryConfig } from './memory-config';
import type { PassageEncoder } from './passage-encoder';
import { TokenVectors } from './token-vectors';

export class MemoryModel {
  readonly description: MemoryDescription;
  private readonly composer: MemoryComposer;

  private constructor(
    private readonly coder: MemoryCoder,
    fingerprint: string,
    private readonly passages: PassageEncoder | undefined,
  ) {
    const {
      decoder: { config: model, compiled },
      config,
    } = coder;
    this.composer = new MemoryComposer(coder);
    this.description = {
      // The fingerprint covers verified weights, so rows made by damaged weights are not used.
      fingerprint: `${fingerprint}:${compiled.digest}:${config.digest}${passages ? `:${passages.digest}` : ''}`,
      ratios: config.ratios,
      ...(config.dense
        ? { dense: { segmentTokens: config.dense.segmentTokens, rowTokens: config.dense.rowTokens } }
        : {}),
      storedRowBytes: storedRowBytes(model),
      sentenceWidth: passages?.width ?? 0,
      vocabSize: model.vocabSize,
      sinkRows: config.sinkTokens.length,
      windowTokens: model.maxPositions,
    };
  }

  /** @throws CheckpointError, DecoderError */
  static async open(
    decoder: Decoder,
    tokenizer: Tokenizer,
    config: MemoryConfig,
    fingerprint: string,
    passages?: PassageEncoder,
  ): Promise<MemoryModel> {
    const { vocabSize, rope, maxPositions } = decoder.config;
    const { sinkTokens, tokenVectors } = config;
    const vectors = tokenVectors && (await TokenVectors.open(tokenVectors.file, tokenVectors.width, vocabSize));
    const frequencies = ropeFrequencies(rope, maxPositions);
    const [sinks] =
      sinkTokens.length === 0
        ? []
        : await decoder.encodeSegments([{ tokens: sinkTokens, keep: sinkTokens.map((_, i) => i) }], {
            rope: frequencies,
          });
    const coder = new MemoryCoder(decoder, tokenizer, config, sinks?.rows, frequencies, vectors);
    return new MemoryModel(coder, fingerprint, passages);
  }

  countTokens(texts: readonly string[]): number[] {
    return this.coder.countTokens(texts);
  }

  async encode(texts: readonly string[], signal?: AbortSignal): Promise<SegmentMemory[]> {
    const made = await this.coder.encode(texts, signal);
    const passages = await this.passages?.encode(texts, signal);
    return passages ? made.map((memory, i) => ({ ...memory, passages: passages[i] as Uint8Array })) : made;
  }

  async embed(question: string): Promise<QueryEmbedding> {
    const made = this.coder.embed(question);
    return this.passages ? { ...made, sentence: await this.passages.embed(question) } : made;
  }

  /** Vectors of texts by the sentence encoder. @throws AppError('modelFailed') without one */
  sentences(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]> {
    if (!this.passages) throw new AppError('modelFailed', 'There is no sentence encoder.');
    return this.passages.sentences(texts, signal);
  }

  async close(): Promise<void> {
    await this.passages?.close();
  }

  compose(params: ComposeParams, options: ComposeOptions = {}): Promise<ComposeResult> {
    return this.composer.compose(params, options);
  }
}
