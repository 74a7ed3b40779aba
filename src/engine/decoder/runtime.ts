import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ort, readsFolders } from '../onnxruntime';
import type { RowStore } from '../kv-cache/row-store';
import type { ModelConfig } from '../checkpoint/types';
import type { CompiledWeights } from './compiled';
import { DecoderError } from './errors';
import { buildDecoderGraph } from './onnx/decoder-graph';
import type { GraphVariant } from './onnx/graph-variant';
import { MEMORY_FILE, type MemoryWeights, type MemoryTokenSet } from './memory-weights';
import type { CacheType, WeightFormat } from './options';
import { TokenStep } from './wasm/token-step';
import { WEIGHTS_FILE } from './weight-file';

export type Feeds = Record<string, ort.Tensor>;

/** Microseconds that idle threads spin: long enough for the next node, too short to starve the session's other half. */
const SPIN_MICROSECONDS = '250';

interface RuntimeSettings {
  config: ModelConfig;
  compiled: CompiledWeights;
  weights: WeightFormat;
  cache: CacheType;
  threads: number;
  /** Whether single tokens may take the kernels. */
  kernels: boolean;
  /** Weights of each set of memory tokens that the checkpoint has. */
  slots: Partial<Record<MemoryTokenSet, MemoryWeights>>;
}

/** The ONNX Runtime sessions of one decoder, each opened when it is first needed. */
export class Runtime {
  readonly cache: CacheType;
  readonly #settings: RuntimeSettings;
  readonly #sessions = new Map<string, Promise<ort.InferenceSession>>();
  #step: TokenStep | undefined | null = null;
  #closed = false;

  constructor(settings: RuntimeSettings) {
    this.#settings = settings;
    this.cache = settings.cache;
  }

  get config(): ModelConfig {
    return this.#settings.config;
  }

  /** Opens a session ahead of its first run. */
  async prepare(variant: GraphVariant): Promise<void> {
    await this.#session(variant);
  }

  /** Whether single tokens are read with the kernels. */
  get hasKernels(): boolean {
    return this.#settings.kernels && TokenStep.possible(this.#settings);
  }

  /**
   * The kernels that read single tokens, packed at first use; undefined where the graph reads them. @throws
   * DecoderError
   */
  step(): TokenStep | undefined {
    if (this.#closed) throw new DecoderError('closed', 'the decoder has been closed');
    if (this.#step === null) {
      try {
        this.#step = this.hasKernels ? TokenStep.open(this.#settings) : undefined;
      } catch (cause) {
        throw runtimeError(cause);
      }
    }
    return this.#step;
  }

  /** Bytes of the kernels' copies of a store's rows. */
  copiedBytes(store: RowStore): number {
    return this.#step?.bytesOf(store) ?? 0;
  }

  /** Runs a graph and copies out the named outputs. Blocks the thread. @throws DecoderError */
  async run(variant: GraphVariant, feeds: Feeds, fetches: readonly string[]): Promise<Record<string, ort.Tensor>> {
    const session = await this.#session(variant);
    try {
      return (await session.run(feeds, fetches)) as Record<string, ort.Tensor>;
    } catch (cause) {
      throw runtimeError(cause);
    }
  }

  /** Runs a small graph without weights. It is built when it is first needed. @throws DecoderError */
  async runSmall(
    name: string,
    build: () => Uint8Array,
    feeds: Feeds,
    fetches: readonly string[],
  ): Promise<Record<string, ort.Tensor>> {
    let session = this.#sessions.get(name);
    try {
      if (!session) {
        session = ort.InferenceSession.create(build(), {
          intraOpNumThreads: this.#settings.threads,
          logSeverityLevel: 3,
          extra: { session: { intra_op: { spin_duration_us: SPIN_MICROSECONDS } } },
        });
        this.#sessions.set(name, session);
      }
      return (await (await session).run(feeds, fetches)) as Record<string, ort.Tensor>;
    } catch (cause) {
      throw runtimeError(cause);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#step?.close();
    const sessions = await Promise.allSettled(this.#sessions.values());
    this.#sessions.clear();
    for (const session of sessions) if (session.status === 'fulfilled') await session.value.release();
  }

  #session(variant: GraphVariant): Promise<ort.InferenceSession> {
    if (this.#closed) throw new DecoderError('closed', 'the decoder has been closed');
    const key = JSON.stringify(variant);
    let session = this.#sessions.get(key);
    if (!session) {
      session = this.#open(variant);
      this.#sessions.set(key, session);
      session.catch(() => this.#sessions.delete(key));
    }
    return session;
  }

  async #open(variant: GraphVariant): Promise<ort.InferenceSession> {
    const { config, compiled, weights, cache, threads, slots } = this.#settings;
    const own = variant.slots && slots[variant.slots];
    const graph = buildDecoderGraph({
      config,
      stored: { ...compiled.stored, ...own?.stored },
      weights,
      cache,
      variant,
    });
    const { source } = compiled;
    const session: Record<string, unknown> = { intra_op: { spin_duration_us: SPIN_MICROSECONDS } };
    const externalData = [];
    // ONNX Runtime takes initializers from a folder or from buffers, not from both; checkpoints with slots are small.
    if (own || 'data' in source || !readsFolders) {
      const data = 'data' in source ? source.data : await readFile(join(source.directory, WEIGHTS_FILE));
      externalData.push({ path: WEIGHTS_FILE, data });
      if (own) externalData.push({ path: MEMORY_FILE, data: own.data });
    } else session['model_external_initializers_file_folder_path'] = source.directory;
    try {
      return await ort.InferenceSession.create(graph, {
        intraOpNumThreads: threads,
        graphOptimizationLevel: 'all',
        // Patterns keep memory for every shape that was run: 100 MB beside a model of 0.5B, for no measurable time.
        enableMemPattern: false,
        logSeverityLevel: 3,
        extra: { session },
        ...(externalData.length > 0 ? { externalData } : {}),
      });
    } catch (cause) {
      throw runtimeError(cause);
    }
  }
}

function runtimeError(cause: unknown): DecoderError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DecoderError('runtime', `the model could not be run: ${reason}`, { cause });
}

export function int64(values: readonly number[] | BigInt64Array, dims: readonly number[]): ort.Tensor {
  return new ort.Tensor('int64', values instanceof BigInt64Array ? values : BigInt64Array.from(values, BigInt), dims);
}

export function float32(values: Float32Array, dims: readonly number[]): ort.Tensor {
  return new ort.Tensor('float32', values, dims);
}

export function int32(values: readonly number[], dims: readonly number[]): ort.Tensor {
  return new ort.Tensor('int32', Int32Array.from(values), dims);
}

/** A view of cached rows: nothing is copied. */
export function cacheTensor(values: Float32Array | Uint16Array, dims: readonly number[]): ort.Tensor {
  if (values instanceof Float32Array) return new ort.Tensor('float32', values, dims);
  const tensor = new ort.Tensor('float16', values, dims);
  // With Float16Array (Node 24) the tensor's data has that type, which the native half of ONNX Runtime 1.30 takes for
  // empty.
  if ((tensor.data as unknown) !== values) Object.defineProperty(tensor, 'data', { value: values });
  return tensor;
}

/** The data of an output in the cache's type. Where Float16Array exists, the runtime makes f16 outputs of it. */
export function cacheData(tensor: ort.Tensor): Float32Array | Uint16Array {
  const data = tensor.data as Float32Array | Uint16Array;
  if (data instanceof Float32Array || data instanceof Uint16Array) return data;
  const view = data as ArrayBufferView;
  return new Uint16Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength / 2);
}
