import type { RankedSpan } from '../../protocol';

export interface Placing {
  /** Maximum number of spans returned. */
  most: number;
  /** Share (0…1) of the question's weight that a span of code has. */
  shareOf: (span: RankedSpan) => number;
  /** A passage whose words have this much more of the question than a span of code comes before it. */
  ahead: number;
}

/**
 * Puts the best passages in the places of the spans of prose, in the passages' order, so that code keeps its ranks. A
 * passage with clearly more of the question's words than a span of code comes before the code too. The other passages
 * follow the last place of prose. Spans of prose that a passage lies in are left out.
 */
export function placePassages(
  spans: readonly RankedSpan[],
  passages: readonly RankedSpan[],
  { most, shareOf, ahead }: Placing,
): readonly RankedSpan[] {
  if (passages.length === 0) return spans;
  const left = [...passages];
  const placed: RankedSpan[] = [];
  const lastPlace = spans.findLastIndex(({ kind }) => kind === 'prose');
  for (const [i, span] of spans.entries()) {
    if (span.kind !== 'prose') {
      // Words tell at the head of the list; below it the order hardly matters.
      const share = i < COMPARED ? shareOf(span) + ahead : Infinity;
      while (left[0] && wordsOf(left[0]) > share) placed.push({ ...(left.shift() as RankedSpan), score: span.score });
      placed.push(span);
      continue;
    }
    const passage = left.shift();
    if (passage) placed.push({ ...passage, score: span.score });
    if (i < lastPlace) continue;
    // Each further passage scores less than the one before it.
    const count = left.length;
    placed.push(...left.map((other, n) => ({ ...other, score: span.score * (1 - (n + 1) / (2 * count + 2)) })));
    left.length = 0;
  }
  placed.push(...left);
  const rest = spans.filter((span) => span.kind === 'prose' && !passages.some((passage) => overlap(span, passage)));
  return [...placed, ...(placed.length < most ? rest : [])].slice(0, most);
}

/** Spans of code that passages may come before. */
const COMPARED = 5;

const wordsOf = ({ reasons }: RankedSpan): number => reasons.find(({ kind }) => kind === 'body')?.weight ?? 0;

const overlap = (a: RankedSpan, b: RankedSpan): boolean =>
  a.file === b.file && a.startLine <= b.endLine && b.startLine <= a.endLine;
