/** Extents of definitions that are statements, as in SQL: a semicolon ends them, except within a body. */
import type { LineTable } from '../../base';
import type { SymbolKind } from '../types';

const MAX_LINES = 5_000;

/** A batch separator (`GO` of SQL Server, `/` of Oracle) ends every statement. */
const SEPARATOR = /^\s*(?:go|\/)\s*$/i;
/** Text in dollar quotes is the body of a function in PostgreSQL. */
const DOLLAR = /\$\w*\$/g;
/** A head whose body follows: BEGIN … END, with its declarations before it. */
const ANNOUNCES = /\b(?:as|is)\s*$/i;
const BEGINS = /^\s*begin\b/i;
/** The next statement; the one before it lacks its semicolon. */
const NEXT = /^\s*(?:create|alter|drop|insert|grant)\b/i;
/** END of a body, and not of a branch, a loop or an expression. */
const ENDS = /^\s*end\b(?!\s+(?:if|loop|case|while|repeat|for|as)\b)(?!\s*[,)=<>])/i;

/** Returns the last line of the statement that begins at 0-based `line`. */
export function endOfStatement(lines: LineTable, line: number, kind: SymbolKind): number {
  const hasBody = kind === 'function' || kind === 'module';
  const limit = Math.min(lines.count, line + MAX_LINES);
  let quoted = false;
  let depth = 0;
  /** Heads whose BEGIN has not come yet. */
  let announced = 0;
  let last = line;
  for (let next = line; next < limit; next++) {
    const text = lines.line(next, 1_000).replace(/--.*$/, '');
    if (next > line && (SEPARATOR.test(text) || (depth === 0 && !quoted && NEXT.test(text)))) return last;
    if (text.trim() !== '') last = next;
    if ((text.match(DOLLAR)?.length ?? 0) % 2 === 1) quoted = !quoted;
    if (quoted) continue;
    if (hasBody && ANNOUNCES.test(text)) {
      depth++;
      announced++;
    } else if (BEGINS.test(text)) {
      if (announced > 0) announced--;
      else depth++;
    } else if (depth > 0 && ENDS.test(text) && --depth === 0) return next;
    if (depth === 0 && /;\s*$/.test(text)) return next;
  }
  return last;
}
