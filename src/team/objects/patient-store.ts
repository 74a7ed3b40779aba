/** An object store with time limits, retries and a pause after failures, so that a bad store costs little time. */
import * as l10n from '@vscode/l10n';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../base';
import {
  type GetOptions,
  type ListedObject,
  type ListOptions,
  type ObjectStore,
  ObjectStoreError,
  type PutOptions,
  type StoredObject,
} from './object-store';

export interface Patience {
  /** Attempts of one operation. */
  tries: number;
  /** Time limit (ms) of one attempt, beside the time for its bytes. */
  timeoutMs: number;
  /** First pause (ms) between attempts; doubles with each. */
  backoffMs: number;
  /** Longest pause (ms) in which a store that failed is left alone; 0 never leaves it alone. */
  mostRestMs: number;
}

/** A process that waits for the store: pushing and pulling in a terminal. */
export const PATIENT: Patience = { tries: 6, timeoutMs: 15_000, backoffMs: 200, mostRestMs: 0 };
/** A process with other work to do: it goes on without the store. */
export const IMPATIENT: Patience = { tries: 2, timeoutMs: 5_000, backoffMs: 100, mostRestMs: 300_000 };

/** Slowest connection (bytes a second) on which a large object still arrives. */
const SLOWEST_BYTES_PER_SECOND = 200_000;
const FIRST_REST_MS = 1_000;

/** Requests sent, and bytes moved: what a store bills. */
export interface RequestCounts {
  gets: number;
  puts: number;
  lists: number;
  deletes: number;
  bytesRead: number;
  bytesWritten: number;
}

export class PatientStore implements ObjectStore {
  readonly counts: RequestCounts = { gets: 0, puts: 0, lists: 0, deletes: 0, bytesRead: 0, bytesWritten: 0 };
  /** Why the last operation failed. Undefined while the store works. */
  trouble: ObjectStoreError | undefined;
  private rest = 0;
  /** End of the pause, by a clock that nobody sets. */
  private restUntil = 0;

  constructor(
    private readonly store: ObjectStore,
    private readonly patience: Patience,
  ) {}

  get address(): string {
    return this.store.address;
  }

  get(name: string, options: GetOptions = {}): Promise<StoredObject | undefined> {
    const bytes = options.range ? options.range.to - options.range.from : 0;
    return this.attempt(options.signal, bytes, async (signal) => {
      this.counts.gets += 1;
      const found = await this.store.get(name, { ...options, signal });
      this.counts.bytesRead += found?.bytes.byteLength ?? 0;
      return found;
    });
  }

  put(name: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ tag: string } | 'conflict'> {
    return this.attempt(options.signal, bytes.byteLength, (signal) => {
      this.counts.puts += 1;
      this.counts.bytesWritten += bytes.byteLength;
      return this.store.put(name, bytes, { ...options, signal });
    });
  }

  delete(name: string, signal?: AbortSignal): Promise<void> {
    return this.attempt(signal, 0, (own) => {
      this.counts.deletes += 1;
      return this.store.delete(name, own);
    });
  }

  list(prefix: string, options: ListOptions = {}): Promise<readonly ListedObject[]> {
    return this.attempt(options.signal, 0, (signal) => {
      this.counts.lists += 1;
      return this.store.list(prefix, { ...options, signal });
    });
  }

  now(signal?: AbortSignal): Promise<number> {
    return this.attempt(signal, 0, (own) => {
      this.counts.gets += 1;
      return this.store.now(own);
    });
  }

  private async attempt<T>(
    signal: AbortSignal | undefined,
    bytes: number,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { tries, timeoutMs, backoffMs } = this.patience;
    if (this.trouble && performance.now() < this.restUntil) throw this.trouble;
    for (let tried = 1; ; tried++) {
      signal?.throwIfAborted();
      // The time limit also ends an attempt whose store never settles.
      const limit = new AbortController();
      const timer = setTimeout(() => limit.abort(this.late()), timeoutMs + (1_000 * bytes) / SLOWEST_BYTES_PER_SECOND);
      const both = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
      try {
        const result = await Promise.race([work(both), aborted(both)]);
        this.trouble = undefined;
        this.rest = 0;
        return result;
      } catch (error) {
        signal?.throwIfAborted();
        const failure = limit.signal.aborted ? this.late() : this.failureOf(error);
        const again = failure.code === 'busy' || failure.code === 'unavailable';
        if (!again || tried >= tries) throw this.leaveAlone(failure);
      } finally {
        clearTimeout(timer);
      }
      // Random, so that many clients do not come back together.
      await sleep(backoffMs * 2 ** (tried - 1) * (0.5 + Math.random()), undefined, signal ? { signal } : {});
    }
  }

  private leaveAlone(failure: ObjectStoreError): ObjectStoreError {
    this.trouble = failure;
    this.rest = Math.min(this.patience.mostRestMs, Math.max(FIRST_REST_MS, 2 * this.rest));
    this.restUntil = performance.now() + this.rest;
    return failure;
  }

  private late(): ObjectStoreError {
    return new ObjectStoreError(
      'unavailable',
      l10n.t('{0} does not answer in time', this.address),
      l10n.t('Check the network.'),
    );
  }

  private failureOf(error: unknown): ObjectStoreError {
    if (error instanceof ObjectStoreError) return error;
    return new ObjectStoreError('unavailable', l10n.t('{0} failed ({1})', this.address, messageOf(error)), undefined, {
      cause: error,
    });
  }
}

/** Rejects when the signal aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(signal.reason as Error);
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
