import { RowKind, type RowPlace } from '../attention/policy';
import { newCacheArray, type CacheArray, type RowShape } from './shape';

/** Keys and values of some rows: [layers, kvHeads, rows, headDim], row-major. */
export interface RowBlock {
  keys: CacheArray;
  values: CacheArray;
  rows: number;
}

/** The rows of `a`, then those of `b`. */
export function joinBlocks(a: RowBlock, b: RowBlock, { layers, kvHeads, headDim, type }: RowShape): RowBlock {
  const rows = a.rows + b.rows;
  const join = (name: 'keys' | 'values'): CacheArray => {
    const joined = newCacheArray(type, layers * kvHeads * rows * headDim);
    for (let head = 0; head < layers * kvHeads; head++) {
      const part = ({ rows: own, [name]: from }: RowBlock) =>
        from.subarray(head * own * headDim, (head + 1) * own * headDim);
      joined.set(part(a), head * rows * headDim);
      joined.set(part(b), (head * rows + a.rows) * headDim);
    }
    return joined;
  };
  return { keys: join('keys'), values: join('values'), rows };
}

/**
 * Step by which slots are added: this many, or 1/32 of the present ones, whichever is more. Copying is then spread over
 * the tokens.
 */
const STEP = 64;
const STEP_SHARE = 32;

/**
 * Slots for cached rows, per layer [kvHeads, capacity, headDim]: the arrays that the graphs read. Attention does not
 * depend on the order of slots, because positions are in the rotation. So freed slots are used again and no row is
 * moved to close a gap.
 */
export class RowStore {
  readonly shape: RowShape;
  /** Per layer. */
  keys: CacheArray[] = [];
  values: CacheArray[] = [];
  capacity = 0;
  /** Slots [0, end) are in use or free. Slots from `end` on were never used. */
  end = 0;
  /** Counts reallocations, so that views of the arrays can be kept until they are outdated. */
  generation = 0;
  kinds = new Uint8Array(0);
  positions = new Int32Array(0);
  groups = new Int32Array(0);
  /** Token id of each row, −1 for spliced rows. */
  tokens = new Int32Array(0);
  /** Ledger entry of each row. */
  entries = new Int32Array(0);
  /** Counts writes; and its value at the last write of each slot, so that a copy in another form can follow. */
  clock = 0;
  stamps = new Uint32Array(0);
  #free: number[] = [];

  constructor(shape: RowShape) {
    this.shape = shape;
    this.reserve(1);
  }

  /** A store of its own with the same rows. */
  copy(): RowStore {
    const copy = new RowStore(this.shape);
    copy.keys = this.keys.map((keys) => keys.slice());
    copy.values = this.values.map((values) => values.slice());
    for (const field of ['kinds', 'positions', 'groups', 'tokens', 'entries', 'stamps'] as const)
      Object.assign(copy, { [field]: this[field].slice() });
    copy.capacity = this.capacity;
    copy.end = this.end;
    copy.clock = this.clock;
    copy.#free = [...this.#free];
    return copy;
  }

  /** Rows in use. */
  get count(): number {
    return this.end - this.#free.length;
  }

  get hasHoles(): boolean {
    return this.#free.length > 0;
  }

  place(slot: number): RowPlace {
    return {
      kind: this.kinds[slot] as RowKind,
      position: this.positions[slot] as number,
      group: this.groups[slot] as number,
    };
  }

  /** Slots in use, in the order of slots. */
  *used(): Generator<number> {
    for (let slot = 0; slot < this.end; slot++) if (this.kinds[slot] !== RowKind.free) yield slot;
  }

  /** Takes `count` slots, freed ones first. They must be written before the next run. */
  take(count: number): number[] {
    const slots = this.#free.splice(0, Math.min(count, this.#free.length));
    const fresh = count - slots.length;
    this.reserve(this.end + fresh);
    for (let i = 0; i < fresh; i++) slots.push(this.end++);
    return slots;
  }

  release(slots: readonly number[]): void {
    if (slots.length === 0) return;
    for (const slot of slots) this.kinds[slot] = RowKind.free;
    this.#free = [...this.#free, ...slots].sort((a, b) => a - b);
    while (this.#free.length > 0 && this.#free.at(-1) === this.end - 1) {
      this.#free.pop();
      this.end--;
    }
  }

