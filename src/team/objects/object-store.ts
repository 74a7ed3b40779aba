/** An object store with conditional writes: the only service on which a team's memory rests. */
import { AppError } from '../../base';

/** Objects by name. A name has slashes and no leading one: `0123/log/a/00000007`. */
export interface ObjectStore {
  /** The store's place as users see it, without secrets. */
  readonly address: string;
  /** Returns an object, or a range of its bytes. Undefined when there is no such object. */
  get(name: string, options?: GetOptions): Promise<StoredObject | undefined>;
  /**
   * Writes an object whole.
   * @returns the tag of the new content, or `conflict` when the condition does not hold
   */
  put(name: string, bytes: Uint8Array, options?: PutOptions): Promise<{ tag: string } | 'conflict'>;
  /** Deletes an object, if there is one. */
  delete(name: string, signal?: AbortSignal): Promise<void>;
  /** Lists names that begin with `prefix` and sort after `after`, in order, at most 1,000. */
  list(prefix: string, options?: ListOptions): Promise<readonly ListedObject[]>;
  /** The time by the store's clock in ms. This machine's clock may be wrong. */
  now(signal?: AbortSignal): Promise<number>;
}

export interface GetOptions {
  /** The first byte, and the byte after the last one. */
  range?: { from: number; to: number };
  signal?: AbortSignal | undefined;
}

export interface PutOptions {
  /** Writes only if there is no such object. */
  ifAbsent?: boolean;
  /** Writes only over the content with this tag. */
  ifTag?: string;
  signal?: AbortSignal | undefined;
}

export interface ListOptions {
  after?: string;
  limit?: number;
  signal?: AbortSignal | undefined;
}

export interface StoredObject {
  bytes: Uint8Array;
  /** Identifies the content for `ifTag`. */
  tag: string;
  /** When the object was written, by the store's clock, in ms. */
  modifiedMs: number;
}

export interface ListedObject {
  name: string;
  bytes: number;
  modifiedMs: number;
}

export const MOST_LISTED = 1_000;

/** All names that begin with `prefix`. */
export async function* listAll(
  store: Pick<ObjectStore, 'list'>,
  prefix: string,
  signal?: AbortSignal,
): AsyncIterableIterator<ListedObject> {
  for (let after = ''; ;) {
    const listed = await store.list(prefix, { after, signal });
    yield* listed;
    const last = listed.at(-1);
    if (!last || listed.length < MOST_LISTED) return;
    after = last.name;
  }
}

/** `denied`: the credentials do not allow it. `busy`: too many requests. `unavailable`: no usable response. */
export type ObjectStoreErrorCode = 'denied' | 'busy' | 'unavailable' | 'misconfigured';

/** The object store refused or failed. Everything that uses it treats that as a miss. */
export class ObjectStoreError extends AppError<ObjectStoreErrorCode> {
  override readonly name = 'ObjectStoreError';
}
