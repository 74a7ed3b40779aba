import type { RankedSpan } from '../../protocol';
import type { SentenceVectors } from './sentence-vectors';

/** Characters that are compared together: about what the sentence encoder reads. */
const CHARACTERS = 1_000;
/** Maximum number of pieces that are encoded. */
const PIECES = 20;

/**
 * Adds the similarity with the question to those of the first `most` spans that lack it, so that the encoder has a say
 * on whether there is an answer before it has read the workspace.
 */
export async function withSimilarities(
  spans: readonly RankedSpan[],
  question: string,
  sentences: SentenceVectors,
  { most, signal }: { most: number; signal?: AbortSignal | undefined },
): Promise<readonly RankedSpan[]> {
  const pieces: { span: RankedSpan; text: string }[] = [];
  for (const span of spans.slice(0, most)) {
    if (span.similarity !== undefined) continue;
    const own = piecesOf(span.text);
    if (pieces.length + own.length > PIECES) break;
    pieces.push(...own.map((text) => ({ span, text })));
  }
  if (pieces.length === 0) return spans;
  const near = await sentences.similarities(
    question,
    pieces.map(({ text }) => text),
    signal,
  );
  if (!near) return spans;
  const best = new Map<RankedSpan, number>();
  pieces.forEach(({ span }, i) => best.set(span, Math.max(best.get(span) ?? -1, near[i] as number)));
  return spans.map((span) => {
    const similarity = best.get(span);
    return similarity === undefined ? span : { ...span, similarity };
  });
}

function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length; from += CHARACTERS) pieces.push(text.slice(from, from + CHARACTERS));
  return pieces;
}
