/** The state of the index, the encoded segments and the model. */
import type { Author } from './author';

/** `cancelled`: the user ended a pass. Files indexed so far stay indexed and up to date. */
export type IndexState = 'idle' | 'walking' | 'indexing' | 'ready' | 'paused' | 'cancelled' | 'failed';

/** The user's choice about background work (indexing and encoding): pause it, or end it until it is resumed. */
export type Held = 'paused' | 'cancelled';

export interface IndexStatus {
  state: IndexState;
  /** The reason for this state, shown in the tooltip. */
  reason: string;
  filesKnown: number;
  filesIndexed: number;
  bytesIndexed: number;
  segments: number;
  storeBytes: number;
  /** Share done, 0…1, never going backward within one pass. */
  progress: number;
  /** Files that could not be read, with the reason; at most 100. */
  problems: readonly { path: string; reason: string }[];
  /** Number of problems beyond those. */
  moreProblems?: number;
  skipped: readonly { reason: string; files: number }[];
  /** Bytes of memory of the worker. */
  memoryBytes: number;
  /** Set while the user holds background work, even if there is none. */
  held?: Held;
  model: ModelStatus;
  /** Encoded segments; present once a model encodes the workspace. */
  memories?: {
    encoded: number;
    segments: number;
    /** Set while `segments` is an estimate from the index. */
    counting?: true;
    bytes: number;
    budgetBytes: number;
    paused: boolean;
    /** Segments whose rows another machine of the team has made. */
    fromTeam?: number;
    team?: TeamStatus;
    /** Set while segments are missing and encoding stands still. */
    standstill?: Standstill;
  };
}

/** A team's memory, as this process sees it. */
export interface TeamStatus {
  /** Without parameters. */
  address: string;
  /** Records that the team has for this model. */
  records: number;
  packs: number;
  bytes: number;
  /** Entries that nobody we trust has written, and records that proved damaged; neither is used. */
  untrusted: number;
  harmed: number;
  /** Records and bytes that this process has read, and records that it has written. */
  pulled: number;
  pulledBytes: number;
  pushed: number;
  /** Whether editors write too. */
  writes: boolean;
  /** Why the team's memory is not used for now. */
  reason?: string;
}

/** The reason why missing segments are not being encoded. */
export interface Standstill {
  cause: 'paused' | 'budgetFull' | 'modelFailed' | 'otherWindow' | 'storeUnwritable';
  reason: string;
}

export interface ModelStatus {
  state: 'none' | 'loading' | 'ready' | 'failed';
  name?: string;
  author: Author;
  detail: string;
}

export interface WhyFile {
  file: string;
  path: string;
  indexed: boolean;
  /** The rule that decides, with its place: "ignored by src/.gitignore line 3: *.log". */
  reason: string;
  rule?: { file: string; line: number; pattern: string };
}
