/** Lines of the last commit for lines of the file on disk. */

/** One change of `git diff -U0`: `count` lines from `start`; a count of 0 stands after line `start`. */
interface Hunk {
  old: { start: number; count: number };
  new: { start: number; count: number };
}

export function hunksOf(diff: string): Hunk[] {
  return [...diff.matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm)].map(([, a, b = '1', c, d = '1']) => ({
    old: { start: Number(a), count: Number(b) },
    new: { start: Number(c), count: Number(d) },
  }));
}

/**
 * Maps lines of the file on disk to those of the commit.
 * @returns undefined when all of them are new
 */
export function committedLines(
  { startLine, endLine }: { startLine: number; endLine: number },
  hunks: readonly Hunk[],
): { startLine: number; endLine: number } | undefined {
  const lines: number[] = [];
  for (let line = startLine; line <= endLine; line++) {
    const at = committedLine(line, hunks);
    if (at !== undefined) lines.push(at);
  }
  const [first] = lines;
  return first === undefined ? undefined : { startLine: first, endLine: lines.at(-1) ?? first };
}

function committedLine(line: number, hunks: readonly Hunk[]): number | undefined {
  let shift = 0;
  for (const { old, new: now } of hunks) {
    const first = now.count === 0 ? now.start + 1 : now.start;
    if (line < first) break;
    if (line < first + now.count) {
      // A changed line has a predecessor; a line beyond them is new.
      const within = line - first;
      return within < old.count ? old.start + within : undefined;
    }
    shift += old.count - now.count;
  }
  return line + shift;
}
