import type { IndexStatus } from '../../protocol';
import type { Cancellation, WorkerClient } from '../worker-client';

/** Milliseconds that a question waits for indexing. Small workspaces are indexed in less. */
const PATIENCE = 6_000;

/**
 * Waits until the first pass over the workspace has ended, within reason: the first question should not be answered
 * from the few files that are indexed by then. In a large workspace it is answered from the files indexed so far, with
 * a notice.
 */
export async function waitForIndex(client: WorkerClient, token?: Cancellation, patience = PATIENCE): Promise<void> {
  const disposables: { dispose(): unknown }[] = [];
  let timer: NodeJS.Timeout | undefined;
  const settled = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patience);
    disposables.push(client.on('index/status', (status) => isSettled(status) && resolve()));
    if (token) disposables.push(token.onCancellationRequested(() => resolve()));
    // The question itself reports a worker that dies meanwhile.
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
