/** A loaded checkpoint in the inference process: chats in, text out. */
import type { CachedRows, ChatMessage, ExtendedWindow, LoadedModel, LoadParams, Readiness, Written } from '../protocol';
import { basename } from 'node:path';
import {
  checkSums,
  Decoder,
  type DecoderContext,
  full,
  generate,
  lineEnds,
  openCheckpoint,
  openSafetensors,
  parameterCount,
  readAnchorRule,
  readingContext,
  tokenBytes,
  type ChatTemplate,
  type ContextAccount,
  type CompileListener,
  type DecoderOptions,
  type ModelConfig,
  type TensorSource,
  type AnchorRule,
  type Checkpoint,
  type Tokenizer,
  withAdapters,
  withAnchors,
} from '../engine';
import { formatNumber } from '../base';
import { extendLoaded, type ExtendOptions } from './extend-window';
import { loops } from './greedy';
import { readMemoryConfig, type MemoryConfig } from './memory-config';
import { MemoryModel } from './memory-model';
import { PassageEncoder } from './passage-encoder';
import { KeptRows } from './kept-rows';
import { QuotedPrompts, type QuotedPrompt } from './quoted-prompt';

/** Most rows of an answer's context. Reading more takes minutes on a CPU. */
const MOST_CONTEXT = 8_192;
/** Most bytes of cached rows. */
const MOST_CACHE_BYTES = 1.5e9;
/**
 * Tokens per run of a model that writes. A run cannot be interrupted, so this bounds how long a cancelled answer holds
 * the next one.
 */
const CHUNK_TOKENS = 128;
/** Weight of the latest reading in the measured speed. */
const LATEST = 0.5;

export interface WriteOptions {
  maxNewTokens: number;
  signal?: AbortSignal;
  onText: (text: string) => void;
  onRead?: (read: number, total: number) => void;
  /** Texts that the chat quotes, in its order. */
  quotes?: readonly string[] | undefined;
}

export class EngineModel {
  readonly description: LoadedModel;
  private readonly quoted: QuotedPrompts;
  /** Tokens read per second. */
  private speed: Promise<number> | undefined;

  private constructor(
    private readonly decoder: Decoder,
    private readonly tokenizer: Tokenizer,
    private readonly template: ChatTemplate | undefined,
    name: string,
    adapters: readonly string[],
    /** Present when the checkpoint has memory slots. */
    readonly memory: MemoryModel | undefined,
    private readonly kept: KeptRows,
    private readonly anchors: AnchorRule | undefined,
    /** Opens the checkpoint again. */
    private readonly reopen: () => Promise<Checkpoint>,
  ) {
    const { config } = decoder;
    this.quoted = new QuotedPrompts(decoder, tokenizer, kept);
    const contextTokens = Math.min(config.maxPositions, MOST_CONTEXT, Math.floor(MOST_CACHE_BYTES / decoder.rowBytes));
    this.description = {
      name,
      trainedWindow: config.rope.originalMaxPositions,
      contextTokens,
      bytesPerRow: decoder.rowBytes,
      anyLength: config.slidingWindow === undefined,
      tokenBytes: tokenBytes(config, decoder.weights),
      parameters: parameterCount(config),
      detail: describe(config, decoder.weights, contextTokens, template !== undefined, adapters),
      ...(memory ? { memory: memory.description } : {}),
    };
  }

  /** @throws CheckpointError naming the file and the field; DecoderError */
  static async load(
    {
      directory,
      name = basename(directory),
      adapters: added = [],
      compiledDirectory,
      encoderDirectory,
      rowsDirectory,
      weights,
      threads,
      unextended,
      checked,
    }: LoadParams,
    signal?: AbortSignal,
    { damaged, progress }: CompileListener = {},
  ): Promise<EngineModel> {
    // A single file has no list of sums. What was added to it has.
    if (checked) for (const folder of added.length > 0 ? added : [directory]) await checkSums(folder);
    const { path, adapters } = await withAdapters(directory);
    const all = [...adapters, ...added];
    const reopen = () => openCheckpoint(path, { adapters: all, ...(unextended ? { rope: 'config' } : {}) });
    const checkpoint = await reopen();
    try {
      const tokenizer = await checkpoint.openTokenizer();
      const template = await checkpoint.openChatTemplate();
      signal?.throwIfAborted();
      const anchors = await readAnchorRule(directory, tokenizer);
      const memoryConfig = await readMemoryConfig(directory, checkpoint.config, tokenizer);
      const options = {
        weights,
        cacheDirectory: compiledDirectory,
        threads: threads || undefined,
        ...(damaged ? { onDamage: damaged } : {}),
        ...(progress ? { onProgress: progress } : {}),
        ...(memoryConfig ? {} : { chunkTokens: CHUNK_TOKENS }),
      };
      const decoder = await (memoryConfig
        ? withSlots(memoryConfig, (slots) => Decoder.open(checkpoint, { ...options, ...slots }))
        : Decoder.open(checkpoint, options));
      const passages =
        memoryConfig && encoderDirectory !== undefined
          ? await PassageEncoder.open(encoderDirectory, threads || undefined)
          : undefined;
      const memory =
        memoryConfig && (await MemoryModel.open(decoder, tokenizer, memoryConfig, checkpoint.fingerprint, passages));
      const { layers, kvHeads, headDim } = decoder.config;
      const kept = await KeptRows.open({
        model: `${checkpoint.fingerprint}:${decoder.compiled.digest}`,
        shape: { layers, kvHeads, headDim, type: decoder.cache },
        directory: rowsDirectory,
      });
      return new EngineModel(decoder, tokenizer, template, name, all, memory, kept, anchors, reopen);
    } finally {
      await checkpoint.close();
    }
  }

