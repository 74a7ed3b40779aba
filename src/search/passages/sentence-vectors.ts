import { ByteCache } from '../../base';

/** The sentence encoder, wherever it runs. */
export interface SentenceEncoding {
  /** Vectors of length 1, one for each text. */
  sentences(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]>;
}

/** Maximum bytes of cached vectors and their texts: some 5,000 passages. */
const MOST_BYTES = 16e6;

/** Similarities of passages with a question. Vectors of passages are kept for later questions. */
export class SentenceVectors {
  private readonly known = new ByteCache<string, Float32Array>(MOST_BYTES, ({ byteLength }) => byteLength + 1_500);

  /** @param patience maximum milliseconds that a question waits for vectors, because the encoder may be busy */
  constructor(
    private readonly encoder: () => SentenceEncoding | undefined,
    private readonly patience: number,
  ) {}

  /** Cosines (−1…1), in the order of `texts`. Undefined without an encoder, or when it fails. */
  async similarities(
    question: string,
    texts: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly number[] | undefined> {
    const encoder = this.encoder();
    if (!encoder) return undefined;
    const missing = [...new Set([question, ...texts])].filter((text) => this.known.get(text) === undefined);
    let made: readonly Float32Array[];
    try {
      const limit = AbortSignal.timeout(this.patience);
      const ends = signal ? AbortSignal.any([signal, limit]) : limit;
      made = missing.length === 0 ? [] : await encoder.sentences(missing, ends);
    } catch {
      signal?.throwIfAborted();
      return undefined;
    }
    const fresh = new Map(missing.map((text, i) => [text, made[i] as Float32Array]));
    for (const [text, vector] of fresh) this.known.set(text, vector);
    const vectorOf = (text: string): Float32Array | undefined => fresh.get(text) ?? this.known.get(text);
    const asked = vectorOf(question);
    return texts.map((text) => product(vectorOf(text), asked));
  }
}

function product(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (!a || !b) return 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

const TITLE_CHARACTERS = 80;

/** The text of a passage as the encoder reads it: with the title of its section. */
export const passageKey = (titles: readonly string[], text: string): string =>
  `${(titles.at(-1) ?? '').slice(0, TITLE_CHARACTERS)}\n${text}`.trim();
