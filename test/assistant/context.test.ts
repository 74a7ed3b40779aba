import { expect, test } from 'vitest';
import { selectContext } from '../../src/assistant/context';
import type { ContextEngine, MemoryReader, WorkspaceMemory } from '../../src/memory';
import type { Ranking } from '../../src/search';

const memories: Partial<MemoryReader> = {
  bytesPerRow: 4,
  tokenIds: () => Promise.resolve(undefined),
  coarse: () => Promise.resolve(undefined),
};
const embedded: string[] = [];
const memory = {
  memories: memories as MemoryReader,
  engine: {
    windowTokens: 512,
    sinkRows: 4,
    embedQuery: (question) => {
      embedded.push(question);
      return Promise.resolve({ vector: Float32Array.of(1), tokens: 5 });
    },
  } as Partial<ContextEngine> as ContextEngine,
  indexed: () => Promise.resolve(undefined),
} satisfies Partial<WorkspaceMemory>;
const coverage = { filesIndexed: 0, filesKnown: 0, indexing: false };
const ranking = (own: Partial<Ranking> = {}): Ranking => ({
  spans: [],
  coverage,
  memory: { segments: [], scores: new Map(), embedding: { tokens: 5 } },
  ...own,
});
const tools = { search: { rank: () => Promise.resolve(ranking()) }, memory };
const asked = (question: string, turn?: boolean) => ({
  question,
  scope: { kind: 'workspace' as const },
  maxNewTokens: 4,
  ...(turn === undefined ? {} : { turn }),
});

test('a question of a user turn loses its backticks, and a text to continue stays unchanged', async () => {
  const question = 'What is `step`?';
  expect((await selectContext(asked(question, true), ranking(), tools)).request.question).toBe('What is step?');
  expect((await selectContext(asked(question), ranking(), tools)).request.question).toBe(question);
});

test('a ranking without an embedding is composed: the question is embedded then', async () => {
  embedded.length = 0;
  await selectContext(asked('where?'), ranking(), tools);
  expect(embedded).toEqual([]);
  const late = ranking({ memory: { segments: [], scores: new Map() } });
  await selectContext({ ...asked('where?'), before: 'what?' }, late, tools);
  expect(embedded).toEqual(['where? what?']);
});

test('a ranking without memories throws its reason', async () => {
  const { memory: _, ...lexical } = ranking({ trouble: 'the model failed' });
  await expect(selectContext(asked('where?'), lexical, tools)).rejects.toThrow('the model failed');
});
