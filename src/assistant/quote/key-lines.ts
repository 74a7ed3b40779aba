/** Chooses the lines of a passage to quote: its head, and the lines with most of the question's words. */
import { indentOf, isBlank } from '../../base';
import type { Passage } from './passages';
import { beginsImport } from '../import-lines';
import type { QuestionForm } from '../../search';
import type { TermCoverage } from '../../search';

/** A run of quoted lines, 1-based and inclusive. */
export interface Run {
  startLine: number;
  endLine: number;
}

/**
 * Chooses at most `budget` lines of the passage as ascending runs. The doc comment is left out, because the answer
 * repeats its first sentence.
 */
export function keyLines(passage: Passage, weights: TermCoverage, form: QuestionForm, budget: number): Run[] {
  const { lines, symbol, startLine, endLine } = passage;
  const isDoc = docLines(passage);
  const body: number[] = [];
  for (let line = startLine; line <= endLine; line++)
    if (!isDoc(line) && !(isDoc(line - 1) && isBlank(lines[line - 1] ?? ''))) body.push(line);
  while (body.length > 0 && isBlank(lines[(body[0] ?? 1) - 1] ?? '')) body.shift();
  while (body.length > 0 && isBlank(lines[(body[body.length - 1] ?? 1) - 1] ?? '')) body.pop();
  const telling = (runs: Run[]): Run[] => (symbol ? runs : runs.flatMap((run) => behindEnds(run, lines)));
  if (body.length <= budget + 2) return telling(toRuns(body));

  const chosen = new Set<number>(
    symbol && symbol.kind !== 'heading' && symbol.startLine >= startLine ? headLines(passage, 3) : [],
  );
  const windows = new Windows(passage, weights, form, body);
  const least = 0.15 * weights.total;
  while (chosen.size < budget) {
    const best = windows.best(chosen, Math.min(WINDOW, budget - chosen.size));
    if (!best || best.score < least) break;
    for (const line of best.lines) chosen.add(line);
    windows.take(best.lines);
  }
  if (chosen.size === 0) for (const line of body.slice(0, Math.min(4, budget))) chosen.add(line);
  return telling(
    toRuns(
      closeGaps(
        [...chosen].sort((a, b) => a - b),
        isDoc,
      ),
    ),
  );
}

/** Drops first lines that only close an earlier block. A run outside definitions may begin with such lines. */
function behindEnds({ startLine, endLine }: Run, lines: readonly string[]): Run[] {
  let line = startLine;
  while (line <= endLine && /^\s*(?:end|fi|done|esac|[)\]}]+[;,]?)?\s*$/.test(lines[line - 1] ?? '')) line++;
  return line > endLine ? [] : [{ startLine: line, endLine }];
}

/** Number of lines shown together. Fewer are hard to read as code. */
const WINDOW = 5;
/** Weight factor of a term for each time it was shown before. */
const AGAIN = 0.35;

/** Picks windows of lines, each by the words it adds: a greedy cover of the question's words. */
class Windows {
  private readonly lines: {
    line: number;
    terms: [string, number][];
    bonus: number;
    blank: boolean;
    indent: number;
    open: number;
  }[];
  private readonly shown = new Map<string, number>();

  /** Penalty of a window that begins or ends within a statement. */
  private readonly torn: number;

  constructor(passage: Passage, weights: TermCoverage, form: QuestionForm, body: readonly number[]) {
    this.torn = 0.12 * weights.total;
    this.lines = body.map((line) => {
      const text = passage.lines[line - 1] ?? '';
      const terms = /^\s*[{}()[\];,]*\s*$/.test(text) ? [] : weights.termsIn(text);
      const bonus = bonusOf(text, form, terms.length > 0) * 0.1 * weights.total;
      return { line, terms, bonus, blank: isBlank(text), indent: indentOf(text), open: balance(text) };
    });
  }

  best(chosen: ReadonlySet<number>, size: number): { lines: number[]; score: number } | undefined {
    let best: { lines: number[]; score: number } | undefined;
    for (let start = 0; start < this.lines.length; start++) {
      const window = this.windowAt(start, size, chosen);
      if (window && window.score > (best?.score ?? 0) * 1.0001) best = window;
    }
    return best;
  }

  private windowAt(
    start: number,
    size: number,
    chosen: ReadonlySet<number>,
  ): { lines: number[]; score: number } | undefined {
    const counts = new Map(this.shown);
    const lines: number[] = [];
    let score = 0;
    for (let at = start; at < this.lines.length && lines.length < size; at++) {
      const each = this.lines[at];
      const previous = lines[lines.length - 1];
      if (!each || chosen.has(each.line) || (previous !== undefined && each.line !== previous + 1)) break;
      if (each.blank && lines.length === 0) return undefined;
      lines.push(each.line);
      score += each.bonus;
      for (const [term, weight] of each.terms) {
        const times = counts.get(term) ?? 0;
        score += weight * AGAIN ** times;
        counts.set(term, times + 1);
      }
    }
    const shown = this.lines.slice(start, start + lines.length);
    while (shown[shown.length - 1]?.blank) shown.pop();
    const first = shown[0];
    if (!first) return undefined;
    const follows = chosen.has(first.line - 1);
    if (!follows && shown.some(({ indent, blank }) => !blank && indent < first.indent)) score -= this.torn;
    if (shown.reduce((sum, { open }) => sum + open, 0) !== 0) score -= this.torn / 2;
    return { lines: shown.map(({ line }) => line), score };
  }

  take(lines: readonly number[]): void {
    for (const { line, terms } of this.lines) {
      if (lines.includes(line)) for (const [term] of terms) this.shown.set(term, (this.shown.get(term) ?? 0) + 1);
    }
  }
}

/** Score bonus for the form of a line: results for "how", values for "what is the default", a penalty for imports. */
function bonusOf(text: string, form: QuestionForm, matches: boolean): number {
  if (beginsImport(text)) return -2;
  if (form === 'value' && matches && /[=:]\s*[-\d"'[{(]|\b\d/.test(text)) return 4;
  return /^\s*(return|yield|raise|throw)\b/.test(text) && form !== 'value' ? 1 : 0;
}

/** Lines from the first line of a declaration to the one that opens its body, at most `most`. */
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

/** Joins runs that are one line apart, because a gap mark takes as much room as the line. */
function closeGaps(chosen: readonly number[], isDoc: (line: number) => boolean): number[] {
  const all: number[] = [];
  for (const line of chosen) {
    const previous = all[all.length - 1];
    if (previous !== undefined && line - previous === 2 && !isDoc(previous + 1)) all.push(previous + 1);
    all.push(line);
  }
  return all;
}

/** Groups runs that are at most `gap` lines apart. Each group gets its own citation. */
export function clusterRuns(runs: readonly Run[], gap: number): Run[][] {
  const clusters: Run[][] = [];
  for (const run of runs) {
    const last = clusters[clusters.length - 1];
    const end = last?.[last.length - 1]?.endLine;
    if (last && end !== undefined && run.startLine - end <= gap) last.push(run);
    else clusters.push([run]);
  }
  return clusters;
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

/** Joins the runs into one block of text without common indentation. `…` marks left-out lines. */
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
      const indent =
        index > 0
          ? ' '.repeat(Math.max(0, indentOf(lines[run.startLine - 1] ?? '') - (Number.isFinite(margin) ? margin : 0)))
          : '';
      return index > 0 ? `${indent}…\n${text.join('\n')}` : text.join('\n');
    })
    .join('\n');
}
