import type { MemorySegment } from '../memory-reader';
import type { DenseRatio } from '../../protocol/memory';
import { denseRowCount } from '../row-layout';

export interface RowBudget {
  /** Rows available to the whole plan. */
  rows: number;
  /** Maximum number of rows read in full. */
  fullRows: number;
  /** Maximum number of fine rows. */
  fineRows: number;
  /** Absent for models without slots for dense rows. */
  dense?: DenseBudget;
}

/** Limits on what is encoded for one question. */
export interface DenseBudget {
  ratio: DenseRatio;
  /** Maximum number of segments in dense rows. */
  segments: number;
  /** Maximum number of tokens of a segment in dense rows. The fine rows of a longer segment represent the rest. */
  stretch: number;
  /** Minimum score of a segment, as a share of the best score among segments not read in full. */
  likely: number;
  /** Maximum number of tokens, including those read in full. */
  tokens: number;
}

/** Segments that share one group of coarse rows. */
export interface CoarseGroup {
  segments: readonly MemorySegment[];
  /** True: the coarse rows are folded into one row. */
  folded: boolean;
  rows: number;
}

export interface ContextPlan {
  coarse: readonly CoarseGroup[];
  fine: readonly MemorySegment[];
  /** Best last, next to the segments read in full. */
  dense: readonly SegmentPart[];
  /** Best last, next to the question. */
  full: readonly MemorySegment[];
  /**
   * The best segment that is too long for the remaining full rows. The lines around the match are read, and fine rows
   * represent the rest.
   */
  part?: SegmentPart;
}

/** A segment of which at most `tokens` tokens are used. */
export interface SegmentPart {
  segment: MemorySegment;
  tokens: number;
}

/** Minimum size of a part in tokens. Fewer tokens are only a line or two. */
const LEAST_PART = 48;

/**
 * Plans a context over all segments, best first: full text, then dense rows, then fine rows, then coarse rows for the
 * rest of the workspace. The first segment that is too long for the remaining room is read in part, and its fine rows
 * represent its rest. When the coarse rows exceed the room, files are folded into one row each, least relevant first,
 * and then folders. Every segment has exactly one place, so the plan covers the whole workspace.
 */
export function planContext(
  segments: readonly MemorySegment[],
  scores: ReadonlyMap<string, number>,
  budget: RowBudget,
): ContextPlan {
  // Equal text in several files has equal rows. They are planned once, under the first file.
  const distinct = [...new Map([...segments].reverse().map((segment) => [segment.key, segment])).values()].reverse();
  const ranked = distinct
    .filter(({ key }) => scores.has(key))
    .sort((a, b) => (scores.get(b.key) as number) - (scores.get(a.key) as number));
  // One row is reserved for the rest of the workspace.
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
  // Without a part, shorter segments fill the room.
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
    ? selectDense(
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
 * Selects the best segments, and those nearly as good, for dense rows while there is room. Deducts their cost from
 * `left`.
 */
function selectDense(
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

/** Returns the number of leading segments that fit into `room` together. */
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

/** Folds files into one row per folder, at the greatest depth that fits. At depth 0, one row represents all files. */
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
