/** Quotes from prose: the best matching paragraph of a section, verbatim. */
import { isBlank } from '../../base';
import type { Run } from './key-lines';
import type { Passage } from './passages';
import type { TermCoverage } from '../../search';

/** Maximum quoted lines. A longer paragraph is cut and marked. */
const MOST_LINES = 10;

export function bestSentences(passage: Passage, weights: TermCoverage): { text: string; run: Run } {
  const paragraphs = paragraphsOf(passage);
  let best = paragraphs[0] ?? { startLine: passage.startLine, endLine: passage.endLine };
  let bestScore = -1;
  // Words of the heading count as matched, so the paragraph with the question's other words wins.
  const said = new Set(
    weights.termsIn(passage.symbol?.kind === 'heading' ? passage.symbol.name : '').map(([term]) => term),
  );
  const toldBy = (text: string): number =>
    weights.termsIn(text).reduce((sum, [term, weight]) => sum + (said.has(term) ? 0 : weight), 0);
  for (const paragraph of paragraphs) {
    const text = passage.lines.slice(paragraph.startLine - 1, paragraph.endLine).join('\n');
    const length = paragraph.endLine - paragraph.startLine + 1;
    const score = toldBy(text) / (1 + 0.03 * length) + (length === 1 && text.length < 40 ? -0.2 * weights.total : 0);
    if (score > bestScore) [best, bestScore] = [paragraph, score];
  }
  // A paragraph that announces a list (“… by the following rules:”) needs the list.
  for (const next of paragraphs.slice(paragraphs.indexOf(best) + 1)) {
    if (!/:\s*$/.test(passage.lines[best.endLine - 1] ?? '') || best.endLine - best.startLine + 1 >= MOST_LINES) break;
    best = { startLine: best.startLine, endLine: next.endLine };
  }
  const run = { startLine: best.startLine, endLine: Math.min(best.endLine, best.startLine + MOST_LINES - 1) };
  const lines = passage.lines
    .slice(run.startLine - 1, run.endLine)
    .map((line) => (line.length > 400 ? `${line.slice(0, 400)}…` : line));
  if (run.endLine < best.endLine) lines.push('…');
  // A number in brackets would read as a citation, and a fence would open a code block.
  const text = lines.map((line) => line.replace(/\[(\d+)\]/g, '($1)').replace(/^(\s*)(```|~~~)/, '$1')).join('\n');
  return { text, run };
}

/** Paragraphs, separated by blank lines, without the heading. A fenced block belongs to the paragraph before it. */
function paragraphsOf(passage: Passage): Run[] {
  const { lines, symbol } = passage;
  let first = passage.startLine;
  if (symbol?.kind === 'heading' && symbol.startLine === first) {
    first += 1;
    while (first <= passage.endLine && /^\s*([=\-~^"*+#'`:.])\1{2,}\s*$/.test(lines[first - 1] ?? '')) first++;
  }
  const paragraphs: Run[] = [];
  let open: Run | undefined;
  let inFence = false;
  for (let line = first; line <= passage.endLine; line++) {
    const text = lines[line - 1] ?? '';
    if (/^\s*(```|~~~)/.test(text)) inFence = !inFence;
    if (isBlank(text) && !inFence) {
      open = undefined;
      continue;
    }
    if (open) open.endLine = line;
    else paragraphs.push((open = { startLine: line, endLine: line }));
  }
  return paragraphs;
}
