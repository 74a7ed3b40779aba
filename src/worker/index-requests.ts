/** Requests about the index: its status, and starting, holding and clearing it. */
import type { IndexStatus } from '../protocol';
import type { AgentMethod } from './agent-requests';
import type { HandlerContext, RequestHandlers } from './handlers';

type IndexMethod = Exclude<Extract<keyof RequestHandlers, `index/${string}`>, AgentMethod>;

export function indexRequests({ opened }: Pick<HandlerContext, 'opened'>): Pick<RequestHandlers, IndexMethod> {
  return {
    'index/status': async () => (await opened()).status(),
    'index/start': async () => {
      (await opened()).startWhenIdle();
      return null;
    },
    'index/rebuild': async () => {
      await (await opened()).rebuild();
      return null;
    },
    'index/clear': async () => ({ bytesFreed: await (await opened()).clear() }),
    'index/pause': async ({ paused }) => {
      const session = await opened();
      if (paused) session.hold('paused');
      else session.resume();
      return null;
    },
    'index/cancel': async () => {
      const session = await opened();
      if (isWorking(session.status())) await session.cancel();
      return session.status();
    },
    'index/why': async ({ file }) => (await opened()).workspace.why(file),
  };
}

/** Whether there is work that can be cancelled. */
function isWorking({ state, memories }: IndexStatus): boolean {
  return (
    state === 'walking' ||
    state === 'indexing' ||
    state === 'paused' ||
    (memories !== undefined && !memories.standstill && memories.encoded < memories.segments)
  );
}
