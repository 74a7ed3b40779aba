import { anchorRows, readingPolicy, readingRows, type ReadingOptions } from '../attention/reading';
import type { Decoder } from '../decoder/decoder';
import type { DecoderContext } from '../decoder/decoder-context';
import { ropeFrequencies } from '../rope/frequencies';

/**
 * A context for a text of this many tokens, read and written. Texts beyond the trained window are read under Λ, at
 * constant memory: nothing is cut (`readingPolicy`).
 *
 * @param options how the end of a text beyond the window sees what left it
 */
export function readingContext(
  decoder: Decoder,
  tokens: number,
  options: Pick<ReadingOptions, 'lookBack' | 'anchors'> = {},
): DecoderContext {
  const { config, rowBytes } = decoder;
  const policy = readingPolicy(config, { tokens, rowBytes, ...options });
  return decoder.newContext(policy, readingRows(policy, tokens) + anchorRows(options.anchors, tokens), {
    rope: ropeFrequencies(config.rope, Math.min(tokens, policy.ceiling)),
  });
}
