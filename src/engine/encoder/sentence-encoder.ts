import { join } from 'node:path';
import { ort } from '../onnxruntime';
import { Tokenizer } from '../tokenizer/tokenizer';
import { ENCODER_FILE } from './compile-encoder';
import { readEncoderConfig, type EncoderConfig } from './encoder-config';

/** Tokens of a text that are read; the rest is cut. The model was trained on texts of up to 256. */
const MOST_TOKENS = 256;

/** Microseconds that idle threads wait busily. Longer waits take the cores from other work. */
const SPIN_MICROSECONDS = '250';

export interface EncodeTextsOptions {
  signal?: AbortSignal | undefined;
}

/**
 * Turns texts into vectors of length 1 whose product is their similarity (Sentence-BERT, Reimers and Gurevych 2019:
 * mean over the tokens' last hidden states).
 */
export class SentenceEncoder {
  private constructor(
    private readonly config: EncoderConfig,
    private readonly tokenizer: Tokenizer,
    private readonly session: ort.InferenceSession,
  ) {}

  /** Numbers of a vector. */
  get width(): number {
    return this.config.hiddenSize;
  }

  /** Opens a folder that `compileEncoder` made. @throws CheckpointError; an Error of the runtime */
  static async open(directory: string, { threads }: { threads?: number | undefined } = {}): Promise<SentenceEncoder> {
    const config = await readEncoderConfig(directory);
    const tokenizer = await Tokenizer.open(directory, config.vocabSize);
    const session = await ort.InferenceSession.create(join(directory, ENCODER_FILE), {
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      extra: { session: { intra_op: { spin_duration_us: SPIN_MICROSECONDS } } },
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    });
    return new SentenceEncoder(config, tokenizer, session);
  }

  /** Token ids of a text as the model reads it, [CLS] and [SEP] included, cut to the longest that it reads. */
  tokensOf(text: string): number[] {
    const most = Math.min(MOST_TOKENS, this.config.maxPositions);
    // No word piece is shorter than a character, so longer texts need not be cut into pieces whole.
    const ids = this.tokenizer.encode(text.slice(0, most * MOST_CHARACTERS_PER_TOKEN));
    return ids.length <= most ? ids : [...ids.slice(0, most - 1), ids[ids.length - 1] as number];
  }

  /**
   * Vectors of texts, row-major [texts, width], in the order given.
   *
   * @throws the signal's reason when aborted between texts
   */
  async encode(texts: readonly string[], { signal }: EncodeTextsOptions = {}): Promise<Float32Array> {
    const vectors = new Float32Array(texts.length * this.width);
    for (const [i, text] of texts.entries()) {
      signal?.throwIfAborted();
      vectors.set(await this.run(this.tokensOf(text)), i * this.width);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return vectors;
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  private async run(ids: readonly number[]): Promise<Float32Array> {
    const { vector } = await this.session.run({
      ids: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
    });
    return vector?.data as Float32Array;
  }
}

/** Characters that are cut into pieces for each token that is read; code has 3 to 4, and spaces are none. */
const MOST_CHARACTERS_PER_TOKEN = 16;
