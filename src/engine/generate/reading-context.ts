import { readingPolicy, readingRows } from '../attention/reading';
import type { Decoder } from '../decoder/decoder';
import type { DecoderContext } from '../decoder/decoder-context';
import { ropeFrequencies } from '../rope/frequencies';

/**
 * A context for a text of this many tokens, read and written. Texts beyond the trained window are read under Λ, at
 * constant memory: nothing is cut (`readingPolicy`).
 *
 * @param middleK middle rows that each head sees beyond the window; 0 for none
 */
export function readingContext(decoder: Decoder, tokens: number, middleK?: number): DecoderContext {
  const { config, rowBytes } = decoder;
  const policy = readingPolicy(config, { tokens, rowBytes, ...(middleK === undefined ? {} : { middleK }) });
  return decoder.newContext(policy, readingRows(policy, tokens), {
    rope: ropeFrequencies(config.rope, Math.min(tokens, policy.ceiling)),
  });
}
