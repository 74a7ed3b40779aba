import type { Cell } from '../cell-markers';
import { LineTable } from '../../base';
import type { Cuts } from './cuts';
import { cutsByIndentation } from './indentation';
import { type Heading, readProse } from './prose';

/** Shorter cells may share a segment with their neighbours. */
const TINY_LINES = 6;
/** Cost above that of another segment, so that a long cell begins a segment. */
const APART = 1.6;
/** A marker has no meaning alone, so it stays with the first lines of its cell. */
const WITH_MARKER = 2;
/** An output stays with the code above it if both fit. */
const OUTPUT = 0.6;

/** Returns cut costs and headings of a notebook. Code is cut by `layout`, which the caller refines by syntax. */
export function cutsOfCells(lines: LineTable, cells: readonly Cell[]): { cuts: Cuts; headings: Heading[] } {
  const cuts = cutsByIndentation(lines);
  const headings: Heading[] = [];
  for (const cell of cells) {
    if (cell.type === 'markdown') headings.push(...copyProse(lines, cell, cuts));
    cuts.cut[cell.marker] = cell.type === 'output' ? OUTPUT : 0;
    if (cell.type !== 'output' && cell.marker > 0 && cell.end - cell.first >= TINY_LINES)
      cuts.join[cell.marker] = APART;
    if (cell.first < lines.count) cuts.cut[cell.first] = Math.max(cuts.cut[cell.first] ?? 0, WITH_MARKER);
  }
  return { cuts, headings };
}

function copyProse(lines: LineTable, { first, end }: Cell, cuts: Cuts): Heading[] {
  const prose = readProse(new LineTable(lines.text.slice(lines.start(first), lines.start(end))), 'markdown');
  cuts.cut.set(prose.cuts.cut, first);
  cuts.join.set(prose.cuts.join, first);
  return prose.headings.map((heading) => ({ ...heading, line: heading.line + first }));
}

/** Returns offsets of code that a parser can read. Cells with a cell magic (`%%bash`) are in another language. */
export function codeRanges(lines: LineTable, cells: readonly Cell[]): { start: number; end: number }[] {
  return cells
    .filter(({ type, first, end }) => type === 'code' && first < end && !/^\s*%%/.test(lines.line(first, 20)))
    .map(({ first, end }) => ({ start: lines.start(first), end: lines.start(end) }));
}

/** Blanks out line magics and shell lines (`%matplotlib inline`, `!pip install x`), which no parser supports. */
export function withoutMagics(text: string): string {
  return text.replace(/^[ \t]*[%!?].*$/gm, (line) => ' '.repeat(line.length));
}
