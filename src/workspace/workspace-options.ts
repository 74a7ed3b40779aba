import type { IndexSettings } from './indexing/indexer';
import type { StoreOptions } from './store/open-store';
import type { WorkspaceFolder } from './types';

export interface WorkspaceOptions {
  folders: readonly WorkspaceFolder[];
  /** Directory of the index, created when missing. Undefined keeps the index in memory. */
  storageDirectory: string | undefined;
  /** How the store is used when another process writes it. Default: with a second copy. */
  store?: StoreOptions;
  settings: IndexSettings;
  /** Number of threads for bulk segmentation; default 2. */
  threads?: number;
  /** Path of the bundled src/workspace/segments/thread.ts. Default: `segment-thread.js` beside the running bundle. */
  threadScript?: string;
  /** Bundled src/workspace/sources/extractors/thread.ts; default `extraction-thread.js` beside the running bundle. */
  extractionScript?: string;
  /** Awaited before each file of a pass, so that a pending answer goes first. */
  yieldToForeground?: () => Promise<void>;
  /** Directory of the tree-sitter grammars. Default: `tree-sitter/` beside the bundle, else the installed package. */
  grammars?: string;
}

/** Metadata of an indexed document, available without reading it. */
export interface IndexedFile {
  path: string;
  file: string;
  /** sha256 of the text. */
  hash: string;
  language: string;
  segments: number;
  mtimeMs: number;
}
