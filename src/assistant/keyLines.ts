/** Which few lines of a passage to quote: its head, and the lines that hold most of the question's words. */
import type { Passage } from './passages';
import { indentOf, isBlank } from './lines';
import { stemsIn, type QuestionForm } from './question';
import type { TermWeights } from './relevance';

/** A run of quoted lines, 1-based and inclusive. */
export interface Run {
  startLine: number;
  endLine: number;
}

/** At most `budget` lines of the passage in ascending runs. The doc comment is left out: its first sentence is said in words. */
export function keyLines(passage: Passage, weights: TermWeights, form: QuestionForm, budget: number): Run[] {
  const { lines, symbol, startLine, endLine } = passage;
  const isDoc = docLines(passage);
  const body: number[] = [];
  for (let line = startLine; line <= endLine; line++) if (!isDoc(line)) body.push(line);
  while (body.length > 0 && isBlank(lines[(body[0] ?? 1) - 1] ?? '')) body.shift();
  while (body.length > 0 && isBlank(lines[(body[body.length - 1] ?? 1) - 1] ?? '')) body.pop();
  if (body.length <= budget + 2) return toRuns(body);

  const chosen = new Set<number>(symbol && symbol.kind !== 'heading' ? headLines(passage, 3) : []);
  const scored = body
    .filter((line) => !chosen.has(line) && !isBlank(lines[line - 1] ?? ''))
    .map((line) => ({ line, score: lineScore(line, passage, weights, form) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.line - b.line);
  for (const { line } of scored) {
    if (chosen.size >= budget) break;
    chosen.add(line);
    for (const rest of statementRest(line, passage)) if (chosen.size < budget) chosen.add(rest);
  }
  if (chosen.size === 0) for (const line of body.slice(0, Math.min(4, budget))) chosen.add(line);
  return toRuns(closeGaps([...chosen].sort((a, b) => a - b), isDoc));
}

function lineScore(line: number, passage: Passage, weights: TermWeights, form: QuestionForm): number {
  const text = passage.lines[line - 1] ?? '';
  const stems = stemsIn(text);
  let score = weights.sum(stems);
  if (score === 0) {
    // A line beside a match often completes it; alone it is worth little.
    const near = Math.max(weights.matched(passage.lines[line - 2] ?? ''), weights.matched(passage.lines[line] ?? ''));
    score = 0.15 * near;
  }
  if (/^\s*(return|yield|raise|throw)\b/.test(text)) score += form === 'how' || form === 'what' ? 0.3 * weights.total * 0.2 : 0;
  if (form === 'value' && /[=:]\s*[-\d"'[{(]|\b\d/.test(text)) score *= 1.5;
  if (/^\s*(import|from|use|using|#include|require)\b/.test(text)) score *= 0.5;
  if (/^\s*[{}()[\];,]*\s*$/.test(text)) score = 0;
  return score;
}

/** The declaration's head: from its first line to the one that opens the body, at most `most` lines. */
export function headLines(passage: Passage, most: number): number[] {
  const { symbol, lines } = passage;
  if (!symbol) return [];
  const head: number[] = [];
  for (let line = symbol.startLine; line <= Math.min(symbol.endLine, passage.endLine) && head.length < most; line++) {
    const text = lines[line - 1] ?? '';
    head.push(line);
    if (/^\s*(@|#\[)/.test(text) && !/[{:]\s*$/.test(text)) {
      if (head.length === most) head.shift();
      continue;
    }
    if (/[{:;]\s*(\/\/.*|#.*)?$|=>\s*$|\bdo\s*$/.test(text)) break;
    if (balance(lines.slice(symbol.startLine - 1, line).join(' ')) <= 0 && !/[,(\\]\s*$/.test(text)) break;
  }
  return head;
}

/** The lines that finish the statement begun on `line`: deeper lines that follow an open bracket. At most three. */
function statementRest(line: number, passage: Passage): number[] {
  const { lines, endLine } = passage;
  const rest: number[] = [];
  let open = balance(lines[line - 1] ?? '');
  // A brace opens a block, not a statement; its content is judged on its own.
  if (/\{\s*$/.test(lines[line - 1] ?? '')) return rest;
  const indent = indentOf(lines[line - 1] ?? '');
  for (let next = line + 1; open > 0 && next <= endLine && rest.length < 3; next++) {
    const text = lines[next - 1] ?? '';
    if (isBlank(text) || indentOf(text) < indent) break;
    rest.push(next);
    open += balance(text);
  }
  return open > 0 && rest.length === 3 ? [] : rest;
}

function balance(text: string): number {
  let open = 0;
  for (const character of text) {
    if ('([{'.includes(character)) open += 1;
    else if (')]}'.includes(character)) open -= 1;
  }
  return open;
}

/** Tells whether a line belongs to the doc comment, before the head (`///`) or after it (docstring). */
export function docLines(passage: Pick<Passage, 'symbol' | 'lines'>): (line: number) => boolean {
  const { symbol, lines } = passage;
  if (!symbol || symbol.kind === 'heading' || symbol.docLine === undefined) return () => false;
  if (symbol.docLine < symbol.startLine) {
    const first = symbol.docLine;
    return (line) => line >= first && line < symbol.startLine;
  }
  const first = symbol.docLine;
  const quote = /("""|''')/.exec(lines[first - 1] ?? '')?.[1];
  let last = first;
  if (quote && (lines[first - 1] ?? '').split(quote).length === 2) {
    while (last < Math.min(symbol.endLine, lines.length) && !(lines[last] ?? '').includes(quote)) last++;
    last++;
  }
  return (line) => line >= first && line <= last;
}

/** Joins runs that are one line apart: a gap mark would take as much room as the line. */
function closeGaps(chosen: readonly number[], isDoc: (line: number) => boolean): number[] {
  const all: number[] = [];
  for (const line of chosen) {
    const previous = all[all.length - 1];
    if (previous !== undefined && line - previous === 2 && !isDoc(previous + 1)) all.push(previous + 1);
    all.push(line);
  }
  return all;
}

export function toRuns(sorted: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (const line of sorted) {
    const current = runs[runs.length - 1];
    if (current && current.endLine === line - 1) current.endLine = line;
    else runs.push({ startLine: line, endLine: line });
  }
  return runs;
}

/** The runs as one block of text, common indentation removed and left-out lines marked by `…`. */
export function quoteRuns(lines: readonly string[], runs: readonly Run[], width = 160): string {
  const first = lines.slice((runs[0]?.startLine ?? 1) - 1, runs[runs.length - 1]?.endLine ?? 0);
  const shown = first.filter((line) => !isBlank(line));
  const margin = shown.reduce((least, line) => Math.min(least, /^\s*/.exec(line)?.[0].length ?? 0), Infinity);
  return runs
    .map((run, index) => {
      const text = lines.slice(run.startLine - 1, run.endLine).map((line) => {
        const cut = line.slice(Math.min(margin, /^\s*/.exec(line)?.[0].length ?? 0)).trimEnd();
        return cut.length > width ? `${cut.slice(0, width)}…` : cut;
      });
      const indent = index > 0 ? ' '.repeat(Math.max(0, indentOf(lines[run.startLine - 1] ?? '') - (Number.isFinite(margin) ? margin : 0))) : '';
      return index > 0 ? `${indent}…\n${text.join('\n')}` : text.join('\n');
    })
    .join('\n');
}
