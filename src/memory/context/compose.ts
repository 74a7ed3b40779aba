/**
 * One context over the whole workspace: what is likely is read in full, the next best stands in dense rows, what is
 * near it in fine rows, everything else in coarse rows. The result is the ledger the user sees, and the model's own
 * reading of it.
 */
import type {
  AnswerTiming,
  Author,
  ContextLedger,
  Coverage,
  DenseRatio,
  RankedSpan,
  Scope,
  TokenNeighbours,
} from '../../protocol';
import { LateInteraction } from '../late-interaction';
import type { Memories } from '../memories';
import type { Document, SegmentedDocument } from '../../workspace';
import type { AssistantLibrary } from '../../assistant/library';
import { withBareNames } from '../../assistant/question';
import { ledgerOf, type ContextParts } from './ledger';
import { readParts } from './parts';
import { retrieveFused, type Retrieved } from '../../search/fused-search';
import { planContext, type RowBudget } from './plan';

/** What the engine's process does for a composed context; the worker implements it. */
export interface ContextEngine {
  /** Positions the model was trained on. */
  readonly windowTokens: number;
  readonly sinkRows: number;
  /** Of dense rows; absent where the model has no slots for them. */
  readonly dense?: DenseRatio;
  /**
   * The question as segments are held against it: its vector, of length 1, its mean queries as they choose among
   * segments, where the model learnt that, and its tokens where they have vectors.
   */
  look(
    question: string,
    signal?: AbortSignal,
  ): Promise<{ vector: Float32Array; selection?: Float32Array; tokens: number; late?: TokenNeighbours }>;
  compose(request: ContextRequest, options?: ReadingOptions): Promise<ContextWriting>;
}

export interface ContextRequest {
  coarse: { id: string; rows: Uint8Array; tokens: number };
  fine: { rows: Uint8Array; tokens: number };
  /** By the ids that the store keeps of a segment's tokens; by its text where it keeps none. The best last. */
  dense: readonly ({ key: string } & (
    | { ids: Uint16Array; /** Of a stretch: those that stand before it in its segment. */ before?: Uint16Array }
    | { text: string }
  ))[];
  full: readonly { key: string; text: string }[];
  question: string;
  /** The question stands as a user's turn, and the answer is to follow. */
  turn: boolean;
  capacityRows: number;
  maxNewTokens: number;
}

/**
 * Rows of a segment that were made for this question or remembered from one before; `left` when there was no room for
 * it.
 */
export interface OpenedSegment {
  key: string;
  rows: number;
  /** Stood for. */
  tokens: number;
  origin: 'computed' | 'memory' | 'left';
  /** Of a stretch its first and last line, counted from its segment's first, which is 0. */
  lines?: readonly [first: number, last: number];
}

/** What was read, before anything is written. */
export interface ContextReading {
  rows: {
    sinks: number;
    coarse: number;
    fine: number;
    question: number;
    compressed: { rows: number; tokens: number };
    answer: number;
    dense: readonly OpenedSegment[];
    full: readonly OpenedSegment[];
  };
  bytesPerRow: number;
  timing: { splice: number; read: number; decode: number; firstToken: number };
  cache: { hits: number; misses: number; evictions: number };
}

export interface ContextWriting extends ContextReading {
  text: string;
  /** Geometric mean of the text's probabilities, 0…1. */
  confidence: number;
}

export interface ReadingOptions {
  signal?: AbortSignal | undefined;
  onRead?: ((reading: ContextReading) => void) | undefined;
}

/** The workspace's memories and the model that made them. */
export interface WorkspaceMemory {
  readonly author: Author;
  readonly memories: Memories;
  readonly engine: ContextEngine;
  indexed(path: string): Promise<{ document: Document; segmented: SegmentedDocument } | undefined>;
}

export interface ComposeTools {
  library: Pick<AssistantLibrary, 'search'> & Pick<WorkspaceMemory, 'indexed'>;
  memories: Memories;
  engine: ContextEngine;
  signal?: AbortSignal | undefined;
}

/** What a question's context is to hold. */
export interface ContextSelection {
  spans: readonly RankedSpan[];
  coverage: Coverage;
  /** Milliseconds that retrieval took. */
  retrieve: number;
  request: ContextRequest;
  /** Rows of the question, with those that mark it as a user's turn. */
  questionTokens: number;
  parts: ContextParts;
}

