import type { IndexStatus } from '../../protocol';
import type { ClientState } from '../worker-client';

/** The icon, state and severity that the status item shows. */
export interface Face {
  icon: string;
  /** Progress (0…1), shown beside the icon. The tooltip and the screen reader text name the state. */
  progress?: number;
  state:
    | 'asleep'
    | 'starting'
    | 'restarting'
    | 'failed'
    | 'idle'
    | 'working'
    | 'ready'
    | 'encoding'
    | 'paused'
    | 'cancelled'
    | 'problem';
  severity: 'none' | 'warning' | 'error';
}

/**
 * Computes the status item's face. The client's state has precedence, because a dead worker's last status is outdated.
 */
export function faceOf(client: ClientState, index: IndexStatus | undefined): Face {
  switch (client.kind) {
    case 'asleep':
      return { icon: 'library', state: 'asleep', severity: 'none' };
    case 'starting':
      return { icon: 'loading~spin', state: 'starting', severity: 'none' };
    case 'waiting':
      return { icon: 'sync~spin', state: 'restarting', severity: 'warning' };
    case 'failed':
      return { icon: 'error', state: 'failed', severity: 'error' };
    case 'running':
      return index ? indexFace(index) : { icon: 'library', state: 'idle', severity: 'none' };
  }
}

function indexFace(index: IndexStatus): Face {
  switch (index.state) {
    case 'walking':
      return { icon: 'loading~spin', state: 'working', severity: 'none' };
    case 'indexing':
      return { icon: 'loading~spin', state: 'working', severity: 'none', progress: index.progress };
    case 'paused':
      return { icon: 'debug-pause', state: 'paused', severity: 'none', progress: index.progress };
    case 'cancelled':
      return { icon: 'circle-slash', state: 'cancelled', severity: 'none' };
    case 'failed':
      return { icon: 'error', state: 'problem', severity: 'error' };
    case 'idle':
      return { icon: 'library', state: 'idle', severity: 'none' };
    case 'ready':
      // Everything is indexed. The pause stops encoding and later passes.
      if (index.held === 'paused') return { icon: 'debug-pause', state: 'paused', severity: 'none' };
      return { icon: 'library', state: isWorking(index) ? 'encoding' : 'ready', severity: 'none' };
  }
}

/**
 * True while the worker indexes or encodes. The idle timeout must not stop it then.
 */
export function isWorking(index: IndexStatus | undefined): boolean {
  if (!index) return false;
  if (index.state === 'walking' || index.state === 'indexing') return true;
  const { memories } = index;
  return memories !== undefined && !memories.standstill && memories.encoded < memories.segments;
}

/** Keeps progress from going back within one pass, whatever the order of the messages. */
export class MonotoneProgress {
  private highest = 0;
  private working = false;

  update(status: IndexStatus): IndexStatus {
    const working = isWorking(status);
    if (working && !this.working) this.highest = 0;
    this.working = working;
    this.highest = Math.max(this.highest, status.progress);
    return working ? { ...status, progress: this.highest } : status;
  }
}
