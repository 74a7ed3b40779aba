/** Finds the definition or heading that a range of lines belongs to. */
import { textOfLines } from '../../base';
import type { DocumentSymbol } from '../../workspace';
import { labelOf } from '../facts';
import type { Question } from '../../search';
import type { TermCoverage } from '../../search';

/**
 * Returns the innermost function that holds all the lines. Without one, it chooses between the enclosing type and the
 * definitions that begin in the lines: the one whose name and own lines match the question best.
 */
export function subjectOf(
  question: Question,
  range: { startLine: number; endLine: number },
  symbols: readonly DocumentSymbol[],
  lines: readonly string[],
  weights: TermCoverage,
): DocumentSymbol | undefined {
  // A namespace spans whole files, so it says nothing about these lines.
  const telling = symbols.filter(({ kind }) => kind !== 'namespace');
  const holding = telling.filter(
    (symbol) => firstLine(symbol) <= range.startLine && range.endLine <= Math.max(symbol.endLine, symbol.startLine),
  );
  const innermost = holding.sort((a, b) => b.container.length - a.container.length || b.startLine - a.startLine)[0];
  if (innermost && isFunction(innermost)) return innermost;
  const inside = telling.filter(
    (symbol) => symbol !== innermost && symbol.startLine >= range.startLine && symbol.startLine <= range.endLine,
  );
  let best = innermost;
  let most = -1;
  for (const symbol of innermost ? [innermost, ...inside] : inside) {
    const next = inside.find((other) => firstLine(other) > symbol.startLine);
    const last = isFunction(symbol)
      ? symbol.endLine
      : Math.min(symbol.endLine, next ? firstLine(next) - 1 : symbol.endLine);
    const match =
      nameMatch(question, symbol, weights) +
      weights.covered(`${labelOf(symbol)} ${textOfLines(lines, firstLine(symbol), last)}`);
    if (match > most) [best, most] = [symbol, match];
  }
  return best;
}

export function isFunction({ kind }: DocumentSymbol): boolean {
  return kind === 'function' || kind === 'method' || kind === 'macro';
}

/** The lines of a definition, including its doc comment. */
export function linesOf(symbol: DocumentSymbol, lines: readonly string[]): { startLine: number; endLine: number } {
  return { startLine: firstLine(symbol), endLine: Math.min(Math.max(symbol.endLine, symbol.startLine), lines.length) };
}

/** The first line of a definition, including its doc comment. */
export function firstLine(symbol: DocumentSymbol): number {
  return Math.min(symbol.docLine ?? symbol.startLine, symbol.startLine);
}

/** Share of the question that the names of a symbol and its owner match. Higher if the question spells the name out. */
export function nameMatch(question: Question, symbol: DocumentSymbol, weights: TermCoverage): number {
  const owner = symbol.container[symbol.container.length - 1];
  const written =
    question.names.includes(symbol.name) ||
    (owner !== undefined && question.names.includes(owner) && weights.matched(symbol.name) > 0);
  return 1.5 * weights.covered(`${owner ?? ''} ${symbol.name}`) + (written ? 0.3 : 0);
}
