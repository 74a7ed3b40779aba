import { HIDDEN } from '../../attention/policy';
import type { RowStore } from '../../kv-cache/row-store';
import { layerOf, layerWindows } from '../../architectures/layer';
import type { ModelConfig } from '../../architectures/model-config';
import { BLOCK } from '../quantize';
import { PAGE_SLOTS, PARTIAL, SCRATCH_BYTES, TASK } from './attention-layout';
import { ByteRows, PagePool } from './byte-rows';
import type { KernelMemory } from './kernel-memory';
import { ACTIVATION_BLOCK_BYTES, ATTENTION, JOB } from './layout';

/** The bias of hidden rows as it stands in an array of f32. */
const HIDDEN_IN_F32 = Math.fround(HIDDEN);

/**
 * The rows that a token sees. bias [F + P + 1]: added to the scores of far slots, near slots and the token's own row.
 */
export interface SeenRows {
  near: RowStore;
  far?: RowStore;
  bias: Float32Array;
  /** The same for layers with a window of their own, by the window. */
  windows?: ReadonlyMap<number, Float32Array>;
}

/** Rows that layers of one kind see: tasks for the pages that have one, and the bias of the token's own row. */
interface View {
  tasks: number;
  pieces: number;
  pages: number;
  ownBias: number;
}

/** One layer's queries [H · D] (rotated; for far rows to the ceiling), key and value [K · D] of the new row. */
export interface NewRowVectors {
  q: Float32Array;
  qFar: Float32Array;
  k: Float32Array;
  v: Float32Array;
}

/** Attention of a token to cached rows, in the kernels. The new row itself is not rounded. */
export class RowAttention {
  readonly #config: ModelConfig;
  readonly #memory: KernelMemory;
  readonly #pool: PagePool;
  readonly #job: number;
  readonly #copies = new WeakMap<RowStore, ByteRows>();
  /** Queries filled up to whole blocks, and rounded: near ones, then far ones. */
  readonly #queries: { values: Float32Array; at: number; rounded: number }[];
  readonly #partialBytes: number;
  /** Memory that depends on the number of pages, allocated anew at twice the size when there are more. */
  #room = { pages: 0, bias: 0, tasks: 0, scratch: 0, partials: 0 };
  /** Views of layers without a window of their own (undefined), and of each window. */
  readonly #views = new Map<number | undefined, View>();
  #pages = 0;
  #partials: Float32Array = new Float32Array(0);

