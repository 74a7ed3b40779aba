import { readingPolicy, readingRows, type LookBack } from '../attention/reading';
import type { Decoder } from '../decoder/decoder';
import type { DecoderContext } from '../decoder/decoder-context';
import { ropeFrequencies } from '../rope/frequencies';

/**
 * A context for a text of this many tokens, read and written. Texts beyond the trained window are read under Λ, at
 * constant memory: nothing is cut (`readingPolicy`).
 *
 * @param lookBack how the end of a text beyond the window sees rows that left it
 */
export function readingContext(decoder: Decoder, tokens: number, lookBack?: LookBack): DecoderContext {
  const { config, rowBytes } = decoder;
  const policy = readingPolicy(config, { tokens, rowBytes, ...(lookBack === undefined ? {} : { lookBack }) });
  return decoder.newContext(policy, readingRows(policy, tokens), {
    rope: ropeFrequencies(config.rope, Math.min(tokens, policy.ceiling)),
  });
}
