import { literalFilter, type PathMatcher, simpleMatcher } from './glob';
import { bracketAt, GlobAutomaton } from './glob-automaton';

/** The rule that decided about a file or folder. */
export interface Rule {
  /** Absolute path of the ignore file, or `files.exclude` for the setting. */
  file: string;
  /** 1-based line; 0 for the setting. */
  line: number;
  pattern: string;
}

/** Maximum length of a pattern. Longer ones cannot name a path and are skipped. */
const MAX_PATTERN = 4_096;

interface IgnorePattern {
  line: number;
  /** As written. */
  pattern: string;
  negative: boolean;
  directoriesOnly: boolean;
  /** Matches the name alone instead of the path from the ignore file's directory. */
  byName: boolean;
  matches: PathMatcher;
}

/** One ignore file in the syntax of gitignore(5). Patterns are relative to the file's directory. */
export class IgnoreFile {
  private readonly patterns: readonly IgnorePattern[];
  /** Literal leading folders of anchored negative patterns. An ignored folder is still walked for these. */
  readonly reincludes: readonly string[];

  constructor(
    readonly file: string,
    text: string,
    private readonly ignoreCase: boolean,
  ) {
    const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
    this.patterns = lines.flatMap((pattern, i) => parsePattern(pattern, i + 1, ignoreCase) ?? []);
    this.reincludes = lines.flatMap((pattern) => anchoredPrefix(pattern) ?? []);
  }

  /**
   * Returns the verdict on a path alone (relative to the directory, with a trailing slash for folders). Undefined
   * where no pattern matches. It ignores rules about parent folders: the walk has checked those, and another file may
   * have overruled this one.
   */
  test(path: string): { ignored: boolean; rule: Rule } | undefined {
    const isDirectory = path.endsWith('/');
    const bare = isDirectory ? path.slice(0, -1) : path;
    const folded = asBytes(this.ignoreCase ? bare.toLowerCase() : bare);
    const name = folded.slice(folded.lastIndexOf('/') + 1);
    for (let i = this.patterns.length - 1; i >= 0; i--) {
      const { line, pattern, negative, directoriesOnly, byName, matches } = this.patterns[i] as IgnorePattern;
      if (directoriesOnly && !isDirectory) continue;
      if (matches(byName ? name : folded)) return { ignored: !negative, rule: { file: this.file, line, pattern } };
    }
    return undefined;
  }
}

/** Parses a pattern. Returns undefined for comments, blank lines and patterns that git never matches. */
function parsePattern(written: string, line: number, ignoreCase: boolean): IgnorePattern | undefined {
  if (written.startsWith('#') || written.length > MAX_PATTERN) return undefined;
  let pattern = withoutTrailingSpaces(written);
  const negative = pattern.startsWith('!');
  if (negative) pattern = pattern.slice(1);
  const directoriesOnly = pattern.endsWith('/');
  if (directoriesOnly) pattern = pattern.slice(0, -1);
  if (pattern === '') return undefined;
  const byName = !pattern.includes('/');
  if (pattern.startsWith('/')) pattern = pattern.slice(1);
  const matches = matcherOf(asBytes(ignoreCase ? pattern.toLowerCase() : pattern), ignoreCase);
  return matches && { line, pattern: written.trimEnd(), negative, directoriesOnly, byName, matches };
}

/** One character for each byte of UTF-8: git compares bytes, so that `?` is not a whole `é`. */
function asBytes(text: string): string {
  return /[^\0-\x7f]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** Removes spaces at the end of a pattern that no backslash escapes. */
function withoutTrailingSpaces(pattern: string): string {
  let end = pattern.length;
  while (end > 0 && pattern[end - 1] === ' ') {
    let backslashes = 0;
    while (pattern[end - 2 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 1) break;
    end--;
  }
  return pattern.slice(0, end);
}

/** Compiles wildmatch syntax. Returns undefined for an unclosed bracket or a final backslash, which match nothing. */
function matcherOf(pattern: string, ignoreCase: boolean): PathMatcher | undefined {
  if (!/[*?[\\]/.test(pattern)) return (path) => path === pattern;
  const simple = simpleMatcher(pattern);
  if (simple) return simple;
  const automaton = new GlobAutomaton();
  // Git compares the text before the first wildcard by itself, so that `**` after it stands at a beginning.
  const literal = pattern.search(/[*?[\\]/);
  for (let i = 0; i < pattern.length;) {
    const character = String.fromCodePoint(pattern.codePointAt(i) ?? 0);
    if (character === '\\') {
      if (i + 1 >= pattern.length) return undefined;
      const escaped = String.fromCodePoint(pattern.codePointAt(i + 1) ?? 0);
      automaton.literal(escaped);
      i += 1 + escaped.length;
    } else if (character === '*') {
      let end = i;
      while (pattern[end] === '*') end++;
      const ownSegment = (i === literal || pattern[i - 1] === '/') && (end === pattern.length || pattern[end] === '/');
      if (end - i < 2 || !ownSegment) {
        automaton.withinSegment();
        i = end;
      } else if (end === pattern.length) {
        automaton.everything();
        i = end;
      } else {
        automaton.segments();
        i = end + 1;
      }
    } else if (character === '?') {
      automaton.notSlash();
      i++;
    } else if (character === '[') {
      const bracket = bracketAt(pattern, i, ignoreCase, false);
      if (!bracket) return undefined;
      automaton.one(bracket.test);
      i = bracket.end;
    } else {
      automaton.literal(character);
      i += character.length;
    }
  }
  const mayMatch = literalFilter(pattern);
  return (path) => mayMatch(path) && automaton.matches(path);
}

/**
 * Returns the literal leading folders: `!build/api/*.ts` → `build/api`. Undefined for positive and for unanchored
 * patterns.
 */
function anchoredPrefix(pattern: string): string | undefined {
  if (!pattern.startsWith('!')) return undefined;
  const path = pattern.slice(1).trimEnd();
  if (!path.replace(/\/$/, '').includes('/') && !path.startsWith('/')) return undefined;
  const parts = path
    .replace(/^\//, '')
    .split('/')
    .filter((part) => part !== '');
  const wild = parts.findIndex((part) => /[*?[\\]/.test(part));
  const literal = wild < 0 ? parts : parts.slice(0, wild);
  return literal.length > 0 ? literal.join('/') : undefined;
}
