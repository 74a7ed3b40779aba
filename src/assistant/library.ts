import type { Definition, Use, Workspace } from '../workspace';

export type { Definition, Use };

/** The part of the workspace that the assistant uses. */
export type AssistantLibrary = Pick<Workspace, 'ownNames' | 'read' | 'segmentsOf' | 'definitions' | 'users'>;
