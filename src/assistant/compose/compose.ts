/**
 * One context over the whole workspace: what is likely is read in full, what is near it stands in fine rows, everything else in coarse
 * rows. The result is the ledger the user sees, and the model's own reading of it.
 */
import { createHash } from 'node:crypto';
import type { Memories, MemorySegment } from '../../library/memories/memories';
import { joinBytes } from '../../library/memories/rows';
import type { AnswerTiming, ContextLedger, Coverage, LedgerGroup, RankedSpan, Scope, Span } from '../../protocol';
import type { AssistantLibrary } from '../library';
import { fuse, planContext, segmentsOfSpans, type CoarseGroup, type ContextPlan, type Ranking } from './select';

/** What the engine's process does for a composed context; the worker implements it. */
export interface ContextEngine {
  /** Positions the model was trained on. */
  readonly windowTokens: number;
  readonly sinkRows: number;
  vector(question: string, signal?: AbortSignal): Promise<{ vector: Float32Array; tokens: number }>;
  compose(request: ContextRequest, signal?: AbortSignal): Promise<ContextReading>;
}

export interface ContextRequest {
  coarse: { id: string; rows: Uint8Array; tokens: number };
  fine: { rows: Uint8Array; tokens: number };
  full: readonly { key: string; text: string }[];
  question: string;
  capacityRows: number;
  maxNewTokens: number;
}

export interface ContextReading {
  rows: {
    sinks: number; coarse: number; fine: number; question: number; answer: number;
    full: readonly { key: string; rows: number; origin: 'computed' | 'memory' | 'left' }[];
  };
  bytesPerRow: number;
  text: string;
  timing: { splice: number; read: number; decode: number; firstToken: number };
  cache: { hits: number; misses: number; evictions: number };
}

export interface ComposeTools {
  library: Pick<AssistantLibrary, 'search'> & { indexed(path: string): Promise<{ document: { text: string } } | undefined> };
  memories: Memories;
  engine: ContextEngine;
  /** Mean-query attention to each segment's anchors, where an engine can give it. */
  attention?: Ranking;
  signal?: AbortSignal;
}

export interface ComposedContext {
  ledger: ContextLedger;
  spans: readonly RankedSpan[];
  coverage: Coverage;
  timing: AnswerTiming;
  /** What the model wrote; empty when nothing was asked for. */
  text: string;
}

/** Rows of a context, whatever the model's positions: memories may share those (the ceiling bounds positions, not rows). */
export const CAPACITY_ROWS = 4_096;
const SPANS = 30;
const NEAREST = 60;
/** Shares of the positions that are read in full, and of the rows that may be fine. */
const FULL_SHARE = 0.375;
/** Positions that are not left to memories. */
const LIVE_SHARE = 0.75;
const MOST_FULL = 1_024;
const MOST_FINE = 512;

export async function composeContext(request: { question: string; scope: Scope; maxNewTokens: number; capacityRows?: number }, tools: ComposeTools): Promise<ComposedContext> {
  const { library, memories, engine, signal } = tools;
  const { question, scope, maxNewTokens, capacityRows = CAPACITY_ROWS } = request;
  const started = performance.now();
  const [{ spans, coverage }, asked] = await Promise.all([library.search(question, { scope, limit: SPANS, signal }), engine.vector(question, signal)]);
  const segments = memories.segments();
  const nearest = await memories.nearest(segments, asked.vector, NEAREST);
  const rankings: Ranking[] = [
    { name: 'lexical', keys: segmentsOfSpans(spans, segments), weight: 1 },
    { name: 'vector', keys: nearest.map(({ segment }) => segment.key), weight: 0.5 },
    ...(tools.attention ? [tools.attention] : []),
  ];
  const plan = planContext(segments, fuse(rankings), budgetOf(engine, capacityRows, asked.tokens + maxNewTokens));
  const parts = await readParts(plan, memories, library);
  const retrieve = performance.now() - started;
  const reading = await engine.compose({ ...parts.request, question, capacityRows, maxNewTokens }, signal);
  const timing: AnswerTiming = { retrieve, ...reading.timing, firstToken: retrieve + reading.timing.firstToken, total: performance.now() - started };
  return { ledger: ledgerOf(parts, reading, capacityRows), spans, coverage, timing, text: reading.text };
}

/** What is left for memories and full rows once the sinks, the question and the answer have theirs. */
function budgetOf({ windowTokens, sinkRows }: ContextEngine, capacityRows: number, live: number): { rows: number; fullRows: number; fineRows: number } {
  const rows = Math.max(0, capacityRows - sinkRows - live);
  const positions = Math.max(0, Math.floor(windowTokens * LIVE_SHARE) - sinkRows - live);
  return { rows, fullRows: Math.min(MOST_FULL, Math.floor(windowTokens * FULL_SHARE), positions), fineRows: Math.min(MOST_FINE, Math.floor(rows / 4)) };
}

