import type { Held } from '../../protocol';

/** The part of VS Code's Memento that is needed. */
export interface HoldStore {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

const KEY = 'indexing.paused';

/**
 * What the user has decided about indexing, for workers that start later. A pause holds until it is taken back, in this
 * window and the next; a cancel ends the passes of this window: opening the workspace again is beginning again.
 */
export class IndexingHold {
  private cancelled = false;

  constructor(private readonly store: HoldStore) {}

  get held(): Held | undefined {
    if (this.store.get(KEY) === true) return 'paused';
    return this.cancelled ? 'cancelled' : undefined;
  }

  async set(held: Held | undefined): Promise<void> {
    this.cancelled = held === 'cancelled';
    await this.store.update(KEY, held === 'paused' ? true : undefined);
  }
}
