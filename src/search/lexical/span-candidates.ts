import { LineTable } from '../../base';
import type { SegmentHit, ReadDocument, DocumentSymbol, SegmentedDocument } from '../../workspace';

/**
 * A range of lines that can answer alone: a definition with its doc comment, or the rest of a segment between
 * definitions.
 */
export interface SpanCandidate {
  startLine: number;
  endLine: number;
  /** The definition, if the span is one. */
  symbol?: DocumentSymbol;
  /** Names of enclosing definitions or headings, outermost first; its own name last. */
  breadcrumb: readonly string[];
}

/** Maximum size of a definition that is returned whole. */
export interface DefinitionSize {
  lines: number;
  characters: number;
}

interface WholeDefinition {
  symbol: DocumentSymbol;
  first: number;
  last: number;
}

/**
 * The structure of a document that every question needs. It is cached with the document, because in a long file it
 * takes longer than the rest of a search.
 */
class DocumentShape {
  readonly lines: LineTable;
  private readonly bySize = new Map<string, readonly WholeDefinition[]>();

  constructor(
    text: string,
    private readonly symbols: readonly DocumentSymbol[],
  ) {
    this.lines = new LineTable(text);
  }

  /** Returns the outermost definitions of at most this size, in order, without overlaps. */
  definitions(size: DefinitionSize): readonly WholeDefinition[] {
    const key = `${size.lines}:${size.characters}`;
    let found = this.bySize.get(key);
    if (!found) this.bySize.set(key, (found = wholeDefinitions(this.symbols, this.lines, size)));
    return found;
  }
}

const shapes = new WeakMap<ReadDocument, DocumentShape>();

function shapeOf(read: ReadDocument): DocumentShape {
  let shape = shapes.get(read);
  if (shape === undefined) shapes.set(read, (shape = new DocumentShape(read.document.text, read.segmented.symbols)));
  return shape;
}

/**
 * Returns the offsets of some lines in their document's text, from the first character to the end of the last line,
 * without its line break.
 */
export function rangeOf(
  read: ReadDocument,
  { startLine, endLine }: { startLine: number; endLine: number },
): { start: number; end: number } {
  const { lines } = shapeOf(read);
  return { start: lines.start(startLine - 1), end: lines.end(endLine - 1) };
}

/**
 * Cuts found segments into candidates: each definition up to `size` that a segment touches, and the lines between
 * them.
 */
export function cutCandidates(read: ReadDocument, hits: readonly SegmentHit[], size: DefinitionSize): SpanCandidate[] {
  const candidates = new Map<string, SpanCandidate>();
  const add = (candidate: SpanCandidate): void => {
    const key = `${candidate.startLine}-${candidate.endLine}`;
    if (!candidates.has(key)) candidates.set(key, candidate);
  };
  const definitions = shapeOf(read).definitions(size);
  for (const hit of hits) {
    const segment = read.segmented.segments[hit.ordinal];
    if (segment === undefined || segment.startLine !== hit.startLine) continue;
    let line = segment.startLine;
    const addLinesTo = (end: number): void => {
      if (end < line) return;
      add({
        startLine: line,
        endLine: end,
        breadcrumb: breadcrumbAt(read.segmented, segment.breadcrumb, line),
      });
    };
    for (const { symbol, first, last } of definitions) {
      if (last < line) continue;
      if (first > segment.endLine) break;
      addLinesTo(first - 1);
      add({ startLine: first, endLine: last, symbol, breadcrumb: [...symbol.container, symbol.name] });
      line = Math.max(line, last + 1);
    }
    addLinesTo(segment.endLine);
  }
  return [...candidates.values()].sort((a, b) => a.startLine - b.startLine);
}

/** Returns the whole definition around a candidate if it is no larger than `size`, else the candidate. */
export function widen<T extends SpanCandidate>(candidate: T, read: ReadDocument, size: DefinitionSize): T {
  const whole = shapeOf(read)
    .definitions(size)
    .find(({ first, last }) => first <= candidate.startLine && candidate.endLine <= last);
  if (!whole || (whole.first === candidate.startLine && whole.last === candidate.endLine)) return candidate;
  const { symbol, first, last } = whole;
  const { start, end } = rangeOf(read, { startLine: first, endLine: last });
  return {
    ...candidate,
    startLine: first,
    endLine: last,
    symbol,
    breadcrumb: [...symbol.container, symbol.name],
    text: read.document.text.slice(start, end),
  };
}

function wholeDefinitions(
  symbols: readonly DocumentSymbol[],
  lines: LineTable,
  size: DefinitionSize,
): WholeDefinition[] {
  const wholes: WholeDefinition[] = [];
  let covered = 0;
  const ordered = symbols
    .map((symbol) => ({
      symbol,
      first: Math.min(symbol.docLine ?? symbol.startLine, symbol.startLine),
      last: symbol.endLine,
    }))
    .sort((a, b) => a.first - b.first || b.last - a.last);
  for (const whole of ordered) {
    if (whole.first <= covered || whole.symbol.kind === 'heading') continue;
    const isTooLong =
      whole.last - whole.first + 1 > size.lines || lines.length(whole.first - 1, whole.last) > size.characters;
    if (isTooLong) continue;
    wholes.push(whole);
    covered = whole.last;
  }
  return wholes;
}

/**
 * Returns the names of the innermost definition that contains `line`. Falls back to the segment's own breadcrumb where
 * no symbol contains it (headings).
 */
function breadcrumbAt(segmented: SegmentedDocument, fallback: readonly string[], line: number): readonly string[] {
  let inner: DocumentSymbol | undefined;
  for (const symbol of segmented.symbols)
    if (
      symbol.startLine <= line &&
      symbol.endLine >= line &&
      (inner === undefined || symbol.startLine >= inner.startLine)
    )
      inner = symbol;
  return inner ? [...inner.container, inner.name] : fallback;
}
