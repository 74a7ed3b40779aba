import type { DocumentSymbol, Language, SymbolKind } from '../types';
import { entryOf, type LanguageEntry, TYPE_KINDS } from '../languages';
import { commentAbove, commentBelow, isCommentLine } from './comments';
import { isExported } from './exports';
import type { LineTable } from '../../base';
import { MAX_SYMBOLS } from './limits';
import { signatureOf } from './signature';
import { endOfStatement } from './statements';

const MAX_HEAD_LINES = 12;

/** Finds definitions line by line, for languages without a grammar. Linear in the text. */
export function symbolsByPattern(lines: LineTable, language: Language): DocumentSymbol[] {
  const entry = entryOf(language);
  const { patterns } = entry;
  if (!patterns) return [];
  const symbols: DocumentSymbol[] = [];
  const indents: number[] = [];
  /** Last line of the clauses of a name, which are one definition. */
  const clausesEnd = new Map<string, number>();
  for (let line = 0; line < lines.count && symbols.length < MAX_SYMBOLS; line++) {
    const text = lines.line(line, 300);
    if (text === '') continue;
    for (const { kind, test } of patterns) {
      const matched = test.exec(text)?.[1];
      const name = entry.nameQuotes ? matched?.replace(entry.nameQuotes, '') : matched;
      if (!name) continue;
      if (kind === 'function' && entry.layout === 'c' && !opensBody(lines, line)) break;
      if (line <= (clausesEnd.get(name) ?? -1)) break;
      const symbol = symbolAt(lines, line, name, kind, entry);
      if (entry.clauses && kind === 'function') clausesEnd.set(name, symbol.endLine - 1);
      symbols.push(symbol);
      indents.push(lines.indent(line));
      break;
    }
  }
  return nested(symbols, indents);
}

