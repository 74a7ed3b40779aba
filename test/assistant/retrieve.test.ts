import { expect, test } from 'vitest';
import type { AskTools } from '../../src/assistant/ask-tools';
import { ask } from '../../src/assistant/ask';
import { MemoryLibrary } from './memory-library';

const ADAPTERS = {
  'src/adapters.py':
    'class HttpAdapter:\n    """Sends a request and returns the response."""\n\n    def send(self, request):\n        return request\n',
};

/** Asks over a part of the index: `rest` is added when the question waits for it. */
async function asked(question: string, rest: Record<string, string>) {
  const library = new MemoryLibrary(ADAPTERS);
  const steps: string[] = [];
  let whole = false;
  const search: AskTools['search'] = {
    rank: async (text, request) => {
      steps.push('search');
      const found = await library.rank(text, request);
      return { ...found, coverage: { ...found.coverage, filesKnown: 10, indexing: !whole } };
    },
  };
  const answer = await ask(
    { id: 'q', question, scope: { kind: 'workspace' } },
    {
      library,
      search,
      whenIndexed: async () => {
        steps.push('wait');
        for (const [path, text] of Object.entries(rest)) library.files.set(`/w/${path}`, text);
        return (whole = true);
      },
    },
  );
  return { steps, answer };
}

test('a question that the index so far answers waits for nothing, and the answer says so', async () => {
  const { steps, answer } = await asked('How does `HttpAdapter` send a request?', {});
  expect(steps).toEqual(['search']);
  expect(answer.markdown).toContain('HttpAdapter');
  expect(answer.notices.join()).toContain('Indexing is still running');
});

test('a question for all of something waits for the whole index first', async () => {
  const { steps } = await asked('List all adapters.', {});
  expect(steps[0]).toBe('wait');
});

test('a question that the index so far does not answer is asked again of the whole', async () => {
  const { steps, answer } = await asked('How does `Harbor` moor a ship?', {
    'src/harbor.py':
      'class Harbor:\n    """Moors a ship at the quay."""\n\n    def moor(self, ship):\n        return ship\n',
  });
  expect(steps).toEqual(['search', 'wait', 'search']);
  expect(answer.markdown).toContain('src/harbor.py');
  expect(answer.notices.join()).not.toContain('Indexing is still running');
});
