import type { SegmentHit } from '../workspace/lexical/search';
import { LineTable } from '../base';
import type { DocumentSymbol, SegmentedDocument } from '../workspace/types';
import type { ReadDocument } from '../workspace/read-document';

/** Longest definition shown whole; of a longer one the segments that match are shown. */
export const MAX_UNIT_LINES = 100;
const MAX_UNIT_CHARACTERS = 5500;

/**
 * A definition that is longer is still handed out whole, up to this, where a part of it was found: its lines belong
 * together.
 */
const MAX_WHOLE_LINES = 160;
const MAX_WHOLE_CHARACTERS = 9000;

/** A run of lines that can answer by itself: a definition with its doc comment, or a segment where there is none. */
export interface Unit {
  startLine: number;
  endLine: number;
  /** The definition it is, if it is one. */
  symbol?: DocumentSymbol;
  /** Definitions or headings around it, outermost first, its own name last. */
  breadcrumb: readonly string[];
}

/**
 * What every question asks of a document, worked out once: in a long file it costs more than the rest of the search.
 */
class Shape {
  readonly lines: LineTable;
  private units: readonly Whole[] | undefined;
  private wholes: readonly Whole[] | undefined;

  constructor(
    text: string,
    private readonly symbols: readonly DocumentSymbol[],
  ) {
    this.lines = new LineTable(text);
  }

  /** Definitions that are shown whole wherever they are found. */
  get shortDefinitions(): readonly Whole[] {
    return (this.units ??= wholeDefinitions(this.symbols, this.lines, MAX_UNIT_LINES, MAX_UNIT_CHARACTERS));
  }

  /** Definitions that a part which was found becomes. */
  get longerDefinitions(): readonly Whole[] {
    return (this.wholes ??= wholeDefinitions(this.symbols, this.lines, MAX_WHOLE_LINES, MAX_WHOLE_CHARACTERS));
  }
}

const shapes = new WeakMap<ReadDocument, Shape>();

function shapeOf(read: ReadDocument): Shape {
  let shape = shapes.get(read);
  if (shape === undefined) shapes.set(read, (shape = new Shape(read.document.text, read.segmented.symbols)));
  return shape;
}

/** Offsets of the lines of a unit in its document's text: from the first character to before the last line's end. */
export function rangeOf(
  read: ReadDocument,
  { startLine, endLine }: { startLine: number; endLine: number },
): { start: number; end: number } {
  const { lines } = shapeOf(read);
  return { start: lines.start(startLine - 1), end: lines.end(endLine - 1) };
}

/**
 * Cuts the segments that were found into units: each definition that a segment touches and that is short enough to be
 * shown whole, and what is left of the segment between them.
 */
export function cutUnits(read: ReadDocument, hits: readonly SegmentHit[]): Unit[] {
  const units = new Map<string, Unit>();
  const wholes = shapeOf(read).shortDefinitions;
  for (const hit of hits) {
    const segment = read.segmented.segments[hit.ordinal];
    if (segment === undefined || segment.startLine !== hit.startLine) continue;
    let line = segment.startLine;
    const rest = (end: number): void => {
      if (end >= line)
        addUnit(units, {
          startLine: line,
          endLine: end,
          breadcrumb: breadcrumbAt(read.segmented, segment.breadcrumb, line),
        });
    };
    for (const { symbol, first, last } of wholes) {
      if (last < line) continue;
      if (first > segment.endLine) break;
      rest(first - 1);
      addUnit(units, { startLine: first, endLine: last, symbol, breadcrumb: [...symbol.container, symbol.name] });
      line = Math.max(line, last + 1);
    }
    rest(segment.endLine);
  }
  return [...units.values()].sort((a, b) => a.startLine - b.startLine);
}

function addUnit(units: Map<string, Unit>, unit: Unit): void {
  const key = `${unit.startLine}-${unit.endLine}`;
  if (!units.has(key)) units.set(key, unit);
}

interface Whole {
  symbol: DocumentSymbol;
  first: number;
  last: number;
}

/** The definition that a unit is a part of, where it can be handed out whole; else the unit itself. */
export function widen<T extends Unit>(unit: T, read: ReadDocument): T {
  const whole = shapeOf(read).longerDefinitions.find(
    ({ first, last }) => first <= unit.startLine && unit.endLine <= last,
  );
  if (!whole || (whole.first === unit.startLine && whole.last === unit.endLine)) return unit;
  const { symbol, first, last } = whole;
  const { start, end } = rangeOf(read, { startLine: first, endLine: last });
  return {
    ...unit,
    startLine: first,
    endLine: last,
    symbol,
    breadcrumb: [...symbol.container, symbol.name],
    text: read.document.text.slice(start, end),
  };
}

/** The outermost definitions that are short enough, in order, none overlapping another. */
function wholeDefinitions(
  symbols: readonly DocumentSymbol[],
  lines: LineTable,
  mostLines: number,
  mostCharacters: number,
): Whole[] {
  const wholes: Whole[] = [];
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
    if (whole.last - whole.first + 1 > mostLines || lines.length(whole.first - 1, whole.last) > mostCharacters)
      continue;
    wholes.push(whole);
    covered = whole.last;
  }
  return wholes;
}

/** The innermost definitions that hold `line`; a segment's own breadcrumb where the symbols say nothing (headings). */
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
