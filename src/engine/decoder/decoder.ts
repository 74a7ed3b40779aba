import { availableParallelism } from 'node:os';
import { layerWindows } from '../architectures/layer';
import { full } from '../attention/full';
import type { AttentionPolicy } from '../attention/policy';
import { rowBytes } from '../kv-cache/shape';
import type { Checkpoint, ModelConfig } from '../checkpoint/types';
import { ropeFrequencies, type RopeFrequencies } from '../rope/frequencies';
import { openCompiled, type CompiledWeights } from './compiled';
import { DecoderContext } from './decoder-context';
import { DecoderError } from './errors';
import type { EncodeSegment, LiveCompression } from './live-compression';
import { compileMemory, embeddingsOf, type MemoryTokenSet } from './memory-weights';
import { chooseWeights, type CacheType, type DecoderOptions, type WeightFormat } from './options';
import { Runtime } from './runtime';
import { SegmentEncoder, type EncodedSegment, type EncodeOptions, type SegmentInput } from './segment-encoder';
import type { MemoryTokenStart } from './memory-token-start';

const MOST_THREADS = 8;
const CHUNK_TOKENS = 256;

export interface ContextOptions {
  /** Rotary frequencies; default: those of the config for a context of `capacity` positions. */
  rope?: RopeFrequencies;
  /**
   * Encodes the oldest rows to memory tokens as the text grows. Needs memory weights and a policy without window or
   * anchors (`memories`).
   */
  compress?: LiveCompression;
}

/** A compiled checkpoint, ready to run. Runs block the thread: keep the decoder in a process of its own. */
export class Decoder {
  readonly config: ModelConfig;
  readonly weights: WeightFormat;
  readonly cache: CacheType;
  readonly #runtime: Runtime;
  readonly #compiled: CompiledWeights;
  readonly #chunkTokens: number;

  readonly #starts: Partial<Record<MemoryTokenSet, MemoryTokenStart>>;

  private constructor(
    config: ModelConfig,
    weights: WeightFormat,
    runtime: Runtime,
    compiled: CompiledWeights,
    chunkTokens: number,
    starts: Partial<Record<MemoryTokenSet, MemoryTokenStart>>,
  ) {
    this.config = config;
    this.weights = weights;
    this.cache = runtime.cache;
    this.#runtime = runtime;
    this.#compiled = compiled;
    this.#chunkTokens = chunkTokens;
    this.#starts = starts;
  }

  /**
   * Compiles the checkpoint, or finds it compiled in `cacheDirectory`. The checkpoint may be closed afterwards.
   *
   * @throws CheckpointError when a tensor is damaged or has a wrong shape; DecoderError 'cacheUnwritable'
   */
  static async open(checkpoint: Checkpoint, options: DecoderOptions): Promise<Decoder> {
    const { config } = checkpoint;
    const asked = options.weights ?? 'auto';
    const weights = asked === 'auto' ? chooseWeights(config) : asked;
    const cache = options.cache ?? (weights === 'f32' ? 'float32' : 'float16');
    const threads = options.threads || Math.min(MOST_THREADS, availableParallelism());
    const chunkTokens = options.chunkTokens ?? CHUNK_TOKENS;
    if (!Number.isInteger(chunkTokens) || chunkTokens < 1)
      throw new DecoderError('badInput', `chunkTokens is ${chunkTokens}; it must be a whole number above 0`);
    const compiled = await openCompiled(checkpoint, weights, options.cacheDirectory, {
      damaged: options.onDamage,
      progress: options.onProgress,
    });
    if ((options.memory || options.denseMemory) && layerWindows(config).length > 0)
      throw new DecoderError(
        'badInput',
        'memory tokens are not built for a model with sliding windows in some layers; open it without memory weights',
      );
    const embeddings = embeddingsOf(checkpoint);
    const memory = options.memory && (await compileMemory(checkpoint, options.memory, embeddings));
    const dense = options.denseMemory && (await compileMemory(checkpoint, options.denseMemory, embeddings));
    const slots = { ...(memory ? { memory } : {}), ...(dense ? { dense } : {}) };
    const runtime = new Runtime({ config, compiled, weights, cache, threads, kernels: options.kernels ?? true, slots });
    const starts = { ...(memory ? { memory: memory.start } : {}), ...(dense ? { dense: dense.start } : {}) };
    return new Decoder(config, weights, runtime, compiled, chunkTokens, starts);
  }

  /** Bytes of one cached row. */
  get rowBytes(): number {
    const { layers, kvHeads, headDim } = this.config;
    return rowBytes({ layers, kvHeads, headDim, type: this.cache });
  }

  /** Bytes of the compiled weights on disk, the digest of their verified content, and whether they were there. */
  get compiled(): { byteLength: number; digest: string; cached: boolean } {
    const { byteLength, digest, cached } = this.#compiled;
    return { byteLength, digest, cached };
  }

  /**
   * Opens an empty context.
   *
   * @param policy visibility of rows; default full attention, with the model's own sliding window if it has one
   * @param capacity most rows; default: the positions that the config admits
   */
  newContext(
    policy: AttentionPolicy = full(this.config.slidingWindow),
    capacity = this.config.maxPositions,
    options: ContextOptions = {},
  ): DecoderContext {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new DecoderError('badInput', `the capacity is ${capacity}; it must be a whole number of rows above 0`);
    if (policy.middle && policy.middle.k > 0 && layerWindows(this.config).length > 0)
      throw new DecoderError(
        'badInput',
        'rows chosen for each head are not built for a model with sliding windows in some layers; look back by blocks',
      );
    const rope = options.rope ?? ropeFrequencies(this.config.rope, capacity);
    const { compress } = options;
    if (compress && !this.hasMemoryTokens('memory'))
      throw new DecoderError('badInput', 'live compression needs memory weights; open the decoder with them');
    if (compress && policy.ceiling !== Infinity)
      throw new DecoderError(
        'badInput',
        'live compression moves rows up so that nothing is out of reach: use a policy without a ceiling',
      );
    const encode: EncodeSegment = async (segment, encodeOptions) =>
      (await this.encodeSegments([segment], encodeOptions))[0] as EncodedSegment;
    const settings = {
      config: this.config,
      runtime: this.#runtime,
      chunkTokens: this.#chunkTokens,
      encode,
      ...(compress ? { compress } : {}),
    };
    return DecoderContext.open(settings, policy, capacity, rope);
  }

  /**
   * Encodes segments side by side, each alone behind the same prefix. Returns the rows and hidden states asked for of
   * each segment. No logits are computed.
   *
   * @throws DecoderError 'badInput', 'cancelled' (between batches); KvRowsError when the prefix is of another model
   */
  async encodeSegments(
    segments: readonly SegmentInput[],
    options: Partial<EncodeOptions> = {},
  ): Promise<EncodedSegment[]> {
    const rope = options.rope ?? ropeFrequencies(this.config.rope, this.config.rope.originalMaxPositions);
    return new SegmentEncoder(this.config, this.#runtime, { ...options, rope }, this.#starts).encode(segments);
  }

  /** Whether segments can be encoded to memory tokens of this set. */
  hasMemoryTokens(set: MemoryTokenSet): boolean {
    return this.#starts[set] !== undefined;
  }

  /** Frees the sessions. Contexts of this decoder cannot be used any more. */
  async close(): Promise<void> {
    await this.#runtime.close();
  }
}
