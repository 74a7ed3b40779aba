import type { Held } from '../../protocol';

/** The part of VS Code's Memento that is needed. */
export interface HoldStore {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

const KEY = 'indexing.paused';

/**
 * Keeps the user's pause or cancel for workers that start later. A pause lasts until the user resumes, also in later
 * windows. A cancel lasts until the window is closed.
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
