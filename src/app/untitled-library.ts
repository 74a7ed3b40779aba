/** The workspace as an untitled document sees it: its own definitions come before those of files. */
import type { AssistantLibrary } from '../assistant';
import { isUntitled, type Workspace } from '../workspace';

export function libraryAt(file: string, workspace: Workspace): AssistantLibrary {
  if (!isUntitled(file)) return workspace;
  return {
    ownNames: workspace.ownNames,
    read: (other) => workspace.read(other),
    segmentsOf: (document) => workspace.segmentsOf(document),
    definitions: (name) => workspace.definitions(name, file),
    users: (name, options) => workspace.users(name, options),
  };
}
