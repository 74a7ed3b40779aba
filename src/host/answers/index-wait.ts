import type { IndexStatus } from '../../protocol';
import type { Cancellation, WorkerClient } from '../worker-client';

/** Milliseconds that a request waits for indexing. A small workspace needs less. */
const PATIENCE = 6_000;
/** A question waits less: the worker then indexes the files first that are likely to answer it. */
export const QUESTION_PATIENCE = 1_000;

/**
 * Waits until the first indexing pass has ended, at most `patience` milliseconds, so that the first question is not
 * answered from a few files. After this time the answer uses the files indexed so far and has a notice.
 */
export async function waitForIndex(client: WorkerClient, token?: Cancellation, patience = PATIENCE): Promise<void> {
  const disposables: { dispose(): unknown }[] = [];
  let timer: NodeJS.Timeout | undefined;
  const settled = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patience);
    disposables.push(client.on('index/status', (status) => isSettled(status) && resolve()));
    if (token) disposables.push(token.onCancellationRequested(() => resolve()));
    // If the worker dies here, the question reports it.
    client.request('index/status', null, token).then(
      (status) => isSettled(status) && resolve(),
      () => resolve(),
    );
  });
  await settled;
  clearTimeout(timer);
  for (const disposable of disposables) disposable.dispose();
}

function isSettled(status: IndexStatus): boolean {
  return (
    status.state === 'ready' || status.state === 'paused' || status.state === 'cancelled' || status.state === 'failed'
  );
}
