import type { Definition, Use, Workspace } from '../workspace';

export type { Definition, Use };

/** What the assistant needs of the library: any search and any lookup would do. */
export type AssistantLibrary = Pick<Workspace, 'ownNames' | 'search' | 'read' | 'segmentsOf' | 'definitions' | 'users'>;
