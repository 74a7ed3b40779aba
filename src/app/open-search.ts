import { Search } from '../search';
import type { Workspace } from '../workspace';
import type { MemoryService } from './memory-service';

/** The search over a workspace and its memories. After indexing it is tried out, so that the first question is fast. */
export function openSearch(workspace: Workspace, memories: Pick<MemoryService, 'workspace' | 'coverage'>): Search {
  const search = new Search({
    workspace,
    memory: () => memories.workspace,
    encodedShare: () => memories.coverage,
  });
  workspace.setWarmUp((question) => search.warmUp(question));
  return search;
}

export type { Search };
