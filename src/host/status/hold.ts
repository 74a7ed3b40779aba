import type { Held } from '../../protocol';

/** The used part of VS Code's Memento. */
export interface HoldStore {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

const KEY = 'indexing.paused';

/**
 * Keeps the user's pause or cancel for later workers. A pause lasts until the user resumes, even in later windows. A
 * cancel lasts until the window is closed.
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
