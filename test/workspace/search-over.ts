import { Search } from '../../src/search';
import type { Workspace } from '../../src/workspace';

/** The product's search over a workspace without memories. */
export const searchOver = (workspace: Workspace): Search => new Search({ workspace });
