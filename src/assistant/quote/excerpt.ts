/** Cuts a text to the lines around the question's words, for a context with room for a part of it. */
import type { Excerpt } from '../../memory';
import { parseQuestion, TermCoverage } from '../../search';

/** Weight factor of a question word for each repeated occurrence. */
const AGAIN = 0.35;

/**
 * The lines with most of the question's words and the lines around them, in at most `characters`. Lines are never cut.
 * Without a matching word it is the beginning of the text. Undefined if not even one line fits.
 */
export function excerptOf(text: string, question: string, characters: number): Excerpt | undefined {
  const lines = text.split(/(?<=\n)/);
  const weights = new TermCoverage(parseQuestion(question), lines);
  const found = lines.map((line) => weights.termsIn(line));
  const matched = densest(lines, found, characters);
  let [first, last] = matched ?? [0, -1];
  let left = characters - lines.slice(first, last + 1).reduce((sum, line) => sum + line.length, 0);
  // Lines are added alternately after and before the match.
  const fits = (line: number): boolean => (lines[line]?.length ?? Infinity) <= left;
  for (let grown = true; grown;) {
    grown = false;
    if (fits(last + 1)) {
      left -= (lines[++last] as string).length;
      grown = true;
    }
    if (fits(first - 1)) {
      left -= (lines[--first] as string).length;
      grown = true;
    }
  }
  if (last < first) return undefined;
  const start = lines.slice(0, first).join('').length;
  return { start, end: start + lines.slice(first, last + 1).join('').length, firstLine: first, lastLine: last };
}

/** First and last matching line of the run with most of the question's weight. */
function densest(
  lines: readonly string[],
  found: readonly (readonly [term: string, weight: number][])[],
  characters: number,
): [number, number] | undefined {
  let best: { score: number; run: [number, number] } | undefined;
  for (const [first, terms] of found.entries()) {
    if (terms.length === 0) continue;
    const times = new Map<string, number>();
    let score = 0;
    for (let line = first, left = characters; line < lines.length; line++) {
      left -= (lines[line] as string).length;
      if (left < 0) break;
      const own = found[line] as [string, number][];
      for (const [term, weight] of own) {
        score += weight * AGAIN ** (times.get(term) ?? 0);
        times.set(term, (times.get(term) ?? 0) + 1);
      }
      if (own.length > 0 && score > (best?.score ?? 0)) best = { score, run: [first, line] };
    }
  }
  return best?.run;
}
