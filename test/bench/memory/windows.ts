/** The same model without memories: the end of the text in one window, and all of it through Λ-shaped attention. */
import { full, lambda, type Decoder } from '../../../src/engine';
import type { Tokenizer } from '../../../src/engine/tokenizer/tokenizer';
import type { RopeFrequencies } from '../../../src/engine/rope';
import { writeGreedily } from '../../../src/inference/greedy';
import type { MemoryConfig } from '../../../src/inference/memory-config';
import type { MemoryModel } from '../../../src/inference/memory-model';

export interface Parts {
  decoder: Decoder;
  tokenizer: Tokenizer;
  config: MemoryConfig;
  rope: RopeFrequencies;
}

/** Returns the model's decoder and tokenizer, which only the baselines here need without memories. */
export const partsOf = (memory: MemoryModel): Parts => (memory as unknown as { coder: Parts }).coder;

const LAMBDA_WINDOW = 1_024;

/** Reads the last tokens of the text that fit into the window with the question and its answer. */
export async function plainWindow(
  { decoder, tokenizer, config, rope }: Parts,
  text: readonly number[],
  question: string,
  maxNewTokens: number,
): Promise<string> {
  const asked = turn(tokenizer, config, question);
  const past = tail(text, decoder.config.maxPositions - config.sinkTokens.length - asked.length - maxNewTokens);
  const context = decoder.newContext(full(), decoder.config.maxPositions, { rope });
  const { logits } = await context.prefill([...config.sinkTokens, ...past, ...asked]);
  return (await writeGreedily(decoder, tokenizer, context, logits, { maxNewTokens })).text;
}

/**
 * Reads the whole text through Λ-shaped attention. Each layer extends the reach by one window. Apart from the sinks,
 * only the last layers × window tokens can therefore affect the answer, so reading those gives the same result.
 */
export async function lambdaOnly(
  { decoder, tokenizer, config, rope }: Parts,
  text: readonly number[],
  question: string,
  maxNewTokens: number,
): Promise<string> {
  const asked = turn(tokenizer, config, question);
  const past = tail(text, decoder.config.layers * LAMBDA_WINDOW);
  const policy = lambda({ sinks: config.sinkTokens.length, window: LAMBDA_WINDOW });
  const context = decoder.newContext(policy, config.sinkTokens.length + 2 * LAMBDA_WINDOW + 1_024, { rope });
  const { logits } = await context.prefill([...config.sinkTokens, ...past, ...asked]);
  return (await writeGreedily(decoder, tokenizer, context, logits, { maxNewTokens })).text;
}

function turn(tokenizer: Tokenizer, { chat }: MemoryConfig, question: string): number[] {
  const tokens = tokenizer.encode(question, { addSpecialTokens: false });
  return chat ? [chat.user, ...tokens, chat.end, chat.assistant] : tokens;
}

const tail = (tokens: readonly number[], count: number): readonly number[] =>
  tokens.slice(Math.max(0, tokens.length - count));
