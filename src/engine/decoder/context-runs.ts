import type { ort } from '../onnxruntime';
import { attentionBias } from '../attention/bias';
import { HIDDEN } from '../attention/policy';
import type { Context } from '../kv-cache/context';
import type { NewRow } from '../kv-cache/row-plan';
import type { RowBlock, RowStore } from '../kv-cache/row-store';
import { rotationTables, type RotationTable } from '../rope/frequencies';
import { CacheViews } from './cache-views';
import { rotationInput, type GraphVariant } from './onnx/graph-variant';
import { cacheData, float32, int32, int64, type Feeds, type Runtime } from './runtime';
import type { TokenStep } from './wasm/token-step';
import { WindowRows } from './window-rows';

/** Runs the model on a context: prepares the inputs of graphs and kernels, and appends the new rows. */
export class ContextRuns {
  readonly #runtime: Runtime;
  readonly #context: Context;
  readonly #windows: WindowRows;
  readonly #views: { near: CacheViews; far: CacheViews; middle: CacheViews };

  constructor(runtime: Runtime, context: Context) {
    this.#runtime = runtime;
    this.#context = context;
    const { near, far, middle } = context;
    this.#windows = new WindowRows(runtime.config, context);
    this.#views = {
      near: new CacheViews(near, 'past'),
      far: new CacheViews(far, 'far'),
      middle: new CacheViews(middle, 'middle', context.policy.middle?.fromLayer),
    };
  }

  /** Reads tokens together. Returns the logits [logitRows, vocab] that follow the tokens at these indices. */
  async chunk(chunk: readonly number[], logitRows: readonly number[]): Promise<Float32Array> {
    const context = this.#context;
    const { policy } = context;
    const rows = context.plan(chunk);
    const visibility = this.#seesAll(context.position + chunk.length)
      ? 'causal'
      : policy.ceiling !== Infinity
        ? 'dual'
        : 'masked';
    context.prepare(context.position, context.position + chunk.length - 1);
    const feeds = this.#newRowFeeds(rows, visibility === 'dual');
    // The kernels compute the logits of a single row. ONNX Runtime then keeps no copy of that matrix.
    const byKernels = this.#runtime.hasKernels && logitRows.length <= 1;
    feeds['rows'] = int64(logitRows, [logitRows.length]);
    this.#views.near.feed(feeds);
    if (visibility === 'dual') this.#views.far.feed(feeds);
    else {
      const cached = visibility === 'causal' ? context.near.end : context.near.capacity;
      feeds['last'] = int32([cached + chunk.length - 1], [1]);
      feeds['total'] = int32([cached + chunk.length], [1]);
    }
    const far = visibility === 'dual' ? context.far : undefined;
    this.#windows.feed(feeds, rows, far, far ? 'products' : 'flash');
    if (visibility !== 'causal') {
      const bias = attentionBias(policy, rows, context.near, far);
      feeds['bias'] = float32(bias, [1, 1, chunk.length, bias.length / chunk.length]);
    }
    const result = await this.#run(
      { phase: 'prefill', visibility, logits: !byKernels },
      feeds,
      rows,
      logitRows.length === 0 ? undefined : byKernels ? 'hidden' : 'logits',
    );
    return byKernels && logitRows.length > 0 ? (this.#runtime.step() as TokenStep).logits(result) : result;
  }

  /** Reads one token with the kernels where they run, else with the graph. Returns the logits that follow it. */
  async token(token: number): Promise<Float32Array> {
    const context = this.#context;
    const { policy } = context;
    const rows = context.plan([token]);
    const dual = policy.ceiling !== Infinity;
    context.prepare(context.position, context.position);
    const bias = this.#tokenBias(rows, dual);
    // The kernels do not support middle rows by heads.
    const byHeads = policy.middle !== undefined && policy.middle.k > 0 && context.middle.count > 0;
    const step = byHeads ? undefined : this.#runtime.step();
    const far = dual ? context.far : undefined;
    if (step?.prepare({ near: context.near, ...(far ? { far } : {}), bias, windows: this.#windows.biases(rows, far) }))
      return this.#stepToken(step, rows, dual);
    const feeds = this.#newRowFeeds(rows, dual);
    this.#views.near.feed(feeds);
    if (dual) this.#views.far.feed(feeds);
    const parts = this.#parts(dual);
    feeds['parts'] = int64(parts, [parts.length]);
    feeds['bias'] = float32(bias, [1, 1, 1, bias.length]);
    this.#windows.feed(feeds, rows, far, 'token');
    const variant: GraphVariant = { phase: 'decode', visibility: dual ? 'dual' : 'masked' };
    if (policy.middle && byHeads) {
      variant.middle = { k: policy.middle.k, fromLayer: policy.middle.fromLayer };
      this.#middleFeeds(feeds, parts);
    }
    return this.#run(variant, feeds, rows, 'logits');
  }

  /** Whether rows up to the position `end` see all earlier rows, and these have no holes between them. */
  #seesAll(end: number): boolean {
    const { near, far, policy, position } = this.#context;
    if (near.hasHoles) return false;
    return policy.causal || (end <= (policy.causalWithin ?? 0) && far.count === 0 && near.count === position);
  }

  /** Sizes of the parts of one token's scores. */
  #parts(dual: boolean): number[] {
    const { near, far } = this.#context;
    return dual ? [far.capacity, near.capacity, 1] : [near.capacity, 1];
  }

  #tokenBias(rows: readonly NewRow[], dual: boolean): Float32Array {
    const { near, far, policy } = this.#context;
    return policy.causal && !near.hasHoles
      ? causalBias(near)
      : attentionBias(policy, rows, near, dual ? far : undefined);
  }

  #middleBias(): ort.Tensor {
    const { middle } = this.#context;
    const bias = new Float32Array(middle.capacity).fill(HIDDEN);
    for (const slot of middle.used()) bias[slot] = 0;
    return float32(bias, [1, 1, 1, bias.length]);
  }

  #middleFeeds(feeds: Feeds, parts: readonly number[]): void {
    this.#views.middle.feed(feeds);
    feeds['middle_bias'] = this.#middleBias();
    feeds['middle_parts'] = int64([this.#context.middle.capacity, ...parts], [parts.length + 1]);
    feeds['middle_positions'] = int64([2], [1, 1]);
  }

  #stepToken(step: TokenStep, rows: readonly NewRow[], dual: boolean): Float32Array {
    const { keys, values, logits } = step.run(
      { token: (rows[0] as NewRow).token, rotations: this.#rotations(rows, dual) },
      dual,
    );
    this.#context.append({ keys, values, rows: 1 }, rows);
    return logits;
  }

  /**
   * Tokens and rotations of the new rows. The rotations to the ceiling and to the middle rows are two more rows of the
   * tables.
   */
  #newRowFeeds(rows: readonly NewRow[], dual: boolean): Feeds {
    const shape = [1, rows.length];
    const angles = rows.length + (dual ? 2 : 0);
    const feeds: Feeds = {
      tokens: int64(
        rows.map((row) => row.token),
        shape,
      ),
      positions: int64(
        rows.map((_, i) => i),
        shape,
      ),
    };
    this.#rotations(rows, dual).forEach((table, kind) => {
      for (const name of ['cos', 'sin'] as const)
        feeds[rotationInput(name, kind)] = float32(table[name], [angles, table[name].length / angles]);
    });
    if (dual)
      feeds['far_positions'] = int64(
        rows.map(() => rows.length),
        shape,
      );
    return feeds;
  }

  #rotations(rows: readonly NewRow[], dual: boolean): RotationTable[] {
    const { rope, policy } = this.#context;
    const angles = rows.map((row) => row.position);
    if (dual) angles.push(policy.ceiling, policy.middle?.distance ?? 0);
    return rotationTables(rope, angles);
  }

  /** Runs a graph and appends the rows it returns. Returns the output wanted. */
  async #run(
    variant: GraphVariant,
    feeds: Feeds,
    rows: readonly NewRow[],
    wanted: 'hidden' | 'logits' | undefined,
  ): Promise<Float32Array> {
    const fetches = wanted ? ['keys', 'values', wanted] : ['keys', 'values'];
    const made = await this.#runtime.run(variant, feeds, fetches);
    const block: RowBlock = {
      keys: cacheData(made['keys'] as ort.Tensor),
      values: cacheData(made['values'] as ort.Tensor),
      rows: rows.length,
    };
    this.#context.append(block, rows);
    return wanted ? ((made[wanted] as ort.Tensor).data as Float32Array) : new Float32Array(0);
  }
}

/** All slots in use, then those kept ready, then the new row. */
function causalBias(near: RowStore): Float32Array {
  const bias = new Float32Array(near.capacity + 1);
  return bias.fill(HIDDEN, near.end, near.capacity);
}
