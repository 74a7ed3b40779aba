/**
 * Composes one context over the whole workspace. The best segments are read in full, and the next best appear as dense
 * rows of their matching stretch. Segments near the question have fine rows, and all others coarse rows. The ranking
 * is an input: this module does not search.
 */
import type { AnswerTiming, Author, ContextLedger } from '../../protocol';
import type {
  ComposedContext,
  ComposeParams,
  ComposeReading,
  ComposeResult,
  DenseRatio,
  DenseSegment,
  QueryEmbedding,
} from '../../protocol/memory';
import type { ReadDocument } from '../../workspace';
import type { LateInteraction } from '../late-interaction';
import type { MemoryReader, MemorySegment } from '../memory-reader';
import { ledgerOf, type ContextParts } from './ledger';
import { readParts, type Excerpt } from './parts';
import { planContext, type RowBudget } from './plan';

/** The model operations that composing needs; the inference process implements them. */
export interface ContextEngine {
  /** Positions the model was trained on. */
  readonly windowTokens: number;
  readonly sinkRows: number;
  /** Absent for models without slots for dense rows. */
  readonly dense?: DenseRatio;
  /** Embeds a question, so that segments can be scored against it. */
  embedQuery(question: string, signal?: AbortSignal): Promise<QueryEmbedding>;
  compose(request: ContextRequest, options?: ReadingOptions): Promise<ComposeResult>;
}

/** A request with all its rows. An engine may omit coarse rows that the process already has. */
export type ContextRequest = ComposeParams & {
  coarse: { rows: Uint8Array };
  dense: readonly DenseSegment[];
};

export interface ReadingOptions {
  signal?: AbortSignal | undefined;
  onRead?: ((reading: ComposeReading) => void) | undefined;
}

/** The stored memories of a workspace and the engine that encoded them. */
export interface WorkspaceMemory {
  readonly author: Author;
  readonly memories: MemoryReader;
  readonly engine: ContextEngine;
  /** An indexed document with its segments; undefined when the file has changed since. */
  indexed(path: string): Promise<ReadDocument | undefined>;
}

/** A question and the ranking of the segments for it. */
export interface ContextInput {
  /** The question as the model reads it. */
  question: string;
  /** Number of tokens in the question. */
  questionTokens: number;
  /** All segments of the workspace with stored rows. */
  segments: readonly MemorySegment[];
  /** Score of each segment that may matter, by key. */
  scores: ReadonlyMap<string, number>;
  /** Locates the stretch of a segment that matches the question. Absent for models without token vectors. */
  lateInteraction?: LateInteraction;
  /** Selects the lines of a text that match the question, at most `characters` characters. */
  excerpt: (text: string, characters: number) => Excerpt | undefined;
  maxNewTokens: number;
  /** True: the question is a user's turn. False (default): the model continues the text. */
  turn?: boolean;
  capacityRows?: number;
  /** Maximum number of tokens read in full. Default: as many as the model's positions allow. */
  mostRead?: number;
}

/** The content selected for a context, before the model reads it. */
export interface ContextSelection {
  request: ContextRequest;
  parts: ContextParts;
  /** Number of rows of the question. */
  questionTokens: number;
}

/**
 * Maximum number of rows in a context. It may exceed the model's positions, because memory rows can share a position.
 */
export const CAPACITY_ROWS = 4_096;
/** Maximum share of the positions that is read in full. */
const FULL_SHARE = 0.375;
/** Share of the positions for everything that is read. The rest is reserved for memories. */
const LIVE_SHARE = 0.75;
const MOST_FULL = 1_024;
const MOST_FINE = 512;
/** Limits on dense rows (`DenseBudget`). Encoding more segments took longer and lowered the quality of answers. */
const DENSE = { segments: 4, stretch: 64, likely: 0.85, tokens: 4_096 };
/** Rows that mark a question as a user's turn. */
const TURN_ROWS = 3;

/** Plans a context, then reads the rows and texts that it needs. */
export async function selectContext(
  input: ContextInput,
  { memories, engine, indexed }: Pick<WorkspaceMemory, 'memories' | 'engine' | 'indexed'>,
): Promise<ContextSelection> {
  const { question, questionTokens, segments, scores, lateInteraction, excerpt } = input;
  const { maxNewTokens, capacityRows = CAPACITY_ROWS, mostRead = MOST_FULL, turn = false } = input;
  const questionRows = questionTokens + (turn ? TURN_ROWS : 0);
  const budget = budgetOf(engine, { capacityRows, mostRead }, questionRows + maxNewTokens);
  const plan = planContext(segments, scores, budget);
  const { parts, ...rows } = await readParts(plan, { memories, lateInteraction, excerpt, indexed });
  return { parts, questionTokens: questionRows, request: { ...rows, question, turn, capacityRows, maxNewTokens } };
}

/**
 * Runs the model over a selected context and generates text after it.
 * @param retrieve duration of search and selection in milliseconds
 */
export async function readContext(
  { request, parts }: ContextSelection,
  engine: ContextEngine,
  {
    retrieve,
    signal,
    onLedger,
  }: {
    retrieve: number;
    signal?: AbortSignal | undefined;
    /** Called once the context is read, before the model generates text. */
    onLedger?: ((ledger: ContextLedger) => void) | undefined;
  },
): Promise<ComposedContext> {
  const started = performance.now();
  const ledger = (reading: ComposeReading): ContextLedger => ledgerOf(parts, reading, request.capacityRows);
  const written = await engine.compose(request, {
    signal,
    onRead: onLedger && ((reading) => onLedger(ledger(reading))),
  });
  const { text, confidence } = written;
  const { splice, read, decode, firstToken } = written.timing;
  const timing: AnswerTiming = {
    retrieve,
    splice,
    read,
    decode,
    firstToken: retrieve + firstToken,
    total: retrieve + performance.now() - started,
  };
  return { ledger: ledger(written), timing, text, confidence };
}

/** Rows left for memories and full segments after the sinks, the question and the answer are reserved. */
function budgetOf(
  { windowTokens, sinkRows, dense }: ContextEngine,
  { capacityRows, mostRead }: { capacityRows: number; mostRead: number },
  live: number,
): RowBudget {
  const rows = Math.max(0, capacityRows - sinkRows - live);
  const positions = Math.max(0, Math.floor(windowTokens * LIVE_SHARE) - sinkRows - live);
  return {
    rows,
    fullRows: Math.min(mostRead, Math.floor(windowTokens * FULL_SHARE), positions),
    fineRows: Math.min(MOST_FINE, Math.floor(rows / 4)),
    ...(dense ? { dense: { ...DENSE, ratio: dense } } : {}),
  };
}