/** Whether `{` follows a C head that begins at `line`, before any `;`. */
function opensBody(lines: LineTable, line: number): boolean {
  for (let next = line; next < Math.min(lines.count, line + MAX_HEAD_LINES); next++) {
    const text = lines.line(next, 300);
    const brace = text.indexOf('{');
    const semicolon = text.indexOf(';');
    if (brace >= 0 && (semicolon < 0 || brace < semicolon)) return true;
    if (semicolon >= 0 || /^\s*#/.test(text)) return false;
  }
  return false;
}

function symbolAt(
  lines: LineTable,
  line: number,
  name: string,
  kind: SymbolKind,
  entry: LanguageEntry,
): DocumentSymbol {
  const endLine = extent(lines, line, name, kind, entry);
  const doc = commentAbove(lines, line, entry.id) ?? commentBelow(lines, line, endLine, entry.id);
  const signature = signatureOf(lines.text, lines.firstInk(line), lines.start(endLine + 1), entry.id);
  return {
    name,
    kind,
    container: [],
    startLine: line + 1,
    endLine: endLine + 1,
    ...(doc ? { docLine: doc.line + 1, doc: doc.text } : {}),
    signature:
      kind === 'macro' || kind === 'key' || kind === 'rule' || kind === 'variable'
        ? lines.line(line, 200).trim()
        : signature,
    exported: isExported({ name, head: signature, outerKind: undefined }, entry),
  };
}

const MAX_BODY_LINES = 5_000;

/** Returns the last line of a definition, by what ends one in its language. */
function extent(lines: LineTable, line: number, name: string, kind: SymbolKind, entry: LanguageEntry): number {
  if (entry.statements) return endOfStatement(lines, line, kind);
  if (entry.endsWith && WITH_BODY.has(kind)) return lastBefore(lines, line, entry.endsWith, entry);
  const last = lastLine(lines, line, kind, entry.layout === 'c');
  return entry.clauses && kind === 'function' ? lastClause(lines, line, last, name) : last;
}

/** Kinds whose definitions have bodies; the others take a line. */
const WITH_BODY: ReadonlySet<SymbolKind> = new Set(
  'function method class interface struct module rule'.split(' ') as SymbolKind[],
);

/** Returns the line that matches `end`, or else the last line with text before the next definition at the margin. */
function lastBefore(lines: LineTable, line: number, end: RegExp, { id, patterns = [] }: LanguageEntry): number {
  const indent = lines.indent(line);
  let last = line;
  for (let next = line + 1; next < Math.min(lines.count, line + MAX_BODY_LINES); next++) {
    const here = lines.indent(next);
    if (here < 0) continue;
    const text = lines.line(next, 300);
    if (here < indent) return last;
    if (here === indent) {
      if (end.test(text)) return next;
      if (patterns.some(({ test }) => test.test(text))) {
        // The comment above the next definition is that one's.
        while (last > line && (lines.isBlank(last) || isCommentLine(lines, last, id))) last--;
        return last;
      }
    }
    last = next;
  }
  return last;
}

/** Returns the last line of the clauses that follow `last` and begin with the name, as Haskell's equations do. */
function lastClause(lines: LineTable, line: number, last: number, name: string): number {
  const indent = lines.indent(line);
  const limit = Math.min(lines.count, line + MAX_BODY_LINES);
  for (let next = last + 1; next < limit;) {
    if (lines.isBlank(next)) {
      next++;
      continue;
    }
    const at = lines.firstInk(next);
    const after = lines.text.charAt(at + name.length);
    if (lines.indent(next) !== indent || !lines.text.startsWith(name, at) || /[\p{L}\p{N}_']/u.test(after)) break;
    last = lastLine(lines, next, 'function', false);
    next = last + 1;
  }
  return last;
}

/**
 * Returns the last line of the block that begins at `line`: the line before the next one with no deeper indentation,
 * closing lines included.
 */
function lastLine(lines: LineTable, line: number, kind: SymbolKind, isC: boolean): number {
  if (kind === 'macro' && isC) {
    let last = line;
    while (last + 1 < lines.count && lines.line(last, 1_000).endsWith('\\')) last++;
    return last;
  }
  const indent = lines.indent(line);
  let last = line;
  for (let next = line + 1; next < Math.min(lines.count, line + MAX_BODY_LINES); next++) {
    const here = lines.indent(next);
    if (here < 0) continue;
    if (here > indent) {
      last = next;
      continue;
    }
    if (here < indent) break;
    const ink = lines.text.charAt(lines.firstInk(next));
    // Preprocessor directives may be at the margin anywhere.
    if (ink === '#' && isC) continue;
    if (ink === '{' && next - line <= MAX_HEAD_LINES) continue;
    if (ink === '}' || ink === ')' || ink === ']') last = next;
    else if (END.test(lines.line(next, 40))) last = next;
    // A K&R head may span several lines at the margin before its brace.
    else if (
      isC &&
      last === line &&
      next - line < MAX_HEAD_LINES &&
      opensBody(lines, line) &&
      !lines.line(line, 300).includes('{') &&
      headContinues(lines, line, next)
    )
      continue;
    else break;
    if (ink === '}' || END.test(lines.line(next, 40))) break;
  }
  return last;
}

/** A line that ends a block. */
const END = /^\s*end(?:function|macro)?\b/i;

/** Whether no brace opens between the head's first line and `next`. */
function headContinues(lines: LineTable, line: number, next: number): boolean {
  for (let i = line; i < next; i++) if (lines.line(i, 300).includes('{')) return false;
  return true;
}

/** Derives containers from ranges that enclose one another. */
function nested(symbols: readonly DocumentSymbol[], indents: readonly number[]): DocumentSymbol[] {
  const open: { symbol: DocumentSymbol; indent: number }[] = [];
  return symbols.flatMap((symbol, i) => {
    const indent = indents[i] ?? 0;
    while (
      open.length > 0 &&
      ((open.at(-1)?.symbol.endLine ?? 0) < symbol.startLine || (open.at(-1)?.indent ?? 0) >= indent)
    )
      open.pop();
    const container = open.map((o) => o.symbol.name);
    const outer = open.at(-1)?.symbol.kind;
    const inType = outer !== undefined && TYPE_KINDS.has(outer);
    // A variable of a function is no field, though it is written like one.
    if (symbol.kind === 'field' && !inType) return [];
    open.push({ symbol, indent });
    return [{ ...symbol, container, kind: symbol.kind === 'function' && inType ? 'method' : symbol.kind }];
  });
}
