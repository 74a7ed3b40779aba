import { readingPolicy } from '../attention/reading';
import type { Decoder } from '../decoder/decoder';
import { measurePerplexity } from '../generate/perplexity';
import type { StoredFactors } from '../rope/rope-factors';
import { factorPerplexity, type CalibrationRow } from './objective';

/** Perplexity of the tokens beyond the trained window. */
export interface BeyondWindow {
  /** All rows in sight, with the factors. */
  factors: number;
  /** Under Λ, as a model without factors reads. */
  lambda: number;
}

/** Compares two readings of the same tokens. @param decoder of the model without factors */
export async function beyondWindow(
  decoder: Decoder,
  { factors, extension, attentionFactor }: Omit<StoredFactors, 'note'>,
  texts: readonly (readonly number[])[],
  signal?: AbortSignal,
): Promise<BeyondWindow> {
  const window = decoder.config.rope.originalMaxPositions;
  const rows = texts.map((tokens): CalibrationRow => {
    const counts = new Uint8Array(tokens.length);
    return { tokens: [...tokens], counts: counts.fill(1, window + 1) };
  });
  const longest = Math.max(...texts.map(({ length }) => length));
  const { rowBytes } = decoder;
  const { nll } = await measurePerplexity(decoder, texts, {
    policy: () =>
      readingPolicy({ ...decoder.config, maxPositions: window }, { tokens: longest, rowBytes, lookBack: 'none' }),
    edges: [window, longest],
    ...(signal ? { signal } : {}),
  });
  return {
    factors: await factorPerplexity(decoder, rows, factors, extension, attentionFactor, signal),
    lambda: Math.exp(nll),
  };
}
