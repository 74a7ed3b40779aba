import { expect, it } from 'vitest';
import { CitationList } from '../../../src/assistant/citations';
import { gatherEvidence } from '../../../src/assistant/quote/evidence';
import { answerFromSources } from '../../../src/assistant/quote/extractive';
import { parseQuestion } from '../../../src/search';
import { MemoryLibrary } from '../memory-library';

const FILES = {
  'office.py': 'def paint(office):\n    """Paints the doors of the office."""\n    return office.doors\n',
};

it('shows lines once, although two places hold them', async () => {
  const library = new MemoryLibrary(FILES);
  const question = parseQuestion('who paints the doors of the office?');
  const { spans } = await library.rank(question.text, { scope: { kind: 'workspace' } });
  const evidence = await gatherEvidence(question, spans, library, { scope: { kind: 'workspace' } });
  const once = await answerFromSources(question, evidence, library, new CitationList());
  const passages = evidence.passages.flatMap((passage) => [passage, { ...passage }]);
  const twice = await answerFromSources(question, { ...evidence, passages }, library, new CitationList());
  expect(once.join('\n')).toContain('is a function');
  expect(twice).toEqual(once);
});
