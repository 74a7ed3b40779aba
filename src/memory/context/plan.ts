import type { DenseRatio } from '../../protocol';
import type { MemorySegment } from '../memories';
import { denseRowCount } from '../rows';

export interface RowBudget {
  /** Rows for everything that `planContext` chooses. */
  rows: number;
  /** Rows read in full, at most. */
  fullRows: number;
  fineRows: number;
  /** Absent where the model has no slots for dense rows. */
  dense?: DenseBudget;
}

/** What may be encoded for one question. */
export interface DenseBudget {
  ratio: DenseRatio;
  segments: number;
  /** Tokens of a segment that stand in dense rows, at most; of longer ones the fine rows stand for the rest. */
  stretch: number;
  /** A segment must have this share of the score of the best one that is not read. */
  likely: number;
  /** Tokens, those that are read in full included. */
  tokens: number;
}

/** Segments that stand in the context as one group of rows. */
export interface CoarseGroup {
  segments: readonly MemorySegment[];
  /** True: all their coarse rows are folded into one. */
  folded: boolean;
  rows: number;
}

export interface ContextPlan {
  coarse: readonly CoarseGroup[];
  fine: readonly MemorySegment[];
  /** Best last: next to what is read in full. */
  dense: readonly SegmentPart[];
  /** Best last: it stands next to the question. */
  full: readonly MemorySegment[];
  /**
   * The best segment that is too long for what full rows have left: the lines around the match are read, and its fine
   * rows stand for the rest.
   */
  part?: SegmentPart;
}

/** So many tokens of a segment, at most. */
export interface SegmentPart {
  segment: MemorySegment;
  tokens: number;
}

/** Fewer tokens than these are a line or two: too little to be worth a segment's place. */
const LEAST_PART = 48;

/**
 * What the context holds: the best segments in full, stretches of the next best in dense rows, fine rows of those after
 * them, coarse rows of all the rest of the workspace. The first that is too long for what full rows have left is read
 * in part; fine rows stand for the rest of what stands in part. When all of it is more than there is room for, files
 * are folded into one row each, those furthest from the question first, and then folders. Every segment is in exactly
 * one place; nothing of the workspace is left out.
 */
export function planContext(
  segments: readonly MemorySegment[],
  scores: ReadonlyMap<string, number>,
  budget: RowBudget,
): ContextPlan {
  // The same text in several files has one memory: it is held once, under the first.
  const distinct = [...new Map([...segments].reverse().map((segment) => [segment.key, segment])).values()].reverse();
  const ranked = distinct
    .filter(({ key }) => scores.has(key))
    .sort((a, b) => (scores.get(b.key) as number) - (scores.get(a.key) as number));
  // One row is kept for the rest of the workspace, however much is read in full.
  const least = Math.min(budget.rows, 1);
  let room = Math.max(0, budget.rows - least);
  const take = (
    from: readonly MemorySegment[],
    most: number,
    rowsOf: (segment: MemorySegment) => number,
  ): MemorySegment[] => {
    let left = Math.min(most, room);
    return from.filter((segment) => {
      const rows = rowsOf(segment);
      if (rows > left) return false;
      left -= rows;
      room -= rows;
      return true;
    });
  };
  const partAt = firstTooLong(ranked, Math.min(room, budget.fullRows));
  const full = take(ranked.slice(0, partAt), budget.fullRows, ({ tokens }) => tokens);
  const part = partOf(ranked[partAt], room, budget.fullRows - sumOf(full, ({ tokens }) => tokens), budget.fineRows);
  // What is too short for a part is room for segments that are shorter still.
  if (part) room -= part.tokens + part.segment.fineRows;
  else
    full.push(
      ...take(ranked.slice(partAt), budget.fullRows - sumOf(full, ({ tokens }) => tokens), ({ tokens }) => tokens),
    );
  const inFull = new Set([...full, ...(part ? [part.segment] : [])]);
  const { dense: opened } = budget;
  const read = sumOf(full, ({ tokens }) => tokens) + (part?.tokens ?? 0);
  const left = {
    rows: room,
    fineRows: budget.fineRows - (part?.segment.fineRows ?? 0),
    tokens: (opened?.tokens ?? 0) - read,
  };
  const dense = opened
    ? openable(
        ranked.filter((segment) => !inFull.has(segment)),
        scores,
        opened,
        left,
      )
    : [];
  room = left.rows;
  const near = new Set([...inFull, ...dense.map(({ segment }) => segment)]);
  const fine = take(
    ranked.filter((segment) => !near.has(segment)),
    left.fineRows,
    ({ fineRows }) => fineRows,
  );
  const chosen = new Set([...near, ...fine]);
  const coarse = foldToFit(
    distinct.filter((segment) => !chosen.has(segment)),
    scores,
    room + least,
  );
  return { coarse, fine, dense: dense.reverse(), full: full.reverse(), ...(part ? { part } : {}) };
}

