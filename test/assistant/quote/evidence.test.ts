import { expect, it } from 'vitest';
import { gatherEvidence } from '../../../src/assistant/quote/evidence';
import { parseQuestion } from '../../../src/search';
import { MemoryLibrary } from '../memory-library';

const FILES = { 'models.py': 'DEFAULT_REDIRECT_LIMIT = 30\n\n\ndef paint(office):\n    return office.doors\n' };

/** Whether the file answers, given the encoder's opinion of its spans and the share of the workspace it has read. */
async function answers(
  question: string,
  similarity: number | undefined,
  { encoded = 1, judged = Infinity }: { encoded?: number; judged?: number } = {},
): Promise<boolean> {
  const library = new MemoryLibrary(FILES);
  const { spans } = await library.rank(question, { scope: { kind: 'workspace' } });
  const seen = [...spans, ...spans].map((span, i) =>
    similarity === undefined || i >= judged ? span : { ...span, similarity },
  );
  return (await gatherEvidence(parseQuestion(question), seen, library, { scope: { kind: 'workspace' }, encoded }))
    .answers;
}

const FEW_WORDS = 'how long may a chain of redirects grow before it fails?';
const MANY_WORDS = 'which doors of the office does he paint at noon?';

it('answers a question with few words in common when a span is similar', async () => {
  expect(await answers(FEW_WORDS, undefined)).toBe(false);
  expect(await answers(FEW_WORDS, 0.45)).toBe(true);
  expect(await answers(FEW_WORDS, 0.2)).toBe(false);
});

it('refuses a question with words in common when nothing is similar', async () => {
  expect(await answers(MANY_WORDS, undefined)).toBe(true);
  expect(await answers(MANY_WORDS, 0.1)).toBe(false);
  // The best spans were compared before the rest of the workspace was encoded.
  expect(await answers(MANY_WORDS, 0.1, { encoded: 0 })).toBe(false);
  expect(await answers(MANY_WORDS, 0.1, { encoded: 0.5, judged: 1 })).toBe(true);
});

it('lets words decide about a question in a language that the encoder may not read', async () => {
  expect(await answers('wie und wo kann man die doors in der office paint?', 0.1)).toBe(true);
  expect(await answers('which doors of the office – le café – does he paint?', 0.1)).toBe(true);
});

it('answers a question that names a definition, however dissimilar', async () => {
  expect(await answers('what does `paint` do?', 0)).toBe(true);
});