  /** Tokens of a chat as `write` reads it. */
  count(chat: readonly ChatMessage[]): number {
    return this.encode(chat).length;
  }

  /** Whether the rows of each quote of a chat are kept, and the tokens read per second. */
  async readiness(chat: readonly ChatMessage[], quotes: readonly string[]): Promise<Readiness> {
    return {
      held: this.quoted.held(this.textOf(chat), quotes, !this.template),
      tokensPerSecond: await this.measureSpeed(),
    };
  }

  /** Reads the quotes of a chat ahead, and keeps their rows. */
  async readAhead(chat: readonly ChatMessage[], quotes: readonly string[], signal?: AbortSignal): Promise<null> {
    await this.quoted.readAhead(this.textOf(chat), quotes, !this.template, signal);
    await this.kept.save();
    return null;
  }

  /** Reads a few tokens, which also opens the graphs. Later readings correct the speed. */
  measureSpeed(): Promise<number> {
    this.speed ??= (async () => {
      const { decoder } = this;
      const tokens = Array.from({ length: CHUNK_TOKENS }, (_, i) => i % decoder.config.vocabSize);
      const read = async (): Promise<number> => {
        const context = decoder.newContext(full(decoder.config.slidingWindow), CHUNK_TOKENS + 1);
        const started = performance.now();
        await context.prefill(tokens, { logits: 'none' });
        const ended = performance.now();
        await context.decode(tokens[0] as number);
        return (CHUNK_TOKENS * 1_000) / (ended - started);
      };
      await read();
      return read();
    })();
    return this.speed;
  }

  async write(
    chat: readonly ChatMessage[],
    { maxNewTokens, signal, onText, onRead, quotes = [] }: WriteOptions,
  ): Promise<Written> {
    const { decoder, tokenizer } = this;
    const started = performance.now();
    let mostRead = 0;
    const reading = (read: number, total: number): void => {
      mostRead = read;
      onRead?.(read, total);
    };
    let spliced: QuotedPrompt | undefined;
    try {
      spliced = await this.quoted.read(this.textOf(chat), quotes, {
        specialTokens: !this.template,
        maxNewTokens,
        mostRows: this.description.contextTokens,
        onRead: reading,
        signal,
      });
    } catch (error) {
      if (!signal?.aborted) throw error;
      return {
        text: '',
        promptTokens: 0,
        newTokens: 0,
        stopped: 'cancelled',
        timing: { read: performance.now() - started, decode: 0, firstToken: 0 },
      };
    }
    const { tail: prompt, context } = spliced ?? this.reading(this.encode(chat), maxNewTokens);
    const loop = new AbortController();
    const written: number[] = [];
    const before = mostRead;
    let read = started;
    let firstToken: number | undefined;
    const generated = await generate(
      decoder,
      context,
      prompt,
      {
        maxNewTokens: spliced?.answerTokens ?? maxNewTokens,
        signal: signal ? AbortSignal.any([signal, loop.signal]) : loop.signal,
        onRead: (done, total) => {
          read = performance.now();
          reading(before + done, before + total);
        },
        onText,
        onToken: (token) => {
          firstToken ??= performance.now() - started;
          written.push(token);
          if (loops(written)) loop.abort();
        },
      },
      tokenizer,
    );
    const ended = performance.now();
    const reads = read - started - (spliced?.reading.splice ?? 0);
    await this.correctSpeed(mostRead, reads);
    await this.kept.save();
    return {
      text: generated.text,
      promptTokens: spliced?.promptTokens ?? generated.promptTokens,
      newTokens: generated.tokens.length,
      stopped: signal?.aborted ? 'cancelled' : generated.reason === 'length' ? 'length' : 'end',
      ...(context.policy.ceiling === Infinity
        ? {}
        : { beyondWindow: decoder.config.maxPositions, cached: cachedRows(context.ledger()) }),
      timing: {
        read: reads,
        decode: ended - read,
        firstToken: firstToken ?? ended - started,
      },
      ...(spliced ? { quotes: spliced.reading } : {}),
    };
  }

