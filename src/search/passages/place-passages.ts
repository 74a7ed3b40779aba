import type { RankedSpan } from '../../protocol';

/**
 * Puts the best passages in the places of the spans of prose, in the passages' order, so that code keeps its ranks. The
 * other passages follow the last place of prose. Spans of prose that a passage lies in are left out.
 */
export function placePassages(
  spans: readonly RankedSpan[],
  passages: readonly RankedSpan[],
  most: number,
): readonly RankedSpan[] {
  if (passages.length === 0) return spans;
  const left = [...passages];
  const placed: RankedSpan[] = [];
  const places = spans.filter(({ kind }) => kind === 'prose').length;
  let place = 0;
  for (const span of spans) {
    if (span.kind !== 'prose') {
      placed.push(span);
      continue;
    }
    const passage = left.shift();
    if (passage) placed.push({ ...passage, score: span.score });
    if (++place < places) continue;
    // Each further passage scores less than the one before it.
    placed.push(...left.map((other, i) => ({ ...other, score: span.score * (1 - (i + 1) / (2 * left.length + 2)) })));
    left.length = 0;
  }
  placed.push(...left);
  const rest = spans.filter((span) => span.kind === 'prose' && !passages.some((passage) => overlap(span, passage)));
  return [...placed, ...(placed.length < most ? rest : [])].slice(0, most);
}

const overlap = (a: RankedSpan, b: RankedSpan): boolean =>
  a.file === b.file && a.startLine <= b.endLine && b.startLine <= a.endLine;