  describe(slot: number, place: RowPlace, token: number, entry: number): void {
    this.kinds[slot] = place.kind;
    this.positions[slot] = place.position;
    this.groups[slot] = place.group;
    this.tokens[slot] = token;
    this.entries[slot] = entry;
  }

  /** Copies rows `from[i]` of the block into `slots[i]`. */
  write(slots: readonly number[], block: RowBlock, from: readonly number[]): void {
    this.clock++;
    for (const slot of slots) this.stamps[slot] = this.clock;
    for (const { target, source, length } of runs(slots, from)) this.#writeRun(target, block, source, length);
  }

  /** Copies slots out, in the order given. */
  read(slots: readonly number[]): RowBlock {
    const { layers, kvHeads, headDim, type } = this.shape;
    const size = layers * kvHeads * slots.length * headDim;
    const block: RowBlock = { keys: newCacheArray(type, size), values: newCacheArray(type, size), rows: slots.length };
    for (let layer = 0; layer < layers; layer++) {
      for (let head = 0; head < kvHeads; head++) {
        for (let row = 0; row < slots.length; row++) {
          const from = (head * this.capacity + (slots[row] as number)) * headDim;
          const to = ((layer * kvHeads + head) * slots.length + row) * headDim;
          block.keys.set((this.keys[layer] as CacheArray).subarray(from, from + headDim), to);
          block.values.set((this.values[layer] as CacheArray).subarray(from, from + headDim), to);
        }
      }
    }
    return block;
  }

  /** Room for at least `rows` slots in all. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return;
    const step = Math.max(STEP, Math.ceil(rows / STEP_SHARE / STEP) * STEP);
    this.#grow(Math.ceil(rows / step) * step);
  }

  #grow(capacity: number): void {
    const { layers } = this.shape;
    for (let layer = 0; layer < layers; layer++) {
      this.keys[layer] = this.#grown(this.keys[layer], capacity);
      this.values[layer] = this.#grown(this.values[layer], capacity);
    }
    const extend = <T extends Uint8Array | Int32Array | Uint32Array>(old: T, grown: T): T => (grown.set(old), grown);
    this.kinds = extend(this.kinds, new Uint8Array(capacity));
    this.positions = extend(this.positions, new Int32Array(capacity));
    this.groups = extend(this.groups, new Int32Array(capacity));
    this.tokens = extend(this.tokens, new Int32Array(capacity));
    this.entries = extend(this.entries, new Int32Array(capacity));
    this.stamps = extend(this.stamps, new Uint32Array(capacity));
    this.capacity = capacity;
    this.generation++;
  }

  #grown(old: CacheArray | undefined, capacity: number): CacheArray {
    const { kvHeads, headDim, type } = this.shape;
    const grown = newCacheArray(type, kvHeads * capacity * headDim);
    if (!old) return grown;
    for (let head = 0; head < kvHeads; head++) {
      const from = head * this.capacity * headDim;
      grown.set(old.subarray(from, from + this.end * headDim), head * capacity * headDim);
    }
    return grown;
  }

  #writeRun(slot: number, block: RowBlock, row: number, length: number): void {
    const { layers, kvHeads, headDim } = this.shape;
    for (let layer = 0; layer < layers; layer++) {
      const keys = this.keys[layer] as CacheArray;
      const values = this.values[layer] as CacheArray;
      for (let head = 0; head < kvHeads; head++) {
        const from = ((layer * kvHeads + head) * block.rows + row) * headDim;
        const to = (head * this.capacity + slot) * headDim;
        keys.set(block.keys.subarray(from, from + length * headDim), to);
        values.set(block.values.subarray(from, from + length * headDim), to);
      }
    }
  }
}

/** Stretches where both lists count up by one. */
function* runs(
  targets: readonly number[],
  sources: readonly number[],
): Generator<{ target: number; source: number; length: number }> {
  let start = 0;
  for (let i = 1; i <= targets.length; i++) {
    const goesOn =
      i < targets.length &&
      targets[i] === (targets[i - 1] as number) + 1 &&
      sources[i] === (sources[i - 1] as number) + 1;
    if (goesOn) continue;
    yield { target: targets[start] as number, source: sources[start] as number, length: i - start };
    start = i;
  }
}
