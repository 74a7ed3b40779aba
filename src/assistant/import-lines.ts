/** Finds the import statements of a file in any supported language, including CommonJS `require`. */
import { isBlank, textOfLines } from '../base';

const BEGINS =
  /^\s*(?:(?:export\s+)?import\b(?!\()|from\s+\S+\s+import\b|(?:pub(?:\([^)]*\))?\s+)?use\s|using\s+(?!var\b|\()|#\s*include\b|require(?:_relative)?\b|(?:const|let|var)\s.*\brequire\(|,?\s*[\w$]+\s*=\s*require\()/;

/** Destructured names over several lines. The module is on the last line. */
const BRACKET_OPENS = /^\s*(?:const|let|var)\s*[{[][^=]*$/;
const REQUIRES = /[}\]]\s*=\s*require\(/;

/** An import block of Go: one import per line. */
const BLOCK = /^\s*import\s*\($/;

/** Maximum lines of one import statement. */
const MOST_LINES = 200;

export interface ImportStatement {
  /** 1-based, inclusive. */
  startLine: number;
  endLine: number;
  /** The statement joined into one line. */
  text: string;
  /** Number of imports: more than one in a block. */
  count: number;
}

/** True if a line is an import statement or begins one. */
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

/** True if an import statement of the file contains the name. */
export function importsName(name: string, lines: readonly string[]): boolean {
  return importStatements(lines).some(({ startLine, endLine }) =>
    new Set<string>(textOfLines(lines, startLine, endLine).match(/[\p{L}_$][\p{L}\p{N}_$]*/gu)).has(name),
  );
}

/**
 * 0-based line on which a statement ends: its brackets are closed and no backslash continues it. Returns the first line
 * if the brackets are never closed.
 */
function lastLine(lines: readonly string[], first: number): number {
  let depth = 0;
  for (let at = first; at < Math.min(lines.length, first + MOST_LINES); at++) {
    for (const bracket of (lines[at] as string).match(/[(){}[\]]/g) ?? []) depth += '({['.includes(bracket) ? 1 : -1;
    if (depth <= 0 && !(lines[at] as string).endsWith('\\')) return at;
  }
  return first;
}
