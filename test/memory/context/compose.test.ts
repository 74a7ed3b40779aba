import { describe, expect, test } from 'vitest';
import {
  composeContext,
  selectContext,
  type Asked,
  type ComposeTools,
  type ContextEngine,
  type ContextRequest,
} from '../../../src/memory/context/compose';
import type { Memories, MemorySegment } from '../../../src/memory/memories';

const TEXT = 'def step(value):\n    return value\n';
const TOKENS = 80;
/** Of a segment that stands in part in dense rows. */
const STRETCH = 64;
const WIDTH = 4;
const segment = (path: string): MemorySegment => ({
  key: path,
  path,
  file: `/w/${path}`,
  hash: 'now',
  startLine: 1,
  endLine: 2,
  start: 0,
  end: TEXT.length,
  tokens: TOKENS,
  coarseRows: 1,
  fineRows: 3,
});
/** The nearest first. */
const SEGMENTS = ['best.py', 'second.py', 'third.py', 'fourth.py', 'far.py'].map(segment);

/** Memories whose rows are zeros; the store keeps token ids of the files named. */
function memoriesOf(kept: readonly string[]): Memories {
  const rows = (count: number): Promise<Uint8Array> => Promise.resolve(new Uint8Array(count * WIDTH));
  const made: Partial<Memories> = {
    segments: () => [...SEGMENTS],
    nearest: (segments) =>
      Promise.resolve(
        segments.map((each) => ({
          segment: each,
          similarity: each.path === 'far.py' ? 0 : 1 - SEGMENTS.findIndex(({ key }) => key === each.key) / 10,
        })),
      ),
    tokenIds: (key) =>
      Promise.resolve(kept.includes(key) ? Uint16Array.from({ length: TOKENS }, (_, i) => i) : undefined),
    coarse: () => rows(1),
    fine: ({ fineRows }) => Promise.resolve(fineRows * WIDTH),
    bytesPerRow: WIDTH,
    folded: () => rows(1),
    vocabSize: 128,
    late: () => Promise.resolve([]),
  };
  return made as Memories;
}

/** An engine that does as it is told; what it was asked for is in `requests`. */
function engine(dense: ContextEngine['dense'], requests: ContextRequest[] = []): ContextEngine {
  return {
    windowTokens: 512,
    sinkRows: 4,
    ...(dense ? { dense } : {}),
    // Asked for is token 70, alone.
    look: () =>
      Promise.resolve({
        vector: Float32Array.of(1),
        tokens: 5,
        late: {
          weights: Float32Array.of(1),
          lengths: Float32Array.of(1),
          starts: Int32Array.of(0, 1),
          ids: Uint32Array.of(70),
          similarities: Float32Array.of(1),
        },
      }),
    compose: (request) => {
      requests.push(request);
      const opened = (some: readonly { key: string }[], rows: number, tokens: number) =>
        some.map(({ key }) => ({ key, rows, tokens, origin: 'computed' as const }));
      return Promise.resolve({
        rows: {
          sinks: 4,
          coarse: request.coarse.rows.length / WIDTH,
          fine: request.fine.rows.length / WIDTH,
          dense: opened(request.dense, STRETCH / 8, STRETCH),
          full: opened(request.full, TOKENS, TOKENS),
          question: 5,
          compressed: { rows: 0, tokens: 0 },
          answer: 0,
        },
        bytesPerRow: WIDTH,
        timing: { splice: 0, read: 0, decode: 0, firstToken: 0 },
        cache: { hits: 0, misses: 0, evictions: 0 },
        text: '',
        confidence: 0,
      });
    },
  };
}

const tools = (own: Partial<ComposeTools>): ComposeTools => ({
  library: {
    search: () => Promise.resolve({ spans: [], coverage: { filesIndexed: 0, filesKnown: 0, indexing: false } }),
    // One of them has another text by now.
    indexed: (path) =>
      Promise.resolve({
        document: {
          file: `/w/${path}`,
          path,
          language: 'python',
          text: TEXT,
          hash: path === 'third.py' ? 'changed' : 'now',
        },
        segmented: { segments: [], symbols: [], imports: [], method: 'syntax' as const },
      }),
  },
  memories: memoriesOf(SEGMENTS.map(({ key }) => key)),
  engine: engine({ segmentTokens: 256, rowTokens: 8 }),
  ...own,
});
const asked = (more: Partial<Asked> = {}): Asked => ({
  question: 'What is step?',
  scope: { kind: 'workspace' },
  maxNewTokens: 4,
  ...more,
});
const keys = (some: readonly { key: string }[]): string[] => some.map(({ key }) => key);

describe('dense rows in a selection', () => {
  test('stand for the best that are not read in full, and for the best of all where nothing is', async () => {
    const { request } = await selectContext(asked({ mostRead: 100 }), tools({}));
    expect(keys(request.full)).toEqual(['best.py']);
    expect(keys(request.dense).at(-1)).toBe('second.py:16+64');
    const alone = await selectContext(asked({ mostRead: 0 }), tools({}));
    expect(alone.request.full).toEqual([]);
    expect(keys(alone.request.dense).at(-1)).toBe('best.py:16+64');
  });

  test('stand before the question, whose names are bare where the model is asked, and which stands as it is where a text is to be gone on from', async () => {
    const question = 'What is `step`?';
    expect((await selectContext(asked({ question, turn: true }), tools({}))).request.question).toBe('What is step?');
    expect((await selectContext(asked({ question }), tools({}))).request.question).toBe(question);
  });

  test('are made of the ids that the store keeps, else of the text; what has neither stands in fine rows', async () => {
    const { request, parts } = await selectContext(
      asked({ mostRead: 0 }),
      tools({ memories: memoriesOf(['best.py']) }),
    );
    const sources = new Map(
      request.dense.map((each) => [
        each.key.split(':')[0],
        'ids' in each ? [...each.ids].includes(70) && each.ids.length : each.text,
      ]),
    );
    expect(sources.get('best.py')).toBe(STRETCH);
    expect(request.dense.find(({ key }) => key === 'best.py:16+64')).toMatchObject({
      before: Uint16Array.from({ length: 16 }, (_, i) => i),
    });
    expect(parts.dense.find(({ key }) => key.startsWith('second.py'))?.lines).toEqual([
      expect.any(Number),
      expect.any(Number),
    ]);
    expect(TEXT).toContain(sources.get('second.py'));
    expect(sources.has('third.py')).toBe(false);
    expect(keys(parts.fine)).toContain('third.py');
  });

  test('are not asked of a model without slots for them', async () => {
    const { request } = await selectContext(asked({ mostRead: 0 }), tools({ engine: engine(undefined) }));
    expect(request.dense).toEqual([]);
  });

  test('are in the ledger once, and every token with them', async () => {
    const requests: ContextRequest[] = [];
    const { ledger } = await composeContext(
      asked({ mostRead: 100 }),
      tools({ engine: engine({ segmentTokens: 256, rowTokens: 8 }, requests) }),
    );
    const dense = ledger.groups.filter(({ kind }) => kind === 'dense');
    expect(dense.map(({ span }) => span?.path)).toEqual(keys(requests[0]!.dense).map((key) => key.split(':')[0]));
    expect(dense[0]).toMatchObject({ rows: 8, tokens: STRETCH, bytes: 8 * WIDTH });
    expect(ledger.groups.filter(({ span }) => span).reduce((sum, { tokens }) => sum + tokens, 0)).toBe(
      SEGMENTS.length * TOKENS,
    );
  });
});
