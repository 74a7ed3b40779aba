import type { Tree } from '@vscode/tree-sitter-wasm';
import type { Cuts } from '../cuts';
import { cutsByIndentation } from '../indentation';
import type { LineTable } from '../../../base';
import { cutsBySyntax } from './cuts';

/** Opening and closing tag of a part of a component or page, alone on a line. */
const OPENS = /^<(script|style|template)\b[^>]*>?\s*$/i;
/** Shorter parts stay with their neighbours. */
const TINY_LINES = 6;
/** Cost above that of another segment, so that a script and the markup below it are never one segment. */
const APART = 1.6;
/** A tag says little alone, so it stays with the first lines of its content. */
const WITH_TAG = 2;

/**
 * Returns cut costs of a component or page (Vue, Svelte, HTML). Markup and styles are cut by layout, scripts by their
 * language's syntax. The borders between them have precedence.
 * @param scripts offsets of the scripts' texts, whose syntax tree is `tree`
 */
export function cutsOfComponent(
  lines: LineTable,
  tree: Tree,
  scripts: readonly { start: number; end: number }[],
): Cuts {
  const cuts = cutsByIndentation(lines);
  const syntax = cutsBySyntax(lines, tree, cutsByIndentation(lines));
  copyCuts(lines, syntax, cuts, scripts);
  for (const { first, end } of partsOf(lines)) {
    if (end - first < TINY_LINES) continue;
    for (const border of [first, end]) {
      if (border === 0 || border >= lines.count) continue;
      cuts.cut[border] = 0;
      cuts.join[border] = APART;
    }
    if (first + 1 < lines.count) cuts.cut[first + 1] = WITH_TAG;
  }
  return cuts;
}

/** Copies the costs of the lines inside `ranges`. The first line of each keeps its own. */
export function copyCuts(
  lines: LineTable,
  from: Cuts,
  to: Cuts,
  ranges: readonly { start: number; end: number }[],
): void {
  for (const { start, end } of ranges) {
    for (let line = lines.lineAt(start) + 1; line < lines.lineAt(end); line++) {
      to.cut[line] = from.cut[line] ?? 0;
      to.join[line] = from.join[line] ?? 0;
    }
  }
}

/**
 * Returns scripts, styles and templates with their tags, as 0-based [first, end) lines. Blank lines below one belong
 * to it.
 */
function partsOf(lines: LineTable): { first: number; end: number }[] {
  const parts: { first: number; end: number }[] = [];
  for (let line = 0; line < lines.count; line++) {
    const tag = OPENS.exec(lines.line(line, 400).trim())?.[1]?.toLowerCase();
    if (tag === undefined) continue;
    const indent = lines.indent(line);
    let last = line + 1;
    while (
      last < lines.count &&
      !(lines.indent(last) === indent && lines.line(last, 400).trimStart().toLowerCase().startsWith(`</${tag}`))
    )
      last++;
    if (last >= lines.count) continue;
    let end = last + 1;
    while (end < lines.count && lines.isBlank(end)) end++;
    parts.push({ first: line, end });
    line = end - 1;
  }
  return parts;
}
