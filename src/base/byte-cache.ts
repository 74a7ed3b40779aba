import { LRUCache } from 'lru-cache';

/** A least-recently-used cache with a budget in bytes. The latest value stays even if it exceeds the budget alone. */
export class ByteCache<K, V extends object | string> {
  hits = 0;
  misses = 0;
  evictions = 0;
  private readonly entries: LRUCache<K & {}, V>;

  /**
   * @param budget bytes, or the unit of `sizeOf`
   * @param sizeOf size of an entry, including a long key
   */
  constructor(
    private readonly budget: number,
    sizeOf: (value: V, key: K) => number,
  ) {
    this.entries = new LRUCache<K & {}, V>({
      maxSize: Math.max(1, budget),
      sizeCalculation: (value, key) => Math.max(1, Math.min(sizeOf(value, key), budget)),
      dispose: (_value, _key, reason) => {
        if (reason === 'evict') this.evictions += 1;
      },
    });
  }

  get(key: K & {}): V | undefined {
    const value = this.entries.get(key);
    if (value === undefined) this.misses += 1;
    else this.hits += 1;
    return value;
  }

  /** Returns the value, for chaining. */
  set(key: K & {}, value: V): V {
    if (this.budget > 0) this.entries.set(key, value);
    return value;
  }

  /** Counts neither as a hit nor as a use. */
  has(key: K & {}): boolean {
    return this.entries.has(key);
  }

  delete(key: K & {}): void {
    this.entries.delete(key);
  }

  clear(): void {
    this.entries.clear();
  }

  get bytes(): number {
    return this.entries.calculatedSize;
  }
}