const sumOf = (segments: readonly MemorySegment[], of: (segment: MemorySegment) => number): number =>
  segments.reduce((sum, segment) => sum + of(segment), 0);

/**
 * The best, and those nearly as good, stand in dense rows as far as there is room; what they take is taken off `left`.
 */
function openable(
  ranked: readonly MemorySegment[],
  scores: ReadonlyMap<string, number>,
  { ratio, segments, stretch, likely }: DenseBudget,
  left: { rows: number; fineRows: number; tokens: number },
): SegmentPart[] {
  const scoreOf = (segment: MemorySegment | undefined): number => (segment && scores.get(segment.key)) ?? 0;
  const least = likely * scoreOf(ranked[0]);
  const opened: SegmentPart[] = [];
  for (const segment of ranked) {
    if (opened.length === segments || scoreOf(segment) < least) break;
    const tokens = Math.min(segment.tokens, stretch);
    const rest = tokens < segment.tokens ? segment.fineRows : 0;
    const rows = denseRowCount(tokens, ratio) + rest;
    if (rows > left.rows || rest > left.fineRows || tokens > left.tokens) continue;
    left.rows -= rows;
    left.fineRows -= rest;
    left.tokens -= tokens;
    opened.push({ segment, tokens });
  }
  return opened;
}

/** How many of the best fit one after the other. */
function firstTooLong(ranked: readonly MemorySegment[], room: number): number {
  const at = ranked.findIndex(({ tokens }) => (room -= tokens) < 0);
  return at < 0 ? ranked.length : at;
}

function partOf(
  segment: MemorySegment | undefined,
  room: number,
  fullRows: number,
  fineRows: number,
): SegmentPart | undefined {
  if (!segment || segment.fineRows > fineRows) return undefined;
  const tokens = Math.min(segment.tokens - 1, fullRows, room - segment.fineRows);
  return tokens < LEAST_PART ? undefined : { segment, tokens };
}

interface FileGroup {
  path: string;
  segments: MemorySegment[];
  rows: number;
  score: number;
}

function foldToFit(
  segments: readonly MemorySegment[],
  scores: ReadonlyMap<string, number>,
  room: number,
): CoarseGroup[] {
  const files = byFile(segments, scores);
  let rows = files.reduce((sum, file) => sum + file.rows, 0);
  const folded = new Set<FileGroup>();
  for (const file of [...files].sort((a, b) => a.score - b.score || b.rows - a.rows)) {
    if (rows <= room) break;
    if (file.rows === 1) continue;
    rows -= file.rows - 1;
    folded.add(file);
  }
  if (rows <= room) {
    return files.flatMap((file): CoarseGroup[] =>
      folded.has(file)
        ? [{ segments: file.segments, folded: true, rows: 1 }]
        : file.segments.map((segment) => ({ segments: [segment], folded: false, rows: segment.coarseRows })),
    );
  }
  return foldFolders(files, room);
}

/** One row for each folder, at the greatest depth that fits; in the end one for everything. */
function foldFolders(files: readonly FileGroup[], room: number): CoarseGroup[] {
  if (room < 1) return [];
  const deepest = Math.max(...files.map(({ path }) => path.split('/').length)) - 1;
  for (let depth = deepest; ; depth--) {
    const folders = new Map<string, MemorySegment[]>();
    for (const { path, segments } of files) {
      const folder = path.split('/').slice(0, -1).slice(0, depth).join('/');
      const own = folders.get(folder);
      if (own) own.push(...segments);
      else folders.set(folder, [...segments]);
    }
    if (folders.size <= room || depth === 0)
      return [...folders.values()].map((own) => ({ segments: own, folded: true, rows: 1 }));
  }
}

function byFile(segments: readonly MemorySegment[], scores: ReadonlyMap<string, number>): FileGroup[] {
  const files = new Map<string, FileGroup>();
  for (const segment of segments) {
    let file = files.get(segment.path);
    if (!file) files.set(segment.path, (file = { path: segment.path, segments: [], rows: 0, score: 0 }));
    file.segments.push(segment);
    file.rows += segment.coarseRows;
    file.score = Math.max(file.score, scores.get(segment.key) ?? 0);
  }
  return [...files.values()];
}
