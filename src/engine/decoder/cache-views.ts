import type { ort } from '../onnxruntime';
import type { RowStore } from '../kv-cache/row-store';
import type { CacheArray } from '../kv-cache/shape';
import { cacheTensor, type Feeds } from './runtime';

/** Keys and values of one layer's cached rows, as tensors over the caches. */
interface LayerRows {
  keys: ort.Tensor;
  values: ort.Tensor;
}

/** Tensors over a store's arrays, rebuilt only when the arrays are reallocated. */
export class CacheViews {
  #generation = -1;
  #layers: readonly LayerRows[] = [];

  constructor(
    private readonly store: RowStore,
    private readonly prefix: string,
    private readonly fromLayer = 0,
  ) {}

  feed(feeds: Feeds): void {
    if (this.#generation !== this.store.generation) this.#build();
    this.#layers.forEach(({ keys, values }, i) => {
      feeds[`${this.prefix}_keys_${i + this.fromLayer}`] = keys;
      feeds[`${this.prefix}_values_${i + this.fromLayer}`] = values;
    });
  }

  #build(): void {
    const { store } = this;
    const dims = [1, store.shape.kvHeads, store.capacity, store.shape.headDim];
    const tensor = (rows: CacheArray) => cacheTensor(rows, dims);
    this.#layers = store.keys
      .slice(this.fromLayer)
      .map((keys, i) => ({ keys: tensor(keys), values: tensor(store.values[i + this.fromLayer] as CacheArray) }));
    this.#generation = store.generation;
  }
}
