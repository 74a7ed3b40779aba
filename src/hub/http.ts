import { HubError } from './errors';

/** The part of `fetch` that is used. The editor passes its own (proxy, certificates), the terminal Node's. */
export type Fetch = (
  url: string,
  init: { headers: Record<string, string>; signal: AbortSignal; redirect: 'follow' },
) => Promise<Response>;

export interface RetryPolicy {
  /** Failures in a row without a byte of progress before giving up. */
  attempts: number;
  /** First wait, doubled each time (milliseconds). */
  firstDelay: number;
  longestDelay: number;
  /** The longest wait that a server may ask for by Retry-After. */
  longestRetryAfter: number;
  /** Time without a byte after which a connection is dropped and tried again. */
  idleTimeout: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 6,
  firstDelay: 500,
  longestDelay: 30_000,
  longestRetryAfter: 300_000,
  idleTimeout: 60_000,
};

/** A failure that another attempt may cure, after a wait. */
export class TransientError extends Error {
  /** The wait that the server asked for, in milliseconds. */
  readonly retryAfter: number | undefined;
  constructor(message: string, retryAfter?: number, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TransientError';
    this.retryAfter = retryAfter;
  }
}

/**
 * One request. Error statuses become errors: HubError for those that no retry cures, TransientError for the rest.
 *
 * @returns a response with status 200, 206 or 416
 */
export async function request(
  fetch: Fetch,
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { headers, signal, redirect: 'follow' });
  } catch (error) {
    throw new TransientError(`${url}: ${causeOf(error)}`, undefined, { cause: error });
  }
  const { status } = response;
  if (status === 200 || status === 206 || status === 416) return response;
  await response.body?.cancel().catch(() => undefined);
  if (status === 401 || status === 403) {
    throw new HubError(
      'gated',
      `${url}: access refused (${status}). Accept the model's licence on its page and store an access token, ` +
        `or import the folder if you have it`,
    );
  }
  if (status === 404 || status === 410) throw new HubError('notFound', `${url}: there is no such file (${status})`);
  if (status === 429 || status === 408 || status >= 500)
    throw new TransientError(`${url}: status ${status}`, retryAfter(response.headers.get('retry-after')));
  throw new HubError('malformed', `${url}: unexpected status ${status}`);
}

/** Seconds or a date, as milliseconds from now. */
export function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds) && value.trim() !== '') return Math.max(0, seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/**
 * Calls `attempt` until it succeeds, with longer waits after each failure. `attempt` calls `alive` when bytes arrive,
 * and says whether they go beyond all earlier attempts. Only that resets the count of failures, so that a server that
 * always breaks at the same place is given up.
 *
 * @throws HubError: 'cancelled', 'rateLimited', 'network', or an error of `attempt` as one
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: (signal: AbortSignal, alive: (headway: boolean) => void) => Promise<T>,
): Promise<T> {
  let failures = 0;
  for (;;) {
    throwIfCancelled(signal);
    const idle = new IdleAbort(policy.idleTimeout, signal);
    try {
      return await attempt(idle.signal, (headway) => {
        if (headway) failures = 0;
        idle.touch();
      });
    } catch (error) {
      throwIfCancelled(signal);
      const transient = idle.timedOut ? new TransientError(`nothing came for ${policy.idleTimeout} ms`) : error;
      if (!(transient instanceof TransientError)) throw error;
      failures++;
      if (failures >= policy.attempts)
        throw new HubError('network', `gave up after ${failures} attempts: ${transient.message}`, { cause: error });
      const asked = transient.retryAfter;
      if (asked !== undefined && asked > policy.longestRetryAfter) {
        throw new HubError(
          'rateLimited',
          `the server asks to wait ${Math.ceil(asked / 1000)} s; try again later, what was downloaded is kept`,
          { cause: error },
        );
      }
      const backoff =
        Math.min(policy.longestDelay, policy.firstDelay * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
      await wait(asked ?? backoff, signal);
    } finally {
      idle.stop();
    }
  }
}

/** Aborts with the caller's signal, or after a while without progress. */
class IdleAbort {
  timedOut = false;
  private readonly controller = new AbortController();
  private readonly milliseconds: number;
  private readonly outer: AbortSignal | undefined;
  private timer: NodeJS.Timeout;
  private readonly forward = () => this.controller.abort();

  constructor(milliseconds: number, outer: AbortSignal | undefined) {
    this.milliseconds = milliseconds;
    this.outer = outer;
    this.timer = this.arm();
    outer?.addEventListener('abort', this.forward, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  touch(): void {
    clearTimeout(this.timer);
    this.timer = this.arm();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.outer?.removeEventListener('abort', this.forward);
  }

  private arm(): NodeJS.Timeout {
    return setTimeout(() => {
      this.timedOut = true;
      this.controller.abort();
    }, this.milliseconds);
  }
}

export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new HubError('cancelled', 'cancelled; what was downloaded is kept and will be resumed');
}

async function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done, { once: true });
  });
  throwIfCancelled(signal);
}

/** The innermost reason of a failed fetch ("fetch failed" says nothing). */
export function causeOf(error: unknown): string {
  let inner: unknown = error;
  while (inner instanceof Error && inner.cause !== undefined) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}
