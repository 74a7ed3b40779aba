import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../../src/assistant';
import { MemoryReader, MemoryEncoding, MemoryStore, type WorkspaceMemory } from '../../src/memory';
import type { Answer, RankedSpan } from '../../src/protocol';
import type { QueryEmbedding } from '../../src/protocol/memory';
import { Search, SEARCH_WEIGHTS, type SearchWorkspace } from '../../src/search';
import { type ReadDocument, scanTokens } from '../../src/workspace';
import { BYTES_PER_ROW, memoryOf, RATIOS } from '../memory/byte-coder';
import { indexedFiles, type IndexedFiles } from './indexed-files';

const NOUNS = 'session cookie adapter router cache token parser socket buffer queue'.split(' ');
const VERBS = 'open close merge retry flush encode verify resolve split trace'.split(' ');
const VOCABULARY = 512;

/** A repository of a hundred functions, two in each file. */
const FILES = Object.fromEntries(
  NOUNS.flatMap((noun, n) =>
    [0, 2, 4, 6, 8].map((v) => [
      `src/${noun}/${VERBS[v]}.py`,
      [v, v + 1]
        .map(
          (i) =>
            `def ${VERBS[i]}_${noun}(value):\n    """Tries to ${VERBS[i]} the ${noun} before the ${NOUNS[(n + i) % 10]}."""\n    ${NOUNS[(n + 3) % 10]} = value.${VERBS[(i + n) % 10]}()\n    return ${NOUNS[(n + 3) % 10]}\n`,
        )
        .join('\n\n'),
    ]),
  ),
);
const QUESTIONS = Array.from({ length: 50 }, (_, i) =>
  i % 2 === 0
    ? `How does it ${VERBS[i % 10]} the ${NOUNS[Math.floor(i / 5)]}?`
    : `where is ${VERBS[(i * 3) % 10]}_${NOUNS[i % 10]} used with a ${NOUNS[(i * 7) % 10]}`,
);

const idsOf = (text: string): number[] => {
  const ids: number[] = [];
  scanTokens(text, 0, text.length, (_from, _to, hash) => ids.push((hash >>> 0) % VOCABULARY));
  return ids;
};
function embed(question: string): QueryEmbedding {
  const ids = idsOf(question);
  const ones = Float32Array.from(ids, () => 1);
  const late = {
    weights: ones,
    lengths: ones,
    starts: Int32Array.from({ length: ids.length + 1 }, (_, i) => i),
    ids: Uint32Array.from(ids),
    similarities: ones,
  };
  return { tokens: ids.length, late };
}

let directory: string;
let store: MemoryStore;
let workspace: SearchWorkspace;
let memory: WorkspaceMemory;
let embedQuery: (question: string) => Promise<QueryEmbedding>;

