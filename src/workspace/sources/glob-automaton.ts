/**
 * A nondeterministic automaton over paths (Thompson, "Regular expression search algorithm", CACM 11(6), 1968).
 * Matching time is proportional to path × pattern for every pattern. Regular expressions made from globs such as
 * `*a*a*a*a*b` take exponential time in V8.
 */
interface State {
  /** Consumes a character and moves to `next`. A state without a test has free moves only. */
  test?: CharacterTest;
  next: number;
  free: number[];
}

export type CharacterTest = (character: string) => boolean;

const NOT_SLASH: CharacterTest = (character) => character !== '/';
const ANY: CharacterTest = () => true;

export class GlobAutomaton {
  private readonly states: State[] = [{ next: 0, free: [] }];
  /** Round in which each state was last reached, so that each is visited once per character. */
  private reached = new Int32Array(0);
  private round = 0;

  private get last(): number {
    return this.states.length - 1;
  }

  private grow(): number {
    return this.states.push({ next: 0, free: [] }) - 1;
  }

  private set(state: number, test: CharacterTest, next: number): void {
    const it = this.states[state] as State;
    it.test = test;
    it.next = next;
  }

  private link(from: number, to: number): void {
    this.states[from]?.free.push(to);
  }

  /** Matches one character. */
  one(test: CharacterTest): void {
    const from = this.last;
    this.set(from, test, this.grow());
  }

  literal(character: string): void {
    this.one((other) => other === character);
  }

  /** Matches `?`. */
  notSlash(): void {
    this.one(NOT_SLASH);
  }

  /** Matches `*`: any characters within a segment. */
  withinSegment(): void {
    this.repeat(NOT_SLASH);
  }

  /** Matches `**` at the end: any characters. */
  everything(): void {
    this.repeat(ANY);
  }

  private repeat(test: CharacterTest): void {
    const loop = this.last;
    const before = this.grow();
    // A free move leads past the looping state, which must keep a test that it gets later.
    this.set(loop, test, loop);
    this.link(loop, before);
  }

  /** Matches any number of whole segments, each with its slash: the path before the name in `**` + `/name`. */
  segments(): void {
    const start = this.last;
    const inside = this.grow();
    const more = this.grow();
    const slash = this.grow();
    const end = this.grow();
    this.link(start, inside);
    // An empty segment: the rest of a path after a literal beginning starts with a slash.
    this.link(start, slash);
    this.link(start, end);
    this.set(inside, NOT_SLASH, more);
    this.link(more, inside);
    this.link(more, slash);
    this.set(slash, (character) => character === '/', start);
  }

  /** Matches one of several parts. Each builder adds one part. */
  alternatives(builders: readonly (() => void)[]): void {
    const start = this.last;
    const ends = builders.map((build) => {
      this.link(start, this.grow());
      build();
      return this.last;
    });
    const end = this.grow();
    for (const each of ends) this.link(each, end);
  }

  matches(path: string): boolean {
    if (this.reached.length !== this.states.length) this.reached = new Int32Array(this.states.length);
    let current = this.reach([0]);
    for (const character of path) {
      const next: number[] = [];
      for (const state of current) {
        const { test, next: to } = this.states[state] as State;
        if (test?.(character)) next.push(to);
      }
      if (next.length === 0) return false;
      current = this.reach(next);
    }
    return this.reached[this.last] === this.round;
  }

  /** Returns the states and all states that free moves lead to. */
  private reach(from: readonly number[]): number[] {
    this.round++;
    const all: number[] = [];
    const stack = [...from];
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      if (this.reached[state] === this.round) continue;
      this.reached[state] = this.round;
      all.push(state);
      stack.push(...(this.states[state] as State).free);
    }
    return all;
  }
}

/**
 * Reads the bracket expression that begins at `open`. Returns undefined when it is not closed.
 *
 * @param slashEnds whether a slash ends the expression unclosed, as in VS Code's globs; git reads on
 */
export function bracketAt(
  pattern: string,
  open: number,
  ignoreCase: boolean,
  slashEnds: boolean,
): { test: CharacterTest; end: number } | undefined {
  let at = open + 1;
  const negated = pattern[at] === '!' || pattern[at] === '^';
  if (negated) at++;
  const tests: CharacterTest[] = [];
  for (let first = true; ; first = false) {
    const character = pattern[at];
    if (character === undefined || (slashEnds && character === '/')) return undefined;
    if (character === ']' && !first) break;
    const named = /^\[:(\w+):\]/.exec(pattern.slice(at, at + 12));
    const known = named && POSIX_CLASSES[named[1] ?? ''];
    if (named && known) {
      tests.push((other) => known.test(other));
      at += named[0].length;
      continue;
    }
    const low = characterAt(pattern, at);
    at += low.length;
    let high = low;
    const after = pattern[at + 1];
    if (pattern[at] === '-' && after !== undefined && after !== ']') {
      high = characterAt(pattern, at + 1);
      at += 1 + high.length;
    }
    const [from = 0, to = 0] = [low.code, high.code];
    // The first character of a range counts even where the range is empty, as in git: `[b-a]` is `b`.
    const within = (code: number): boolean => code === from || (code >= from && code <= to);
    tests.push(
      (other) => within(other.codePointAt(0) ?? 0) || (ignoreCase && within(other.toUpperCase().codePointAt(0) ?? 0)),
    );
  }
  return { test: (other) => other !== '/' && tests.some((test) => test(other)) !== negated, end: at + 1 };
}

/** Returns the character at an index, after a backslash if there is one. */
function characterAt(pattern: string, at: number): { code: number; length: number } {
  const escaped = pattern[at] === '\\' && at + 1 < pattern.length ? 1 : 0;
  const code = pattern.codePointAt(at + escaped) ?? 0;
  return { code, length: escaped + (code > 0xffff ? 2 : 1) };
}

const POSIX_CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  digit: /[0-9]/,
  lower: /[a-z]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /\s/,
  upper: /[A-Z]/,
  xdigit: /[A-Fa-f0-9]/,
};
