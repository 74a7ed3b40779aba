import { HubError } from './errors';

/** The used part of `fetch`. The extension passes the editor's (proxy, certificates), the terminal Node's. */
export type Fetch = (
  url: string,
  init: { headers: Record<string, string>; signal: AbortSignal; redirect: 'follow' },
) => Promise<Response>;

export interface RetryPolicy {
  /** Maximum failures in a row without progress. */
  attempts: number;
  /** First wait in milliseconds. It doubles with each failure. */
  firstDelay: number;
  longestDelay: number;
  /** Longest wait in milliseconds that a server may request by Retry-After. */
  longestRetryAfter: number;
  /** Milliseconds without data after which a connection is closed and retried. */
  idleTimeout: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 6,
  firstDelay: 500,
  longestDelay: 30_000,
  longestRetryAfter: 300_000,
  idleTimeout: 60_000,
};

/** A failure that another attempt may fix. */
export class TransientError extends Error {
  /** The wait in milliseconds that the server requested. */
  readonly retryAfter: number | undefined;
  constructor(message: string, retryAfter?: number, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TransientError';
    this.retryAfter = retryAfter;
  }
}

/**
 * Sends one request. Error statuses are thrown: HubError for permanent ones, TransientError for the others.
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
      `${url}: access refused (${status}). Accept the model's licence on its page and set an access token, ` +
        `or import the model from a folder.`,
    );
  }
  if (status === 404 || status === 410) throw new HubError('notFound', `${url}: not found (${status})`);
  if (status === 429 || status === 408 || status >= 500)
    throw new TransientError(`${url}: status ${status}`, retryAfter(response.headers.get('retry-after')));
  throw new HubError('malformed', `${url}: unexpected status ${status}`);
}

/** Parses Retry-After (seconds or a date) to milliseconds from now. */
export function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds) && value.trim() !== '') return Math.max(0, seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/**
 * Calls `attempt` until it succeeds, with a longer wait after each failure. `attempt` calls `alive` when bytes arrive
 * and passes true if they go beyond all earlier attempts. Only such progress resets the failure count, so a server that
 * always fails at the same byte does not retry forever.
 *
 * @throws HubError 'cancelled', 'rateLimited' or 'network'; errors of `attempt` other than TransientError
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
      const transient = idle.timedOut ? new TransientError(`no data for ${policy.idleTimeout} ms`) : error;
      if (!(transient instanceof TransientError)) throw error;
      failures++;
      if (failures >= policy.attempts)
        throw new HubError('network', `Can't reach the model hub (${failures} attempts). ${transient.message}.`, {
          cause: error,
          hint: 'Check the network, set a mirror, or import a model from a folder.',
        });
      const asked = transient.retryAfter;
      if (asked !== undefined && asked > policy.longestRetryAfter) {
        throw new HubError(
          'rateLimited',
          `The model hub limits requests: wait ${Math.ceil(asked / 1000)} s and try again. ` +
            'The partial download is kept and will resume.',
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

/** Aborts with the caller's signal, or after `milliseconds` without data. */
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
  if (signal?.aborted) throw new HubError('cancelled', 'Cancelled. The partial download is kept and will resume.');
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

/** The message of the innermost cause, because "fetch failed" alone gives no reason. */
export function causeOf(error: unknown): string {
  let inner: unknown = error;
  while (inner instanceof Error && inner.cause !== undefined) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}