interface Parts {
  request: Pick<ContextRequest, 'coarse' | 'fine' | 'full'>;
  coarse: readonly CoarseGroup[];
  fine: readonly MemorySegment[];
  full: readonly MemorySegment[];
}

/** Reads the rows and texts of a plan. What was evicted or changed since the plan was made is left out of the ledger too. */
async function readParts(plan: ContextPlan, memories: Memories, library: ComposeTools['library']): Promise<Parts> {
  const coarse: CoarseGroup[] = [];
  const coarseRows: Uint8Array[] = [];
  const name = createHash('sha256');
  for (const group of plan.coarse) {
    const rows = group.folded ? await memories.folded(group.segments) : await memories.coarse((group.segments[0] as MemorySegment).key);
    if (!rows) continue;
    coarse.push(group);
    coarseRows.push(rows);
    for (const { key } of group.segments) name.update(key);
    name.update(group.folded ? '+' : '.');
  }
  const fine: MemorySegment[] = [];
  const fineRows: Uint8Array[] = [];
  for (const segment of plan.fine) {
    const rows = await memories.fine(segment);
    if (!rows) continue;
    fine.push(segment);
    fineRows.push(rows);
  }
  const full: MemorySegment[] = [];
  const texts: { key: string; text: string }[] = [];
  for (const segment of plan.full) {
    const found = await library.indexed(segment.path);
    if (!found) continue;
    full.push(segment);
    texts.push({ key: segment.key, text: found.document.text.slice(segment.start, segment.end) });
  }
  const tokens = (some: readonly MemorySegment[]): number => some.reduce((sum, segment) => sum + segment.tokens, 0);
  return {
    coarse, fine, full,
    request: {
      coarse: { id: name.digest('hex'), rows: joinBytes(coarseRows), tokens: tokens(coarse.flatMap((group) => group.segments)) },
      fine: { rows: joinBytes(fineRows), tokens: tokens(fine) },
      full: texts,
    },
  };
}

/** Each token of the workspace is counted in one group: a file's coarse rows together, and each fine or full segment by itself. */
function ledgerOf(parts: Parts, { rows, bytesPerRow, cache }: ContextReading, capacityRows: number): ContextLedger {
  const group = (kind: LedgerGroup['kind'], count: number, tokens: number, more: Partial<LedgerGroup> = {}): LedgerGroup => ({ kind, rows: count, tokens, bytes: count * bytesPerRow, ...more });
  const coarse = new Map<string, LedgerGroup>();
  for (const { segments, folded, rows: count } of parts.coarse) {
    const [first] = segments as [MemorySegment];
    const files = new Set(segments.map(({ path }) => path));
    // A folder's row stands for many files: it has no one span to be opened.
    const name = files.size > 1 ? `folder:${coarse.size}` : `${folded ? 'file' : 'rows'}:${first.path}`;
    const tokens = segments.reduce((sum, segment) => sum + segment.tokens, 0);
    const span = files.size > 1 ? undefined : spanOf(segments);
    const before = coarse.get(name);
    if (before) coarse.set(name, { ...before, rows: before.rows + count, tokens: before.tokens + tokens, bytes: before.bytes + count * bytesPerRow, ...(before.span && span ? { span: { ...before.span, startLine: Math.min(before.span.startLine, span.startLine), endLine: Math.max(before.span.endLine, span.endLine) } } : {}) });
    else coarse.set(name, group('coarse', count, tokens, { origin: 'store', ...(span ? { span } : {}) }));
  }
  const full = parts.full.flatMap((segment): LedgerGroup[] => {
    const read = rows.full.find(({ key }) => key === segment.key);
    if (!read || read.origin === 'left') return [];
    return [group('full', read.rows, read.rows, { origin: read.origin, span: spanOf([segment]) })];
  });
  const groups = [
    group('sinks', rows.sinks, rows.sinks, { origin: 'computed' }),
    ...coarse.values(),
    ...parts.fine.map((segment) => group('fine', segment.fineRows, segment.tokens, { origin: 'store', span: spanOf([segment]) })),
    ...full,
    group('question', rows.question, rows.question, { origin: 'computed' }),
    ...(rows.answer > 0 ? [group('answer', rows.answer, rows.answer, { origin: 'computed' })] : []),
  ];
  return { groups, capacityRows, bytesPerRow, cache };
}

function spanOf(segments: readonly MemorySegment[]): Span {
  const [{ file, path }] = segments as [MemorySegment];
  return { file, path, startLine: Math.min(...segments.map(({ startLine }) => startLine)), endLine: Math.max(...segments.map(({ endLine }) => endLine)) };
}