  /** A prompt that is read as one text. Beyond the window, a model trained with anchors gets its anchors. */
  private reading(prompt: number[], maxNewTokens: number): { tail: number[]; context: DecoderContext } {
    const { decoder, tokenizer, anchors } = this;
    const { maxPositions, vocabSize } = decoder.config;
    if (!anchors || prompt.length + maxNewTokens <= maxPositions)
      return { tail: prompt, context: readingContext(decoder, prompt.length + maxNewTokens) };
    const tail = withAnchors(prompt, anchors, lineEnds(tokenizer, vocabSize));
    return { tail, context: readingContext(decoder, tail.length + maxNewTokens, { anchors }) };
  }

  private async correctSpeed(tokens: number, milliseconds: number): Promise<void> {
    // Short texts take longer per token than a chunk does.
    if (tokens < 2 * CHUNK_TOKENS) return;
    const before = await this.measureSpeed();
    this.speed = Promise.resolve((1 - LATEST) * before + (LATEST * tokens * 1_000) / milliseconds);
  }

  /** Searches rotary factors for a longer window, and stores them with the model. */
  async extendWindow(options: ExtendOptions): Promise<ExtendedWindow> {
    const checkpoint = await this.reopen();
    try {
      return await extendLoaded(checkpoint, this.decoder, this.tokenizer, options);
    } finally {
      await checkpoint.close();
    }
  }

  /** Forgets the rows of all texts. */
  forget(): Promise<void> {
    return this.kept.clear();
  }

  close(): Promise<void> {
    return this.decoder.close();
  }

  private encode(chat: readonly ChatMessage[]): number[] {
    return this.tokenizer.encode(this.textOf(chat), { addSpecialTokens: !this.template });
  }

  /** The chat as text. A base model has no template; its text ends where the answer begins. */
  private textOf(chat: readonly ChatMessage[]): string {
    if (!this.template) {
      const text = chat
        .map(({ role, content }) => (role === 'assistant' ? `Answer: ${content}` : content))
        .join('\n\n');
      return `${text}\n\nAnswer:`;
    }
    return this.template.render(chat, {
      bosToken: this.tokenizer.namedToken('bos_token'),
      eosToken: this.tokenizer.namedToken('eos_token'),
      // Reasoning would use up the tokens of the answer.
      variables: { enable_thinking: false },
    });
  }
}

/** Opens the slots' weights for `use`, which compiles them, and closes them afterwards. */
async function withSlots<T>(
  { memoryFile, dense }: MemoryConfig,
  use: (slots: Pick<DecoderOptions, 'memory' | 'denseMemory'>) => Promise<T>,
): Promise<T> {
  const memory = await openSafetensors(memoryFile);
  let denseMemory: TensorSource | undefined;
  try {
    denseMemory = dense && (await openSafetensors(dense.file));
    return await use({ memory, ...(denseMemory ? { denseMemory } : {}) });
  } finally {
    await memory.close();
    await denseMemory?.close();
  }
}

/** Rows of a text that was read under Λ. Blocks that were placed again count as earlier text. */
function cachedRows({ groups }: ContextAccount): CachedRows[] {
  const kinds = { sinks: 'sinks', memory: 'earlier', middle: 'earlier', anchors: 'anchors', window: 'window' } as const;
  const found = new Map<CachedRows['kind'], CachedRows>();
  for (const { kind, rows, tokens } of groups) {
    const own = found.get(kinds[kind]);
    found.set(kinds[kind], { kind: kinds[kind], rows: rows + (own?.rows ?? 0), tokens: tokens + (own?.tokens ?? 0) });
  }
  return [...found.values()];
}

function describe(
  config: ModelConfig,
  weights: string,
  contextTokens: number,
  chats: boolean,
  adapters: readonly string[],
): string {
  const parameters = parameterCount(config);
  const size =
    parameters >= 1e9
      ? `${(parameters / 1e9).toFixed(1)} B`
      : parameters >= 1e6
        ? `${Math.round(parameters / 1e6)} M`
        : `${Math.round(parameters / 1e3)} k`;
  const merged = adapters.length === 0 ? '' : `, with the adapter ${adapters.map((each) => basename(each)).join(', ')}`;
  const kind = chats ? '' : '; a base model without a chat template, which completes text and may not answer';
  return (
    `${config.architecture}, ${size} parameters in ${config.layers} layers, ${weights} weights, ` +
    `${formatNumber(contextTokens)} tokens of context${merged}${kind}.`
  );
}
