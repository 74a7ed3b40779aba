import type { Tree, TreeCursor } from '@vscode/tree-sitter-wasm';
import type { Cuts } from '../cuts';
import { fits } from '../cuts';
import { closes } from '../indentation';
import type { LineTable } from '../../../base';

/** Cost of cutting inside a node that fits, for use only as a last resort. */
const KEEP_WHOLE = 3;
const NO_BLANK = 0.3;
const PER_LEVEL = 0.3;
/**
 * Cost of a segment that has the end of a cut definition and the code after it. It exceeds the cost of a segment,
 * unless the end is tiny.
 */
const FOREIGN = 1.1;
const TINY_LINES = 8;
const HEAD = 0.8;
const MAX_DEPTH = 60;

/** Nodes that belong to the sibling below them when no blank line separates them. */
const LEADING = /comment|decorator|attribute_item|attribute_list|^annotation$|marker_annotation|preproc_call/;

interface Piece {
  first: number;
  end: number;
}

/**
 * Returns cut costs from a syntax tree: cheap at the beginning of statements and definitions, more expensive by depth.
 * Only nodes that do not fit into a segment are opened, so most of the tree is never visited.
 */
export function cutsBySyntax(lines: LineTable, tree: Tree, layout: Cuts): Cuts {
  const cuts = layout;
  for (let line = 0; line < lines.count; line++) cuts.cut[line] = KEEP_WHOLE + Math.min(2, cuts.cut[line] ?? 0);
  const cursor = tree.walk();
  try {
    open(lines, cursor, { first: 0, end: lines.count }, cuts, 0, 0);
  } finally {
    cursor.delete();
  }
  return cuts;
}

/** Sets cuts between the children of the cursor's node, then opens the children that do not fit. */
function open(lines: LineTable, cursor: TreeCursor, node: Piece, cuts: Cuts, level: number, depth: number): void {
  if (depth > MAX_DEPTH || !cursor.gotoFirstChild()) return;
  const starts: number[] = [];
  let introduced = -1;
  let aboveEnd = -1;
  do {
    const startIndex = cursor.startIndex;
    const endIndex = cursor.endIndex;
    if (endIndex === startIndex) continue;
    const first = lines.lineAt(startIndex);
    const last = lines.lineAt(endIndex - 1);
    // A leading comment belongs to the node that begins on the very next line.
    const begins = introduced >= 0 && aboveEnd + 1 === first ? introduced : first;
    const leads = LEADING.test(cursor.nodeType);
    if (beginsLine(lines, first, startIndex)) {
      const whole = leads && introduced >= 0 && aboveEnd + 1 === first;
      if (begins === first || !whole) {
        if (begins > node.first && begins < node.end) {
          markCut(lines, cuts, begins, level);
          if (starts.at(-1) !== begins) starts.push(begins);
        }
        if (begins !== first) cuts.cut[first] = KEEP_WHOLE + 1;
      }
    }
    introduced = leads ? begins : -1;
    aboveEnd = last;
    if (!fits(lines, first, last + 1)) {
      const ownCut = starts.at(-1) === begins && level < MAX_DEPTH;
      open(lines, cursor, { first, end: last + 1 }, cuts, ownCut ? level + 1 : level, depth + 1);
    }
  } while (cursor.gotoNextSibling());
  cursor.gotoParent();
  const head = starts[0];
  // A head says little alone, so it stays with the beginning of its body.
  if (depth > 0 && head !== undefined && head - node.first < TINY_LINES) cuts.cut[head] = (cuts.cut[head] ?? 0) + HEAD;
  separate(lines, cuts, node, starts);
}

function beginsLine(lines: LineTable, line: number, index: number): boolean {
  return lines.firstInk(line) === index;
}

function markCut(lines: LineTable, cuts: Cuts, line: number, level: number): void {
  const ink = lines.firstInk(line);
  const text = lines.text.slice(ink, ink + 12);
  const blankAbove = line === 0 || lines.isBlank(line - 1);
  cuts.cut[line] =
    Math.min(2.5, level * PER_LEVEL) +
    (blankAbove ? 0 : NO_BLANK) +
    (closes(text) ? 0.5 : 0) +
    (text.startsWith('{') ? 1.5 : 0);
}

/** Separates the parts of a cut definition from its neighbours. */
function separate(lines: LineTable, cuts: Cuts, node: Piece, starts: readonly number[]): void {
  const edges = [node.first, ...starts, node.end];
  const whole = edges.slice(0, -1).map((first, i) => fits(lines, first, edges[i + 1] ?? first));
  // Lines of whole pieces below edge i, up to the next cut piece.
  const below = new Array<number>(edges.length).fill(0);
  for (let i = edges.length - 2; i >= 0; i--)
    below[i] = whole[i] ? (below[i + 1] ?? 0) + (edges[i + 1] ?? 0) - (edges[i] ?? 0) : 0;
  let above = 0;
  for (let i = 1; i < edges.length - 1; i++) {
    const line = edges[i] ?? 0;
    above = whole[i - 1] ? above + line - (edges[i - 1] ?? 0) : 0;
    if (whole[i - 1] && whole[i]) continue;
    const smaller = Math.min(whole[i - 1] ? above : TINY_LINES, whole[i] ? (below[i] ?? 0) : TINY_LINES);
    cuts.join[line] = Math.max(cuts.join[line] ?? 0, FOREIGN * Math.min(1, smaller / TINY_LINES));
  }
}
