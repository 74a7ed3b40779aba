/** Greedy decoding: writes the most likely tokens, and measures the model's confidence in them. */
import { negativeLogLikelihood, type Decoder, type DecoderContext, type Tokenizer } from '../engine';

/** A text that repeats its last tokens this often in a row ends. Small models fall into such loops. */
const LOOP = { longest: 32, times: 4 };

export interface GreedyOptions {
  maxNewTokens: number;
  signal?: AbortSignal | undefined;
  /** Receives text as soon as its characters are complete. */
  onText?: ((text: string) => void) | undefined;
}

export interface GreedyText {
  text: string;
  tokens: number;
  /** Geometric mean of the token probabilities (0…1), including the end token; 0 without tokens. */
  confidence: number;
}

/**
 * Writes until the model ends the text, it loops, or `maxNewTokens` are written. `logits` predict the first token.
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
    // Decoding never leaves the microtask queue; this lets cancellations arrive.
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

/** Whether the text ends with a repeated sequence of tokens. */
export function loops(tokens: readonly number[]): boolean {
  for (let length = 1; length <= LOOP.longest; length++) {
    // Short sequences must repeat longer: one repeated token may be indentation or a line of dashes.
    const span = Math.max(length * LOOP.times, 24);
    if (span > tokens.length) continue;
    let same = true;
    for (let at = tokens.length - span + length; same && at < tokens.length; at++)
      same = tokens[at] === tokens[at - length];
    if (same) return true;
  }
  return false;
}