  constructor(config: ModelConfig, memory: KernelMemory) {
    const { layers, kvHeads, queryHeads, headDim } = config;
    this.#config = config;
    this.#memory = memory;
    this.#pool = new PagePool(memory, { layers, kvHeads, headDim, type: 'float16' });
    this.#partialBytes = PARTIAL.bytes(headDim);
    const { blocks, groups, values, scales } = this.#pool.part;
    this.#queries = [0, 1].map(() => {
      const at = memory.allocate(queryHeads * blocks * BLOCK * 4);
      return {
        at,
        values: memory.floats(at, queryHeads * blocks * BLOCK),
        rounded: memory.allocate(queryHeads * blocks * ACTIVATION_BLOCK_BYTES),
      };
    });
    this.#job = memory.job(0, 0, [
      [ATTENTION.values, values],
      [ATTENTION.scales, scales],
      [ATTENTION.perHead, queryHeads / kvHeads],
      [ATTENTION.blocks, blocks],
      [ATTENTION.dimensions, groups],
    ]);
  }

  /** Bytes that copies of a store's rows take. */
  bytesOf(store: RowStore): number {
    return (this.#copies.get(store)?.pages.length ?? 0) * this.#pool.pageBytes;
  }

  /** Prepares for a token that sees these rows. @throws RangeError when memory has no room for them */
  prepare({ near, far, bias, windows = new Map() }: SeenRows): void {
    const memory = this.#memory;
    const stores = far ? [far, near] : [near];
    const copies = stores.map((store) => this.#copyOf(store));
    this.#pages = stores.reduce((sum, store) => sum + Math.ceil(store.end / PAGE_SLOTS), 0);
    this.#reserve();
    const stride = (this.#pages + 1) * this.#partialBytes;
    this.#partials = memory.floats(this.#room.partials, (this.#config.queryHeads * stride) / 4);
    memory.setField(this.#job, ATTENTION.stride, stride);
    this.#views.clear();
    this.#views.set(undefined, this.#view(stores, copies, bias, false));
    for (const [window, own] of windows) this.#views.set(window, this.#view(stores, copies, own, true));
  }

  /** @param skips whether pages without any row to be seen are left out */
  #view(stores: readonly RowStore[], copies: readonly ByteRows[], bias: Float32Array, skips: boolean): View {
    const memory = this.#memory;
    const { kvHeads, queryHeads } = this.#config;
    const { part } = this.#pool;
    const room = this.#room;
    const place = this.#views.size;
    const tasksAt = room.tasks + place * room.pages * kvHeads * TASK.bytes;
    const shownAt = room.bias + place * room.pages * PAGE_SLOTS * 4;
    const perHead = queryHeads / kvHeads;
    const stride = (this.#pages + 1) * this.#partialBytes;
    const tasks = memory.words(tasksAt, (room.pages * kvHeads * TASK.bytes) / 4);
    const shown = memory.floats(shownAt, room.pages * PAGE_SLOTS);
    let [page, task, biasAt] = [0, 0, 0];
    stores.forEach((store, i) => {
      const { rounded } = this.#queries[i === stores.length - 1 ? 0 : 1] as { rounded: number };
      for (let from = 0; from < store.end; from += PAGE_SLOTS) {
        const slots = Math.min(PAGE_SLOTS, Math.ceil((store.end - from) / BLOCK) * BLOCK);
        shown.fill(HIDDEN, page * PAGE_SLOTS, page * PAGE_SLOTS + slots);
        let isSeen = !skips;
        for (let slot = from; slot < Math.min(from + slots, store.end); slot++) {
          const own = bias[biasAt + slot] as number;
          shown[page * PAGE_SLOTS + slot - from] = own * Math.LOG2E;
          isSeen ||= own !== HIDDEN_IN_F32;
        }
        if (!isSeen) continue;
        for (let head = 0; head < kvHeads; head++, task++) {
          const at = (task * TASK.bytes) / 4;
          tasks[at + TASK.page / 4] = ((copies[i] as ByteRows).pages[from / PAGE_SLOTS] as number) + head * part.bytes;
          tasks[at + TASK.query / 4] = rounded + head * perHead * part.blocks * ACTIVATION_BLOCK_BYTES;
          tasks[at + TASK.bias / 4] = shownAt + page * PAGE_SLOTS * 4;
          tasks[at + TASK.slots / 4] = slots;
          tasks[at + TASK.partial / 4] = room.partials + head * perHead * stride + (page + 1) * this.#partialBytes;
          tasks[at + TASK.scratch / 4] = room.scratch + task * SCRATCH_BYTES;
        }
        page++;
      }
      biasAt += store.capacity;
    });
    return { tasks: tasksAt, pieces: task, pages: page, ownBias: bias[biasAt] as number };
  }

  /** Writes one layer's attention output, [H · D], to `out`. */
  run(layer: number, row: NewRowVectors, far: boolean, out: number): void {
    const { kvHeads, queryHeads, headDim } = this.#config;
    const memory = this.#memory;
    const { kernels } = memory;
    const { scale, window } = layerOf(this.#config, layer).attention;
    const view = this.#views.get(window) as View;
    this.#ownRow(row, scale, view.ownBias);
    if (view.pieces > 0) {
      this.#round(0, row.q);
      if (far) this.#round(1, row.qFar);
      memory.setField(this.#job, ATTENTION.layer, layer * kvHeads * this.#pool.part.bytes);
      memory.setField(this.#job, ATTENTION.factor, bitsOf(Math.LOG2E * scale));
      memory.setField(this.#job, JOB.pieces, view.pieces);
      memory.setField(this.#job, ATTENTION.tasks, view.tasks);
      memory.run(this.#job);
    }
    for (let head = 0; head < queryHeads; head++) {
      kernels.merge(
        this.#room.partials + head * (this.#pages + 1) * this.#partialBytes,
        this.#partialBytes,
        view.pages + 1,
        out + head * headDim * 4,
        headDim / 4,
      );
    }
  }

  /** The new row is a page of its own, the first. */
  #ownRow({ q, k, v }: NewRowVectors, scale: number, bias: number): void {
    const { kvHeads, queryHeads, headDim } = this.#config;
    const stride = ((this.#pages + 1) * this.#partialBytes) / 4;
    const partials = this.#partials;
    for (let head = 0; head < queryHeads; head++) {
      const own = Math.floor((head * kvHeads) / queryHeads) * headDim;
      let score = 0;
      for (let d = 0; d < headDim; d++) score += (q[head * headDim + d] as number) * (k[own + d] as number);
      const at = head * stride;
      partials[at + PARTIAL.most / 4] = (score * scale + bias) * Math.LOG2E;
      partials[at + PARTIAL.sum / 4] = 1;
      for (let d = 0; d < headDim; d++) partials[at + PARTIAL.values / 4 + d] = v[own + d] as number;
    }
  }

  #round(which: 0 | 1, q: Float32Array): void {
    const { queryHeads, headDim } = this.#config;
    const { blocks } = this.#pool.part;
    const { values, at, rounded } = this.#queries[which] as { values: Float32Array; at: number; rounded: number };
    if (headDim === blocks * BLOCK) values.set(q);
    else
      for (let head = 0; head < queryHeads; head++)
        values.set(q.subarray(head * headDim, (head + 1) * headDim), head * blocks * BLOCK);
    this.#memory.kernels.round8(at, rounded, queryHeads * blocks);
  }

  #copyOf(store: RowStore): ByteRows {
    let copy = this.#copies.get(store);
    if (!copy) {
      copy = new ByteRows(this.#pool, store);
      this.#copies.set(store, copy);
    }
    copy.follow(store);
    return copy;
  }

  #reserve(): void {
    if (this.#room.partials !== 0 && this.#pages <= this.#room.pages) return;
    const { kvHeads, queryHeads } = this.#config;
    const pages = Math.max(4, 2 * this.#pages);
    const views = 1 + layerWindows(this.#config).length;
    const memory = this.#memory;
    this.#room = {
      pages,
      bias: memory.allocate(views * pages * PAGE_SLOTS * 4),
      tasks: memory.allocate(views * pages * kvHeads * TASK.bytes),
      scratch: memory.allocate(pages * kvHeads * SCRATCH_BYTES),
      partials: memory.allocate((pages + 1) * queryHeads * this.#partialBytes),
    };
  }
}

/** The bits of an f32. */
function bitsOf(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0] as number;
}