export interface ComposedContext {
  ledger: ContextLedger;
  spans: readonly RankedSpan[];
  coverage: Coverage;
  timing: AnswerTiming;
  /** What the model wrote; empty when nothing was asked for. */
  text: string;
  confidence: number;
}

export interface Asked {
  question: string;
  /** The question that this one follows and leans on. */
  before?: string | undefined;
  scope: Scope;
  maxNewTokens: number;
  turn?: boolean;
  capacityRows?: number;
  /** Tokens that are read in full, at most; default: as many as the model's positions admit. */
  mostRead?: number;
}

/**
 * Rows of a context, whatever the model's positions: memories may share those (the ceiling bounds positions, not rows).
 */
export const CAPACITY_ROWS = 4_096;
/** Shares of the positions that are read in full, and of the rows that may be fine. */
const FULL_SHARE = 0.375;
/** Positions that are not left to memories. */
const LIVE_SHARE = 0.75;
const MOST_FULL = 1_024;
const MOST_FINE = 512;
/**
 * Dense rows: a question is told less from many. Segments of which a stretch of so many tokens stands in them, the
 * share of the score of the best of them that they must have, and the tokens that a question waits for, those read in
 * full included.
 */
const DENSE = { segments: 4, stretch: 64, likely: 0.85, tokens: 4_096 };
/** Rows that mark a question as a user's turn. */
const TURN_ROWS = 3;

export async function composeContext(asked: Asked, tools: ComposeTools): Promise<ComposedContext> {
  return readContext(await selectContext(asked, tools), tools.engine, { signal: tools.signal });
}

/** Searches, and plans the context of what was found. */
export async function selectContext(asked: Asked, tools: ComposeTools): Promise<ContextSelection> {
  const started = performance.now();
  const found = await retrieveFused(asked, tools);
  return { ...(await planSelection(found, asked, tools)), retrieve: performance.now() - started };
}

/** Plans the context of search results, and fetches the rows and texts that the plan names. It runs no model. */
export async function planSelection(found: Retrieved, asked: Asked, tools: ComposeTools): Promise<ContextSelection> {
  const { memories, library, engine } = tools;
  const { question, maxNewTokens, capacityRows = CAPACITY_ROWS, mostRead = MOST_FULL, turn = false } = asked;
  const started = performance.now();
  const { spans, coverage, segments, scores, look } = found;
  const questionTokens = look.tokens + (turn ? TURN_ROWS : 0);
  const plan = planContext(
    segments,
    scores,
    budgetOf(engine, { capacityRows, mostRead }, questionTokens + maxNewTokens),
  );
  const { parts, ...rows } = await readParts(plan, {
    question,
    late: look.late && new LateInteraction(look.late, memories.vocabSize),
    memories,
    library,
  });
  return {
    spans,
    coverage,
    retrieve: performance.now() - started,
    questionTokens,
    parts,
    request: { ...rows, question: turn ? withBareNames(question) : question, turn, capacityRows, maxNewTokens },
  };
}

/** The model's reading of what was selected, and what it writes. `onLedger` is told once the context is read. */
export async function readContext(
  { request, parts, spans, coverage, retrieve }: ContextSelection,
  engine: ContextEngine,
  {
    signal,
    onLedger,
  }: { signal?: AbortSignal | undefined; onLedger?: ((ledger: ContextLedger) => void) | undefined } = {},
): Promise<ComposedContext> {
  const started = performance.now();
  const ledger = (reading: ContextReading): ContextLedger => ledgerOf(parts, reading, request.capacityRows);
  const written = await engine.compose(request, {
    signal,
    onRead: onLedger && ((reading) => onLedger(ledger(reading))),
  });
  const { timing, text, confidence } = written;
  const total = retrieve + performance.now() - started;
  return {
    ledger: ledger(written),
    spans,
    coverage,
    timing: { retrieve, ...timing, firstToken: retrieve + timing.firstToken, total },
    text,
    confidence,
  };
}

/** What is left for memories and full rows once the sinks, the question and the answer have theirs. */
function budgetOf(
  { windowTokens, sinkRows, dense }: ContextEngine,
  { capacityRows, mostRead }: Required<Pick<Asked, 'capacityRows' | 'mostRead'>>,
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
