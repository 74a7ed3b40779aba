import type { MemorySegment } from '../memory-reader';
import type { ContextLedger, LedgerGroup, Span } from '../../protocol';
import type { ComposeReading, OnDemandRows } from '../../protocol/memory';
import type { CoarseGroup } from './plan';

/** The segments of a context, grouped by how they are represented. */
export interface ContextParts {
  coarse: readonly CoarseGroup[];
  fine: readonly MemorySegment[];
  /**
   * `key`: key under which the rows are requested. `rest`: whether fine rows represent the tokens outside the dense
   * rows. `lines`: first and last line in dense rows, relative to the segment, if known.
   */
  dense: readonly {
    segment: MemorySegment;
    key: string;
    rest: boolean;
    lines?: readonly [first: number, last: number];
  }[];
  full: readonly MemorySegment[];
  /** Lines of a segment that is too long to read whole. Its fine rows represent the rest. */
  part?: { segment: MemorySegment; key: string; startLine: number; endLine: number };
  /** Selected segments whose file was changed or deleted. */
  gone: readonly MemorySegment[];
}

/**
 * Lists the rows of a context in groups. The coarse rows of a file form one group. Each fine, dense or full segment is
 * a group of its own. Each token of the workspace counts in exactly one group.
 */
export function ledgerOf(
  parts: ContextParts,
  { rows, bytesPerRow, cache }: ComposeReading,
  capacityRows: number,
): ContextLedger {
  const group = (
    kind: LedgerGroup['kind'],
    count: number,
    tokens: number,
    more: Partial<LedgerGroup> = {},
  ): LedgerGroup => ({ kind, rows: count, tokens, bytes: count * bytesPerRow, ...more });
  const opened = (some: readonly OnDemandRows[]): Map<string, OnDemandRows & { origin: 'computed' | 'memory' }> =>
    new Map(some.flatMap((each) => (each.origin === 'left' ? [] : [[each.key, { ...each, origin: each.origin }]])));
  const read = opened(rows.full);
  const encoded = opened(rows.dense);
  const { part } = parts;
  const inPart = part && read.get(part.key);
  const full = [
    ...(part && inPart
      ? [
          group('full', inPart.rows, inPart.rows, {
            origin: inPart.origin,
            span: { ...spanOf([part.segment]), startLine: part.startLine, endLine: part.endLine },
          }),
        ]
      : []),
    ...parts.full.flatMap((segment): LedgerGroup[] => {
      const own = read.get(segment.key);
      return own ? [group('full', own.rows, own.rows, { origin: own.origin, span: spanOf([segment]) })] : [];
    }),
  ];
  const dense = parts.dense.flatMap(({ segment, key, lines }): LedgerGroup[] => {
    const own = encoded.get(key);
    return own
      ? [group('dense', own.rows, own.tokens, { origin: own.origin, span: linesOf(segment, own.lines ?? lines) })]
      : [];
  });
  const left = [
    ...parts.dense.flatMap(({ segment, key, rest }) => (encoded.has(key) || rest ? [] : [segment])),
    ...parts.full.filter(({ key }) => !read.has(key)),
    ...parts.gone,
  ].map((segment) => spanOf([segment]));
  // The tokens of full and dense rows count there, not in the fine rows of the same segment.
  const rests = parts.dense.flatMap(({ segment, key, rest }) =>
    rest ? [{ ...segment, tokens: Math.max(0, segment.tokens - (encoded.get(key)?.tokens ?? 0)) }] : [],
  );
  const fine = [
    ...(part ? [{ ...part.segment, tokens: Math.max(0, part.segment.tokens - (inPart?.rows ?? 0)) }] : []),
    ...rests,
    ...parts.fine,
  ];
  const { compressed } = rows;
  const groups = [
    group('sinks', rows.sinks, rows.sinks, { origin: 'computed' }),
    ...coarseGroups(parts.coarse, bytesPerRow),
    ...fine.map((segment) =>
      group('fine', segment.fineRows, segment.tokens, { origin: originOf([segment]), span: spanOf([segment]) }),
    ),
    ...dense,
    ...full,
    ...(compressed.rows > 0 ? [group('question', compressed.rows, compressed.tokens, { origin: 'computed' })] : []),
    group('question', rows.question, rows.question, { origin: 'computed' }),
    ...(rows.answer > 0 ? [group('answer', rows.answer, rows.answer, { origin: 'computed' })] : []),
  ];
  return { groups, capacityRows, bytesPerRow, cache, ...(left.length > 0 ? { left } : {}) };
}

function coarseGroups(parts: readonly CoarseGroup[], bytesPerRow: number): LedgerGroup[] {
  const groups = new Map<string, LedgerGroup>();
  for (const { segments, folded, rows } of parts) {
    const [first] = segments as [MemorySegment];
    const files = new Set(segments.map(({ path }) => path));
    // The row of a folder represents many files and has no single span.
    const name = files.size > 1 ? `folder:${groups.size}` : `${folded ? 'file' : 'rows'}:${first.path}`;
    const before = groups.get(name);
    const span = files.size > 1 ? undefined : spanOf(segments, before?.span);
    const tokens = segments.reduce((sum, segment) => sum + segment.tokens, 0);
    const origin = originOf(segments);
    groups.set(name, {
      kind: 'coarse',
      rows: (before?.rows ?? 0) + rows,
      tokens: (before?.tokens ?? 0) + tokens,
      bytes: (before?.bytes ?? 0) + rows * bytesPerRow,
      origin: before && before.origin !== origin ? 'store' : origin,
      ...(span ? { span } : {}),
    });
  }
  return [...groups.values()];
}

/** Stored rows are the team's when another machine has made all of them. */
function originOf(segments: readonly MemorySegment[]): 'store' | 'team' {
  return segments.every(({ fromTeam }) => fromTeam) ? 'team' : 'store';
}

/** The span from the first to the last line of segments of one file, extended by `also`. */
function spanOf(segments: readonly MemorySegment[], also?: Span): Span {
  const [{ file, path }] = segments as [MemorySegment];
  const starts = segments.map(({ startLine }) => startLine);
  const ends = segments.map(({ endLine }) => endLine);
  return {
    file,
    path,
    startLine: Math.min(also?.startLine ?? Infinity, ...starts),
    endLine: Math.max(also?.endLine ?? 0, ...ends),
  };
}

/** The span of some lines of a segment, given relative to its first line. */
function linesOf(segment: MemorySegment, lines: readonly [first: number, last: number] | undefined): Span {
  const { startLine, endLine, ...span } = spanOf([segment]);
  const [first, last] = lines ?? [0, endLine - startLine];
  return { ...span, startLine: Math.min(endLine, startLine + first), endLine: Math.min(endLine, startLine + last) };
}
