/**
 * A typed face on a JSON-RPC connection: methods and their shapes come from a map of messages, a token becomes an
 * AbortSignal.
 */
import { type CancellationToken, ErrorCodes, type MessageConnection, ResponseError } from 'vscode-jsonrpc/node';
import { toResponseError } from './errors';

export type RequestMap = Record<string, [params: unknown, result: unknown]>;
type Handlers<R> = {
  [M in keyof R]: R[M] extends [infer P, infer T] ? (params: P, signal: AbortSignal) => Promise<T> | T : never;
};
type Listeners<N> = { [M in keyof N]: (params: N[M]) => void };

export interface ServerOptions {
  /** Told of every failed request, with the error as it was thrown. */
  failed?: (method: string, error: unknown) => void;
}

/** Answers requests. Every failure leaves as a ResponseError with ErrorData; none is unhandled. */
export function serve<R extends { [M in keyof R]: [unknown, unknown] }, N>(
  connection: MessageConnection,
  handlers: Handlers<R>,
  listeners: Listeners<N>,
  options: ServerOptions = {},
): void {
  for (const method of Object.keys(handlers) as (keyof R & string)[]) {
    const handle = handlers[method] as (params: unknown, signal: AbortSignal) => unknown;
    connection.onRequest(method, async (params: unknown, token: CancellationToken) => {
      const { signal, dispose } = signalOf(token);
      try {
        // JSON-RPC has no "undefined": a request without a result answers null.
        return (await handle(params, signal)) ?? null;
      } catch (error) {
        options.failed?.(method, error);
        return error instanceof ResponseError ? error : toResponseError(error);
      } finally {
        dispose();
      }
    });
  }
  for (const method of Object.keys(listeners) as (keyof N & string)[]) {
    const listen = listeners[method] as (params: unknown) => void;
    connection.onNotification(method, (params: unknown) => {
      try {
        listen(params);
      } catch (error) {
        options.failed?.(method, error);
      }
    });
  }
  connection.onRequest((method) => new ResponseError(ErrorCodes.MethodNotFound, `Unknown method ${method}.`));
}

/** The token as a signal; `dispose` once the request has ended. */
export function signalOf(token: CancellationToken): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  const listener = token.onCancellationRequested(() => controller.abort());
  return { signal: controller.signal, dispose: () => listener.dispose() };
}
