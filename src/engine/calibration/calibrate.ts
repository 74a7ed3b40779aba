import { standardFactors, type StoredFactors } from '../rope/rope-factors';
import type { Decoder } from '../decoder/decoder';
import { searchFactors, type DcisProgress, type DcisResult, type DcisState } from './dcis';
import { temperature } from '../rope/frequencies';
import { factorPerplexity, needleRows, perplexityRows, type CalibrationRow } from './objective';

export interface CalibrateOptions {
  /** How many times the trained window. */
  factor: number;
  /** The user's text as token ids: at least `factor` × trained window of them. */
  text: readonly number[];
  /**
   * Objective of the search: perplexity of the text, or of needles hidden in it. Needles find factors that recall, not
   * only factors that read smoothly.
   */
  objective: 'perplexity' | 'needles';
  /** Rows of text judged at each step; the paper uses one document. */
  rows?: number;
  seed?: number;
  /** Searches as published: every segment moves, even for the worse. Default: a segment may stay. */
  asPublished?: boolean;
  state?: DcisState;
  onStep?: (state: DcisState, progress: DcisProgress) => void | Promise<void>;
  signal?: AbortSignal;
}

export interface Calibrated {
  stored: StoredFactors;
  /** The texts that were judged. */
  texts: number[][];
  result: DcisResult;
}

/**
 * Searches rotary factors for contexts of `factor` × the trained window on the user's own text, starting from YaRN's
 * (DCIS, 2412.18811).
 *
 * @throws RangeError, SearchCancelledError, DecoderError
 */
export async function calibrate(decoder: Decoder, options: CalibrateOptions): Promise<Calibrated> {
  const { rope } = decoder.config;
  if (!(options.factor > 1 && options.factor <= 1024))
    throw new RangeError(`the factor is ${options.factor}; it must lie above 1 and be at most 1024`);
  const rows = calibrationRows(decoder, options);
  const attentionFactor = temperature(options.factor);
  const result = await searchFactors({
    initial: standardFactors(rope, 'yarn', options.factor).factors,
    // Measured (bench dcis): with few frequency pairs the paper's form, which always moves a segment, stops improving
    // after its first segment.
    mayStay: !options.asPublished,
    objective: (factors) => factorPerplexity(decoder, rows, factors, options.factor, attentionFactor, options.signal),
    ...(options.state ? { state: options.state } : {}),
    ...(options.onStep ? { onStep: options.onStep } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const note =
    `DCIS by ${options.objective} on ${rows.length} × ${rows[0]?.tokens.length ?? 0} tokens: ` +
    `${result.initialObjective.toPrecision(4)} (YaRN) → ${result.objective.toPrecision(4)} in ` +
    `${result.evaluations} evaluations`;
  const stored = { extension: options.factor, attentionFactor, factors: result.factors, note };
  return { stored, texts: rows.map(({ tokens }) => tokens), result };
}

function calibrationRows(
  decoder: Decoder,
  { factor, text, objective, rows = 1, seed = 0 }: CalibrateOptions,
): CalibrationRow[] {
  const { rope, bosTokenId } = decoder.config;
  const length = Math.floor(rope.originalMaxPositions * factor);
  return objective === 'needles'
    ? needleRows(text, length, rows, seed, bosTokenId)
    : perplexityRows(text, length, rows, bosTokenId);
}
