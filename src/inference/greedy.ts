/** The most likely text, token by token, with how sure the model was of it. */
import { negativeLogLikelihood, type Decoder, type DecoderContext, type Tokenizer } from '../engine';

/** Small models fall into loops; a text that repeats its last tokens this often in a row is ended. */
const LOOP = { longest: 32, times: 4 };

export interface GreedyOptions {
  maxNewTokens: number;
  signal?: AbortSignal | undefined;
  /** Whole characters as they are complete. */
  onText?: ((text: string) => void) | undefined;
}

export interface GreedyText {
  text: string;
  tokens: number;
  /** Geometric mean of the probabilities of its tokens, the one that ended it included: 0…1; 0 for no token at all. */
  confidence: number;
}

/**
 * Goes on from `logits`, which predict the first token, until the model ends the text, it loops or `maxNewTokens` are
 * written.
 */
export async function writeGreedily(
  decoder: Decoder,
  tokenizer: Tokenizer,
  context: DecoderContext,
  logits: Float32Array,
  { maxNewTokens, signal, onText }: GreedyOptions,
): Promise<GreedyText> {
  const stream = tokenizer.stream();
  const written: number[] = [];
  let text = '';
  let nll = 0;
  let judged = 0;
  const give = (piece: string): void => {
    text += piece;
    if (piece !== '') onText?.(piece);
  };
  while (written.length < maxNewTokens && !signal?.aborted) {
    const token = highest(logits);
    nll += negativeLogLikelihood(logits, token);
    judged += 1;
    if (decoder.config.eosTokenIds.includes(token)) break;
    written.push(token);
    give(stream.push(token));
    if (written.length === maxNewTokens || loops(written)) break;
    logits = (await context.decode(token)).slice();
    // Decoding resolves without leaving the microtask queue: give cancels their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  give(stream.end());
  return { text, tokens: written.length, confidence: judged === 0 ? 0 : Math.exp(-nll / judged) };
}

function highest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[best] as number)) best = i;
  return best;
}

/** Whether the text ends in one run of tokens repeated. */
export function loops(tokens: readonly number[]): boolean {
  for (let length = 1; length <= LOOP.longest; length++) {
    // One token repeated is also an indentation or a rule of dashes: short runs must repeat longer.
    const span = Math.max(length * LOOP.times, 24);
    if (span > tokens.length) continue;
    let same = true;
    for (let at = tokens.length - span + length; same && at < tokens.length; at++)
      same = tokens[at] === tokens[at - length];
    if (same) return true;
  }
  return false;
}
