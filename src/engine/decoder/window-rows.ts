import { layerOf, layerWindows } from '../architectures/layer';
import { attentionBias } from '../attention/bias';
import type { AttentionPolicy } from '../attention/policy';
import { withinWindow } from '../attention/within-window';
import type { ModelConfig } from '../checkpoint/types';
import type { Context } from '../kv-cache/context';
import type { NewRow } from '../kv-cache/row-plan';
import type { RowStore } from '../kv-cache/row-store';
import { newCacheArray, type CacheArray } from '../kv-cache/shape';
import { windowInput } from './onnx/graph-variant';
import { cacheTensor, float32, int32, int64, type Feeds } from './runtime';
import { slotsFor } from './segment-rows';

interface WindowLayers {
  window: number;
  /** The policy for these layers. */
  policy: AttentionPolicy;
  layers: readonly number[];
}

/** How a graph attends: the flash kernel and single tokens are told sizes. */
export type AttentionForm = 'flash' | 'products' | 'token';

/** Cached rows of layers with a window of their own. Graphs get only the rows that a window reaches. */
export class WindowRows {
  readonly #context: Context;
  readonly #kinds: readonly WindowLayers[];

  constructor(config: ModelConfig, context: Context) {
    this.#context = context;
    this.#kinds = layerWindows(config).map((window) => ({
      window,
      policy: withinWindow(context.policy, window),
      layers: config.layerDescriptions.flatMap((_, layer) =>
        layerOf(config, layer).attention.window === window ? [layer] : [],
      ),
    }));
  }

  /** For the kernels, which skip pages by themselves: the bias over all slots, by the window. */
  biases(rows: readonly NewRow[], far: RowStore | undefined): Map<number, Float32Array> {
    const { near } = this.#context;
    return new Map(this.#kinds.map(({ window, policy }) => [window, attentionBias(policy, rows, near, far)]));
  }

  /** Feeds the rows that the windows of the new rows reach, instead of all, and what hides them from some. */
  feed(feeds: Feeds, rows: readonly NewRow[], far: RowStore | undefined, form: AttentionForm): void {
    const { near } = this.#context;
    const { kvHeads, headDim, type } = near.shape;
    const first = (rows[0] as NewRow).position;
    for (const { window, policy, layers } of this.#kinds) {
      const slots = [...near.used()].filter((slot) => first - (near.positions[slot] as number) < window);
      const capacity = slotsFor(slots.length);
      const pick = (from: Uint8Array | Int32Array) => Int32Array.from(slots, (slot) => from[slot] as number);
      const places = {
        ...{ capacity, end: slots.length },
        ...{ kinds: pick(near.kinds), positions: pick(near.positions), groups: pick(near.groups) },
      };
      const bias = attentionBias(policy, rows, places, far);
      feeds[windowInput('bias', window)] = float32(bias, [1, 1, rows.length, bias.length / rows.length]);
      if (form === 'flash') {
        feeds[windowInput('last', window)] = int32([capacity + rows.length - 1], [1]);
        feeds[windowInput('total', window)] = int32([capacity + rows.length], [1]);
      }
      if (form === 'token') {
        const parts = [...(far ? [far.capacity] : []), capacity, 1];
        feeds[windowInput('parts', window)] = int64(parts, [parts.length]);
      }
      const gathered = (all: CacheArray) => {
        const some = newCacheArray(type, kvHeads * capacity * headDim);
        for (let head = 0; head < kvHeads; head++) {
          slots.forEach((slot, i) => {
            const from = (head * near.capacity + slot) * headDim;
            some.set(all.subarray(from, from + headDim), (head * capacity + i) * headDim);
          });
        }
        return cacheTensor(some, [1, kvHeads, capacity, headDim]);
      };
      for (const layer of layers) {
        feeds[`past_keys_${layer}`] = gathered(near.keys[layer] as CacheArray);
        feeds[`past_values_${layer}`] = gathered(near.values[layer] as CacheArray);
      }
    }
  }
}
