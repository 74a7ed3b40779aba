/** The memory side of a checkpoint in the engine's process: texts in, memories, vectors, gists and composed contexts out. */
import type { Decoder } from '../engine';
import type { Tokenizer } from '../engine/checkpoint/tokenizer';
import { ropeFrequencies } from '../engine/rope';
import type { SegmentMemory } from '../library/memories/encoding';
import { storedRowBytes } from '../library/memories/rows';
import { LinePointer, linesOfTokens } from './line-pointer';
import { MemoryCoder } from './memory-coder';
import { MemoryComposer, type ComposeOptions } from './memory-composer';
import type { MemoryConfig } from './memory-config';
import { writeGists } from './memory-gists';
import type { ComposeParams, ComposeResult, Gist, GistItem, MemoryDescription, PointedLine, QuestionLook } from './memory-protocol';
import { VectorHead } from './vector-head';

export class MemoryModel {
  readonly description: MemoryDescription;
  private readonly composer: MemoryComposer;

  private constructor(private readonly coder: MemoryCoder, private readonly pointer: LinePointer | undefined, fingerprint: string, vectorWidth: number) {
    const { decoder: { config: model }, config } = coder;
    const { layers, queryHeads, kvHeads, headDim } = model;
    this.composer = new MemoryComposer(coder);
    this.description = {
      fingerprint: `${fingerprint}:${config.digest}`,
      ratios: config.ratios,
      storedRowBytes: storedRowBytes(model),
      heads: { layers, queryHeads, kvHeads, headDim },
      vectorWidth,
      sinkRows: config.sinkTokens.length,
      windowTokens: model.maxPositions,
      gists: config.gistToken !== undefined,
    };
  }

  /** @throws CheckpointError, DecoderError */
  static async open(decoder: Decoder, tokenizer: Tokenizer, config: MemoryConfig, fingerprint: string): Promise<MemoryModel> {
    const { hiddenSize, vocabSize, rope, maxPositions } = decoder.config;
    const { headsFile, vectorWidth } = config;
    const head = headsFile && vectorWidth !== undefined ? await VectorHead.open(headsFile, vectorWidth, hiddenSize, vocabSize) : VectorHead.plain(hiddenSize);
    const { sinkTokens } = config;
    const frequencies = ropeFrequencies(rope, maxPositions);
    const [sinks] = sinkTokens.length === 0 ? [] : await decoder.encodeSegments([{ tokens: sinkTokens, keep: sinkTokens.map((_, i) => i) }], { rope: frequencies });
    const coder = new MemoryCoder(decoder, tokenizer, config, sinks?.rows, frequencies, head);
    const pointer = headsFile && head.tokenRows ? await LinePointer.open(headsFile, head.tokenRows, head.width) : undefined;
    return new MemoryModel(coder, pointer, fingerprint, head.width);
  }

  countTokens(texts: readonly string[]): number[] {
    return this.coder.countTokens(texts);
  }

  encode(texts: readonly string[], signal?: AbortSignal): Promise<SegmentMemory[]> {
    return this.coder.encode(texts, signal);
  }

  vectors(questions: readonly string[]): Promise<QuestionLook[]> {
    return this.coder.vectors(questions);
  }

  /** The lines of each text (from 0) that most likely begin what the question asks for; nothing where none does, or the model has no pointer. */
  point(question: string, texts: readonly string[]): PointedLine[] {
    const { coder, pointer } = this;
    const { queryToken } = coder.config;
    if (!pointer || queryToken === undefined) return [];
    const asked = [queryToken, ...coder.tokens(question)];
    const breaks = (token: number): number => coder.tokenizer.pieceOf(token)?.match(/[Ċ\n]/g)?.length ?? 0;
    return texts.flatMap((text, at) => {
      const { none, lines } = pointer.scores(asked, linesOfTokens(coder.tokens(text), breaks));
      const best = lines.reduce((most, score, line) => (score > (lines[most] ?? -Infinity) ? line : most), 0);
      return (lines[best] ?? -Infinity) > none ? [{ text: at, line: best, score: (lines[best] as number) - none }] : [];
    });
  }

  gists(items: readonly GistItem[], signal?: AbortSignal): Promise<Gist[]> {
    return writeGists(this.coder, items, signal);
  }

  compose(params: ComposeParams, options: ComposeOptions = {}): Promise<ComposeResult> {
    return this.composer.compose(params, options);
  }
}
