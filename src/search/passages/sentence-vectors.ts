import { ByteCache } from '../../base';

/** The sentence encoder, wherever it runs. */
export interface SentenceEncoding {
  /** Vectors of length 1, one for each text. */
  sentences(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]>;
}

/** Maximum bytes of cached vectors and their texts: some 5,000 passages. */
const MOST_BYTES = 16e6;

/** Cosines (−1…1) of a passage and of each of its units with a question. */
export interface ComparedPassage {
  whole: number;
  units: readonly number[];
}

/** Means are nearer to questions than encoded passages are, which others compare them with. */
const MEAN = 0.96;

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
    const vectorOf = await this.vectors([question, ...texts], signal);
    if (!vectorOf) return undefined;
    const asked = vectorOf(question);
    return texts.map((text) => product(vectorOf(text), asked));
  }

  /** Compares a question with passages by their units. Undefined as above. */
  async compare(
    question: string,
    passages: readonly (readonly string[])[],
    signal?: AbortSignal,
  ): Promise<readonly ComparedPassage[] | undefined> {
    const vectorOf = await this.vectors([question, ...passages.flat()], signal);
    if (!vectorOf) return undefined;
    const asked = vectorOf(question);
    return passages.map((units) => ({
      whole: product(meanOf(units, vectorOf), asked),
      units: units.map((unit) => product(vectorOf(unit), asked)),
    }));
  }

  private async vectors(
    texts: readonly string[],
    signal?: AbortSignal,
  ): Promise<((text: string) => Float32Array | undefined) | undefined> {
    const encoder = this.encoder();
    if (!encoder) return undefined;
    const missing = [...new Set(texts)].filter((text) => this.known.get(text) === undefined);
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
    return (text) => fresh.get(text) ?? this.known.get(text);
  }
}

/**
 * The vector of a passage, of length `MEAN`: the mean of its units' vectors, longer ones count more. Encoding the
 * passage itself would cost as much again, and ranks no better.
 */
function meanOf(
  units: readonly string[],
  vectorOf: (text: string) => Float32Array | undefined,
): Float32Array | undefined {
  const first = units[0] === undefined ? undefined : vectorOf(units[0]);
  if (!first) return undefined;
  const mean = new Float32Array(first.length);
  for (const unit of units) {
    const vector = vectorOf(unit);
    const weight = Math.sqrt(unit.length);
    for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) + weight * (vector?.[i] ?? 0);
  }
  const scale = MEAN / (Math.sqrt(product(mean, mean)) || 1);
  return mean.map((value) => value * scale);
}

function product(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (!a || !b) return 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
