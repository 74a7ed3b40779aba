import { bracketAt, GlobAutomaton } from './glob-automaton';

export type PathMatcher = (path: string) => boolean;

/**
 * Compiles a VS Code glob (`files.exclude`): `*` and `?` within a path segment, `**` over segments, `{a,b}`, `[a-z]`,
 * `[!a-z]`. The matcher takes a path relative to the workspace folder, so `*.log` matches only files directly in the
 * folder. It runs in linear time in the path for every pattern (docs/decisions/globs.md).
 */
export function globMatcher(glob: string, ignoreCase: boolean): PathMatcher {
  const fold = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  const pattern = fold(
    glob
      .replace(/\\/g, '/')
      .replace(/^\.?\//, '')
      .replace(/\/$/, ''),
  );
  const simple = simpleMatcher(pattern);
  if (simple) return (path) => simple(fold(path));
  const automaton = new GlobAutomaton();
  new GlobCompiler(pattern, automaton, ignoreCase).compile(0, pattern.length);
  const mayMatch = literalFilter(pattern);
  return (path) => {
    const folded = fold(path);
    return mayMatch(folded) && automaton.matches(folded);
  };
}

const SIMPLE = /^(\*\*\/)?([^*?{}[\],\\/]*)(\*?)([^*?{}[\],\\/]*)$/;

/** Compiles the most frequent patterns without an automaton: `name`, `*.ext`, and both below any folder. */
export function simpleMatcher(pattern: string): PathMatcher | undefined {
  const parts = SIMPLE.exec(pattern);
  if (!parts) return undefined;
  const [, anyFolder, start = '', star, end = ''] = parts;
  return (path) => {
    const slash = path.lastIndexOf('/');
    if (slash >= 0 && !anyFolder) return false;
    const length = path.length - slash - 1;
    return star
      ? length >= start.length + end.length && path.startsWith(start, slash + 1) && path.endsWith(end)
      : length === start.length + end.length && path.endsWith(start + end);
  };
}

/**
 * Returns a fast test that every matching path passes. Most other paths fail it on the literal parts of the pattern.
 */
export function literalFilter(pattern: string): PathMatcher {
  // `**` + `/` also matches nothing, so the slash may be missing.
  const suffix = /[^*?{}[\],\\]*$/.exec(pattern.slice(-64))?.[0].replace(/^\//, '') ?? '';
  // Parts of alternatives and characters of a bracket are optional.
  if (/[{[\\]/.test(pattern)) return (path) => path.endsWith(suffix);
  const inner = pattern
    .split(/[*?]+/)
    .map((part, i) => (i > 0 ? part.replace(/^\//, '') : part))
    .reduce((longest, part) => (part.length > longest.length ? part : longest), '');
  return (path) => path.endsWith(suffix) && path.includes(inner);
}

class GlobCompiler {
  /** Index of the closing brace for each opening one. */
  private readonly closing: ReadonlyMap<number, number>;

  constructor(
    private readonly pattern: string,
    private readonly automaton: GlobAutomaton,
    private readonly ignoreCase: boolean,
  ) {
    this.closing = matchingBraces(pattern);
  }

  /** Compiles the part [start, end) of the pattern. */
  compile(start: number, end: number): void {
    const { pattern, automaton } = this;
    for (let i = start; i < end;) {
      const character = String.fromCodePoint(pattern.codePointAt(i) ?? 0);
      if (this.isDoubleStar(i, end)) {
        if (pattern[i + 2] === '/' && i + 2 < end) {
          automaton.segments();
          i += 3;
        } else {
          automaton.everything();
          i += 2;
        }
      } else if (character === '*') {
        while (i < end && pattern[i] === '*') i++;
        automaton.withinSegment();
      } else if (character === '?') {
        automaton.notSlash();
        i++;
      } else if (character === '{' && (this.closing.get(i) ?? end) < end) {
        const close = this.closing.get(i) as number;
        automaton.alternatives(
          this.parts(i + 1, close).map(
            ([from, to]) =>
              () =>
                this.compile(from, to),
          ),
        );
        i = close + 1;
      } else {
        const bracket = character === '[' ? bracketAt(pattern, i, this.ignoreCase, true) : undefined;
        if (bracket && bracket.end <= end) automaton.one(bracket.test);
        else automaton.literal(character);
        i = bracket && bracket.end <= end ? bracket.end : i + character.length;
      }
    }
  }

  /** Whether `**` is a whole segment. */
  private isDoubleStar(i: number, end: number): boolean {
    const { pattern } = this;
    return (
      pattern.startsWith('**', i) &&
      (i === 0 || '/{,'.includes(pattern[i - 1] ?? '')) &&
      (i + 2 >= end || '/,}'.includes(pattern[i + 2] ?? ''))
    );
  }

  /** Splits [start, end) at commas, skipping nested braces. */
  private parts(start: number, end: number): [from: number, to: number][] {
    const parts: [number, number][] = [];
    let from = start;
    for (let i = start; i < end; i++) {
      if (this.pattern[i] === '{') i = Math.min(end, this.closing.get(i) ?? i);
      else if (this.pattern[i] === ',') {
        parts.push([from, i]);
        from = i + 1;
      }
    }
    return [...parts, [from, end]];
  }
}

const MAX_DEPTH = 32;

function matchingBraces(pattern: string): ReadonlyMap<number, number> {
  const closing = new Map<number, number>();
  const open: number[] = [];
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] === '{') open.push(i);
    else if (pattern[i] === '}') {
      const start = open.pop();
      // Deeper braces are literal, because each level is a recursive call.
      if (start !== undefined && open.length < MAX_DEPTH) closing.set(start, i);
    }
  }
  return closing;
}
