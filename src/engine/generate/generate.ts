import type { Tokenizer } from '../tokenizer/tokenizer';
import type { RopeConfig } from '../checkpoint/types';
import type { Decoder } from '../decoder/decoder';
import type { DecoderContext } from '../decoder/decoder-context';
import { DecoderError } from '../decoder/errors';
import { dependsOnLength, ropeFrequencies } from '../rope/frequencies';
import { fitPrompt, type CutRule, type PromptCut } from './budget';
import { Sampler, type SamplingOptions } from './sampling';
import { StopStrings } from './stopping';

export interface GenerateOptions {
  /** Most tokens to write. */
  maxNewTokens: number;
  sampling?: SamplingOptions;
  /** Tokens that end the text; default: those of the checkpoint. */
  stopTokens?: readonly number[];
  /** Strings that end the text and do not belong to it; need a tokenizer. */
  stopStrings?: readonly string[];
  /** Rule for a prompt that does not fit; default 'refuse'. */
  cut?: CutRule;
  signal?: AbortSignal;
  /** While the prompt is being read: tokens read so far, and all of them. */
  onRead?: (read: number, total: number) => void;
  /** Each piece of text as soon as its characters are complete; needs a tokenizer. */
  onText?: (text: string) => void;
  onToken?: (token: number) => void;
}

export interface Generated {
  /** Tokens written, without the one that ended the text. */
  tokens: number[];
  /** Their text, up to a stop string; empty without a tokenizer. */
  text: string;
  reason: 'stopToken' | 'stopString' | 'length' | 'cancelled';
  promptTokens: number;
  /** The part of the prompt that was not read. */
  cut?: PromptCut;
  /** The sampler's seed. */
  seed: number;
}

/**
 * Reads a prompt and writes on. Earlier content of the context stays in front.
 *
 * A cancel ends generation between chunks of the prompt and between tokens, and returns the text so far. Prompts within
 * the trained window keep the original rotary frequencies. When a text grows beyond it, the rows are rotated anew.
 *
 * @throws ContextFullError before anything is read, when prompt and new tokens do not fit and `cut` is 'refuse'
 * @throws DecoderError, CheckpointError
 */
export async function generate(
  decoder: Decoder,
  context: DecoderContext,
  prompt: readonly number[],
  options: GenerateOptions,
  tokenizer?: Tokenizer,
): Promise<Generated> {
  if (prompt.length === 0)
    throw new DecoderError('badInput', 'the prompt is empty; give it at least the begin-of-sequence token');
  if ((options.stopStrings?.length ?? 0) > 0 && !tokenizer)
    throw new DecoderError('badInput', 'stop strings need a tokenizer');
  const sampler = new Sampler(options.sampling);
  const stops = new Set(options.stopTokens ?? decoder.config.eosTokenIds);
  const { tokens: fitted, cut } = fitPrompt(
    prompt,
    (tokens) => context.rowsNeeded(tokens),
    context.free,
    options.maxNewTokens,
    options.cut ?? 'refuse',
    sinksOf(context),
  );
  const written: number[] = [];
  const output = new Output(tokenizer, options);
  const done = (reason: Generated['reason']): Generated => {
    output.end(reason === 'stopString');
    return {
      tokens: written,
      text: output.text,
      reason,
      promptTokens: fitted.length,
      ...(cut ? { cut } : {}),
      seed: sampler.seed,
    };
  };

  const rope = new RopeFollower(decoder.config.rope, context);
  rope.reach(context.position + fitted.length);
  sampler.see(fitted);
  let logits: Float32Array;
  try {
    logits = (
      await context.prefill(fitted, {
        ...(options.signal ? { signal: options.signal } : {}),
        ...(options.onRead ? { onChunk: options.onRead } : {}),
      })
    ).logits;
  } catch (error) {
    if (error instanceof DecoderError && error.code === 'cancelled') return done('cancelled');
    throw error;
  }
  while (written.length < options.maxNewTokens) {
    if (options.signal?.aborted) return done('cancelled');
    const token = sampler.next(logits);
    if (stops.has(token)) return done('stopToken');
    written.push(token);
    options.onToken?.(token);
    if (output.push(token)) return done('stopString');
    if (written.length === options.maxNewTokens) break;
    rope.reach(context.position + 1);
    logits = await context.decode(token);
    // Decoding resolves within the microtask queue, so cancels and heartbeats need a turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return done('length');
}

/** First tokens that a cut may not drop: the begin-of-sequence token, and the sinks of the policy. */
function sinksOf(context: DecoderContext): number {
  let sinks = 0;
  while (sinks < 1024 && context.policy.kindOf(-1, sinks, sinks) === 1) sinks++;
  return Math.max(1, sinks);
}

/** Streamed text: whole characters, without a possible beginning of a stop string. */
class Output {
  text = '';
  private readonly stream;
  private readonly stops;
  private readonly onText;

  constructor(tokenizer: Tokenizer | undefined, options: GenerateOptions) {
    this.stream = tokenizer?.stream();
    this.stops = new StopStrings(options.stopStrings ?? []);
    this.onText = options.onText;
  }

  /** True when a stop string is complete. */
  push(token: number): boolean {
    if (!this.stream) return false;
    this.give(this.stops.push(this.stream.push(token)));
    return this.stops.stopped;
  }

  end(stopped: boolean): void {
    if (stopped || !this.stream) return;
    this.give(this.stops.push(this.stream.end()));
    this.give(this.stops.end());
  }

  private give(text: string): void {
    if (text === '') return;
    this.text += text;
    this.onText?.(text);
  }
}

/** Adapts the frequencies of a context as it grows, for scalings that depend on the length. */
export class RopeFollower {
  private readonly rope: RopeConfig;
  private readonly context: DecoderContext;
  /** Length that the frequencies in use were made for. */
  private made: number | undefined;

  constructor(rope: RopeConfig, context: DecoderContext) {
    this.rope = rope;
    this.context = context;
  }

  /** Called before tokens up to `length` positions are read. With a distance ceiling no angle exceeds the ceiling's. */
  reach(length: number): void {
    if (!dependsOnLength(this.rope)) return;
    const inUse = Math.min(length, this.context.policy.ceiling);
    const window = this.rope.originalMaxPositions;
    const grown =
      this.made === undefined ||
      (inUse > window && this.made < (this.rope.scaling.type === 'dynamic' ? inUse : window + 1));
    if (!grown) return;
    // Dynamic frequencies change with every token. They are set for a quarter more than is in use, and rows are rotated
    // anew only then.
    this.made = this.rope.scaling.type === 'dynamic' && this.made !== undefined ? Math.ceil(inUse * 1.25) : inUse;
    this.context.setRope(ropeFrequencies(this.rope, this.made));
  }
}
