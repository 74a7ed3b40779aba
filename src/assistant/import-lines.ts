/** Finds the import statements of a file in many languages, CommonJS's `require` included. */
import { isBlank, textOfLines } from '../base';

const BEGINS =
  /^\s*(?:(?:export\s+)?import\b(?!\()|from\s+\S+\s+import\b|(?:pub(?:\([^)]*\))?\s+)?use\s|using\s+(?!var\b|\()|#\s*include\b|require(?:_relative)?\b|(?:const|let|var)\s.*\brequire\(|,?\s*[\w$]+\s*=\s*require\()/;

/** Names in brackets over several lines. The module stands on the last line. */
const BRACKET_OPENS = /^\s*(?:const|let|var)\s*[{[][^=]*$/;
const REQUIRES = /[}\]]\s*=\s*require\(/;

/** A block of Go, with an import on each of its lines. */
const BLOCK = /^\s*import\s*\($/;

/** A statement of imports hardly ever goes on for longer. */
const MOST_LINES = 200;

export interface ImportStatement {
  /** 1-based, inclusive. */
  startLine: number;
  endLine: number;
  /** On one line. */
  text: string;
  /** Things imported: more than one in a block. */
  count: number;
}

/** Whether a line imports something, or begins to. */
export function beginsImport(line: string): boolean {
  return BEGINS.test(line);
}

/** The import statements of a file, in order. */
export function importStatements(lines: readonly string[]): ImportStatement[] {
  const found: ImportStatement[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    const mayBe = BRACKET_OPENS.test(line);
    if (!mayBe && !beginsImport(line)) continue;
    const last = lastLine(lines, at);
    if (mayBe && !REQUIRES.test(lines[last] as string)) continue;
    const inside = BLOCK.test(line) ? lines.slice(at + 1, last).filter((each) => !isBlank(each)) : [];
    const text = (inside[0] ?? lines.slice(at, last + 1).join(' ')).trim().replace(/\s+/g, ' ');
    found.push({ startLine: at + 1, endLine: last + 1, text, count: Math.max(1, inside.length) });
    at = last;
  }
  return found;
}

/** Whether an import statement of a file says the name. */
export function importsName(name: string, lines: readonly string[]): boolean {
  return importStatements(lines).some(({ startLine, endLine }) =>
    new Set<string>(textOfLines(lines, startLine, endLine).match(/[\p{L}_$][\p{L}\p{N}_$]*/gu)).has(name),
  );
}

/**
 * 0-based line on which a statement ends: its brackets are closed, no backslash carries it on. The first line itself
 * where they never are.
 */
function lastLine(lines: readonly string[], first: number): number {
  let depth = 0;
  for (let at = first; at < Math.min(lines.length, first + MOST_LINES); at++) {
    for (const bracket of (lines[at] as string).match(/[(){}[\]]/g) ?? []) depth += '({['.includes(bracket) ? 1 : -1;
    if (depth <= 0 && !(lines[at] as string).endsWith('\\')) return at;
  }
  return first;
}
