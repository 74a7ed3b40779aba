import type { SegmentHit } from '../lexical/search';
import type { DocumentSymbol, SegmentedDocument } from '../types';
import type { ReadDocument } from './types';

/** Longest definition shown whole; of a longer one the segments that match are shown. */
export const MAX_UNIT_LINES = 100;
const MAX_UNIT_CHARACTERS = 5500;

/** A definition that is longer is still handed out whole, up to this, where a part of it was found: its lines belong together. */
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

/** Offsets of the lines of a text; line n is [starts[n−1], starts[n]). */
export function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  starts.push(text.length + 1);
  return starts;
}

/**
 * Cuts the segments that were found into units: each definition that a segment touches and that is short enough to be shown whole, and what is left
 * of the segment between them.
 */
export function cutUnits(read: ReadDocument, starts: readonly number[], hits: readonly SegmentHit[]): Unit[] {
  const units = new Map<string, Unit>();
  const wholes = wholeDefinitions(read.segmented.symbols, starts, MAX_UNIT_LINES, MAX_UNIT_CHARACTERS);
  for (const hit of hits) {
    const segment = read.segmented.segments[hit.ordinal];
    if (segment === undefined || segment.startLine !== hit.startLine) continue;
    let line = segment.startLine;
    const rest = (end: number): void => {
      if (end >= line) addUnit(units, { startLine: line, endLine: end, breadcrumb: breadcrumbAt(read.segmented, segment.breadcrumb, line) });
    };
    for (const { symbol, first, last } of wholes) {
      if (last < line || first > segment.endLine) continue;
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
  const starts = lineStarts(read.document.text);
  const whole = wholeDefinitions(read.segmented.symbols, starts, MAX_WHOLE_LINES, MAX_WHOLE_CHARACTERS).find(({ first, last }) => first <= unit.startLine && unit.endLine <= last);
  if (!whole || (whole.first === unit.startLine && whole.last === unit.endLine)) return unit;
  const { symbol, first, last } = whole;
  return { ...unit, startLine: first, endLine: last, symbol, breadcrumb: [...symbol.container, symbol.name], text: read.document.text.slice(starts[first - 1] ?? 0, (starts[last] ?? 1) - 1) };
}

/** The outermost definitions that are short enough, in order, none overlapping another. */
function wholeDefinitions(symbols: readonly DocumentSymbol[], starts: readonly number[], mostLines: number, mostCharacters: number): Whole[] {
  const wholes: Whole[] = [];
  let covered = 0;
  const ordered = symbols
    .map((symbol) => ({ symbol, first: Math.min(symbol.docLine ?? symbol.startLine, symbol.startLine), last: symbol.endLine }))
    .sort((a, b) => a.first - b.first || b.last - a.last);
  for (const whole of ordered) {
    if (whole.first <= covered || whole.symbol.kind === 'heading') continue;
    const characters = (starts[whole.last] ?? 0) - (starts[whole.first - 1] ?? 0);
    if (whole.last - whole.first + 1 > mostLines || characters > mostCharacters) continue;
    wholes.push(whole);
    covered = whole.last;
  }
  return wholes;
}

/** The innermost definitions that hold `line`; a segment's own breadcrumb where the symbols say nothing (headings). */
function breadcrumbAt(segmented: SegmentedDocument, fallback: readonly string[], line: number): readonly string[] {
  let inner: DocumentSymbol | undefined;
  for (const symbol of segmented.symbols) if (symbol.startLine <= line && symbol.endLine >= line && (inner === undefined || symbol.startLine >= inner.startLine)) inner = symbol;
  return inner ? [...inner.container, inner.name] : fallback;
}
