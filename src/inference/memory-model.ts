/** The memory functions of a loaded checkpoint: compressed rows, query embeddings and composed contexts. */
import { AppError } from '../base';
import type { ComposeParams, ComposeResult, MemoryDescription, QueryEmbedding, SegmentMemory } from '../protocol';
import { ropeFrequencies, type Decoder, type Tokenizer } from '../engine';
import { storedRowBytes } from '../memory';
import { MemoryCoder } from './memory-coder';
import { MemoryComposer, type ComposeOptions } from './memory-composer';
import type { MemoryConfig } from './memory-config';
import type { PassageEncoder } from './passage-encoder';
import { SelectionHead } from './selection-head';
import { VectorHead } from './vector-head';

export class MemoryModel {
  readonly description: MemoryDescription;
  private readonly composer: MemoryComposer;

  private constructor(
    private readonly coder: MemoryCoder,
    fingerprint: string,
    vectorWidth: number,
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
      vectorWidth,
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
    const { hiddenSize, vocabSize, rope, maxPositions } = decoder.config;
    const { headsFile, vectorWidth, selection } = config;
    const head =
      headsFile && vectorWidth !== undefined
        ? await VectorHead.open(headsFile, vectorWidth, hiddenSize, vocabSize)
        : VectorHead.plain(hiddenSize);
    const selecting = selection && (await SelectionHead.open(selection.file, selection.width, decoder.config));
    const { sinkTokens } = config;
    const frequencies = ropeFrequencies(rope, maxPositions);
    const [sinks] =
      sinkTokens.length === 0
        ? []
        : await decoder.encodeSegments([{ tokens: sinkTokens, keep: sinkTokens.map((_, i) => i) }], {
            rope: frequencies,
          });
    const coder = new MemoryCoder(decoder, tokenizer, config, sinks?.rows, frequencies, head, selecting);
    return new MemoryModel(coder, fingerprint, head.width, passages);
  }

  countTokens(texts: readonly string[]): number[] {
    return this.coder.countTokens(texts);
  }

  async encode(texts: readonly string[], signal?: AbortSignal): Promise<SegmentMemory[]> {
    const made = await this.coder.encode(texts, signal);
    const passages = await this.passages?.encode(texts, signal);
    return passages ? made.map((memory, i) => ({ ...memory, passages: passages[i] as Uint8Array })) : made;
  }

  async vectors(questions: readonly string[]): Promise<QueryEmbedding[]> {
    const made = await this.coder.vectors(questions);
    const { passages } = this;
    if (!passages) return made;
    return Promise.all(
      made.map(async (embedding, i) => ({ ...embedding, sentence: await passages.embed(questions[i] as string) })),
    );
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