let documents: IndexedFiles['documents'];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'search-'));
  const { index, ...read } = await indexedFiles(FILES);
  ({ documents } = read);
  const indexed = (path: string) => Promise.resolve(documents.get(path));
  workspace = {
    index,
    reader: { read: (path) => documents.get(path) },
    ownNames: [],
    pathOf: (file) => file.replace('/w/', ''),
    coverage: () => ({ filesIndexed: documents.size, filesKnown: documents.size, indexing: false }),
    indexed,
    caughtUp: () => Promise.resolve(),
    refreshStale: () => Promise.resolve(false),
  };
  const coder = {
    version: 'hashes',
    encode: (texts: readonly string[]) =>
      Promise.resolve(
        texts.map((text) => ({
          ...memoryOf(text),
          ids: new Uint8Array(Uint16Array.from(idsOf(text)).buffer),
        })),
      ),
  };
  store = await MemoryStore.open({ directory: join(directory, 'store'), budgetBytes: 1e9, version: coder.version });
  const library = {
    indexed,
    *documents() {
      for (const [path, { document, segmented }] of documents) {
        const { file, hash, language } = document;
        yield { path, file, hash, language, segments: segmented.segments.length, mtimeMs: 0 };
      }
    },
  };
  const encoding = new MemoryEncoding({ workspace: library, store, coder });
  await encoding.run();
  memory = {
    author: { kind: 'bundled', model: 'hashes' },
    memories: new MemoryReader({
      encoding,
      store,
      ratios: RATIOS,
      bytesPerRow: BYTES_PER_ROW,
      vocabSize: VOCABULARY,
    }),
    engine: {
      windowTokens: 512,
      sinkRows: 4,
      embedQuery: (question) => embedQuery(question),
      compose: () => Promise.reject(new Error('nothing is composed')),
    },
    indexed,
  };
});
afterAll(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

const searchOf = (withMemories: boolean): Search =>
  new Search({ workspace, memory: () => (withMemories ? memory : undefined), encodedShare: () => 1 });
const library = {
  ownNames: [],
  read: (file: string) => Promise.resolve((documents.get(file.replace('/w/', '')) as ReadDocument).document),
  segmentsOf: ({ path }: { path: string }) => Promise.resolve((documents.get(path) as ReadDocument).segmented),
  definitions: () => Promise.resolve([]),
  users: () => Promise.resolve({ users: [], more: 0 }),
};
const scope = { kind: 'workspace' as const };
const asked = (question: string, withMemories: boolean): Promise<Answer> =>
  ask({ id: 'q', question, scope }, { library, search: searchOf(withMemories), ...(withMemories ? { memory } : {}) });
const places = (spans: readonly RankedSpan[]): string[] =>
  spans.map(({ path, startLine, endLine }) => `${path}:${startLine}-${endLine}`);

describe.each([
  ['with memories', true],
  ['without memories', false],
])('search and ask %s', (_, withMemories) => {
  test('return the same spans in the same order for 50 questions and any limit', async () => {
    embedQuery = (question) => Promise.resolve(embed(question));
    const search = searchOf(withMemories);
    for (const question of QUESTIONS) {
      const answer = places((await asked(question, withMemories)).spans);
      expect(answer.length, question).toBeGreaterThan(0);
      for (const limit of [5, 30, 60]) {
        const { spans } = await search.search(question, { scope, limit });
        expect(places(spans).slice(0, answer.length), question).toEqual(answer.slice(0, limit));
      }
    }
  });
});

test('memories change the order of some questions, and the coverage has their share', async () => {
  embedQuery = (question) => Promise.resolve(embed(question));
  let changed = 0;
  for (const question of QUESTIONS) {
    const fused = await searchOf(true).search(question, { scope, limit: 30 });
    const lexical = await searchOf(false).search(question, { scope, limit: 30 });
    expect(fused.coverage.memories).toBe(1);
    if (places(fused.spans).join() !== places(lexical.spans).join()) changed++;
  }
  expect(changed).toBeGreaterThan(5);
});

test('late interaction reads the segments with the most words alone, and the same place leads', async () => {
  embedQuery = (question) => Promise.resolve(embed(question));
  const read: number[] = [];
  const memories = Object.assign(Object.create(memory.memories) as MemoryReader, {
    late: (...given: Parameters<MemoryReader['late']>) => {
      read.push(given[0].length);
      return memory.memories.late(...given);
    },
  });
  const limits = { ...SEARCH_WEIGHTS.limits, lateSegments: 10 };
  const few = new Search({
    workspace,
    memory: () => ({ ...memory, memories }),
    encodedShare: () => 1,
    weights: { ...SEARCH_WEIGHTS, limits },
  });
  const all = searchOf(true);
  for (const question of QUESTIONS.slice(0, 10)) {
    const request = { scope: { kind: 'workspace' as const }, limit: 1 };
    const { spans } = await all.search(question, request);
    expect((await few.search(question, request)).spans[0]).toMatchObject({
      path: spans[0]?.path,
      startLine: spans[0]?.startLine,
    });
  }
  const segments = memory.memories.segments().length;
  expect(Math.min(...read)).toBeGreaterThanOrEqual(10);
  expect(Math.max(...read)).toBeLessThan(segments);
});

describe('a search without a usable model', () => {
  const question = QUESTIONS[0] as string;
  test.each([
    ['fails', () => Promise.reject(new Error('the model process ended'))],
    ['does not answer', () => new Promise<QueryEmbedding>(() => {})],
  ])('ranks by words when the model %s, and reports that no memories were used', async (_, answer) => {
    embedQuery = answer;
    const { weights } = searchOf(true);
    const search = new Search({
      workspace,
      memory: () => memory,
      encodedShare: () => 1,
      weights: { ...weights, limits: { ...weights.limits, embeddingMs: 10 } },
    });
    const found = await search.search(question, { scope, limit: 30 });
    expect(places(found.spans)).toEqual(places((await searchOf(false).search(question, { scope, limit: 30 })).spans));
    expect(found.coverage.memories).toBeUndefined();
  });
});
