import type { DocumentCache } from '../document-cache';
import type { LexicalIndex } from '../lexical/lexical-index';
import type { SegmenterPool } from '../segments/pool';
import type { Extractions } from '../sources/extractions';
import type { WorkspaceFolders } from '../sources/folders';
import type { Catalogue } from '../store/catalogue';
import type { Progress } from './progress';

export interface IndexSettings {
  /** Globs of `files.exclude`. */
  filesExclude: readonly string[];
  maxFileBytes: number;
  /** Follows links that leave the workspace folders. Default: false. */
  followLinks?: boolean;
  /** Indexes files that usually hold secrets; off by default. */
  secrets?: boolean;
}

/** The parts of a workspace that indexing works on. */
export interface IndexerContext {
  folders: WorkspaceFolders;
  settings: IndexSettings;
  catalogue: Catalogue;
  lexical: LexicalIndex;
  pool: SegmenterPool;
  documentCache: DocumentCache;
  extractions?: Extractions;
  progress: Progress;
  /** Workspace paths to read first. */
  first: ReadonlySet<string>;
  /** False once another process has taken the store over. */
  ownsStore: () => boolean;
  /** Called when all that a pass has found is stored. */
  stored?: () => void;
  /** Awaited before each file of a pass, so that a pending answer goes first. */
  yieldToForeground?: () => Promise<void>;
}
