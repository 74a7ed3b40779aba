import type { AssistantLibrary } from '../assistant/library';
import type { ClientNotifications, IndexStatus, WhyFile, WorkerNotifications, WorkerSettings } from '../protocol';

/** The library as the worker and the terminal use it. */
export interface WorkspaceLibrary extends AssistantLibrary {
  /** Begins the pass over the folders, unless it runs or is done; resolves once it has begun. */
  start(): Promise<void>;
  /** Resolves when nothing is left to index. */
  settled(signal?: AbortSignal): Promise<void>;
  status(): Omit<IndexStatus, 'memoryBytes' | 'model'>;
  why(file: string): Promise<WhyFile>;
  applyChanges(changes: ClientNotifications['files/changed']['changes']): Promise<void>;
  setUnsaved(file: string, text: string | null): Promise<void>;
  preferFiles(files: readonly string[]): void;
  pause(paused: boolean): void;
  rebuild(): Promise<void>;
  /** @returns bytes freed */
  clear(): Promise<number>;
  close(): Promise<void>;
}

export interface LibraryOptions {
  folders: readonly { name: string; directory: string }[];
  storageDirectory: string;
  settings: WorkerSettings;
  /** Awaited between chunks of indexing: somebody may be waiting for an answer. */
  yieldTo: () => Promise<void>;
  onStatus: () => void;
  log: (level: WorkerNotifications['log']['level'], message: string) => void;
}

export type OpenLibrary = (options: LibraryOptions) => Promise<WorkspaceLibrary>;
