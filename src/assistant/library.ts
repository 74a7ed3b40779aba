import type { Definition, Library, Use } from '../workspace/workspace';

export type { Definition, Use };

/** What the assistant needs of the library: any search and any lookup would do. */
export type AssistantLibrary = Pick<Library, 'ownNames' | 'search' | 'read' | 'segmentsOf' | 'definitions' | 'users'>;
