import { describe, expect, test } from 'vitest';
import {
  type ContextEngine,
  type ContextInput,
  type ContextRequest,
  LateInteraction,
  type MemoryReader,
  type MemorySegment,
  readContext,
  selectContext,
  type WorkspaceMemory,
} from '../../../src/memory';
import { excerptOf } from '../../../src/assistant/quote/excerpt';

const TEXT = 'def step(value):\n    return value\n';
const TOKENS = 80;
/** Tokens of a stretch in dense rows. */
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
/** Best first. */
const SEGMENTS = ['best.py', 'second.py', 'third.py', 'fourth.py', 'far.py'].map(segment);

/** Memories whose rows are zeros. Token ids are stored for the files in `kept`. */
function memoriesOf(kept: readonly string[]): MemoryReader {
  const rows = (count: number): Promise<Uint8Array> => Promise.resolve(new Uint8Array(count * WIDTH));
  const made: Partial<MemoryReader> = {
    tokenIds: (key) =>
      Promise.resolve(kept.includes(key) ? Uint16Array.from({ length: TOKENS }, (_, i) => i) : undefined),
    coarse: () => rows(1),
    fine: ({ fineRows }) => Promise.resolve(fineRows * WIDTH),
    bytesPerRow: WIDTH,
    folded: () => rows(1),
  };
  return made as MemoryReader;
}

/** An engine that composes nothing and records its requests. */
function engine(dense: ContextEngine['dense'], requests: ContextRequest[] = []): ContextEngine {
  return {
    windowTokens: 512,
    sinkRows: 4,
    ...(dense ? { dense } : {}),
    // The question is token 70 alone.
    embedQuery: () => Promise.reject(new Error('the question is already embedded')),
    compose: (request) => {
      requests.push(request);
      const opened = (some: readonly { key: string }[], rows: number, tokens: number) =>
        some.map(({ key }) => ({ key, rows, tokens, origin: 'computed' as const }));
      return Promise.resolve({
        held: true,
        positions: 0,
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

/** Scores of a question whose only token is 70. */
const lateInteraction = new LateInteraction(
  {
    weights: Float32Array.of(1),
    lengths: Float32Array.of(1),
    starts: Int32Array.of(0, 1),
    ids: Uint32Array.of(70),
    similarities: Float32Array.of(1),
  },
  128,
  { blockTokens: 16, sharpness: 3 },
);
const SCORES = new Map(SEGMENTS.map(({ key }, i) => [key, key === 'far.py' ? 0 : 0.5 - i / 20]));

const memory = (own: Partial<WorkspaceMemory> = {}): WorkspaceMemory => ({
  author: { kind: 'extractive' },
  // One of the files has changed.
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
  memories: memoriesOf(SEGMENTS.map(({ key }) => key)),
  engine: engine({ segmentTokens: 256, rowTokens: 8 }),
  ...own,
});
const input = (more: Partial<ContextInput> = {}): ContextInput => ({
  question: 'What is step?',
  questionTokens: 5,
  segments: SEGMENTS,
  scores: SCORES,
  lateInteraction,
  excerpt: (text, characters) => excerptOf(text, 'What is step?', characters),
  maxNewTokens: 4,
  ...more,
});
const keys = (some: readonly { key: string }[]): string[] => some.map(({ key }) => key);

describe('dense rows of a selection', () => {
  test('cover the best segments not read in full, or the best of all when none is read', async () => {
    const { request } = await selectContext(input({ mostRead: 100 }), memory());
    expect(keys(request.full)).toEqual(['best.py']);
    expect(keys(request.dense).at(-1)).toBe('second.py:16+64');
    const alone = await selectContext(input({ mostRead: 0 }), memory());
    expect(alone.request.full).toEqual([]);
    expect(keys(alone.request.dense).at(-1)).toBe('best.py:16+64');
  });

  test('come from stored token ids, else from the text; a segment without both gets fine rows', async () => {
    const { request, parts } = await selectContext(
      input({ mostRead: 0 }),
      memory({ memories: memoriesOf(['best.py']) }),
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

  test('are not requested from a model without slots for them', async () => {
    const { request } = await selectContext(input({ mostRead: 0 }), memory({ engine: engine(undefined) }));
    expect(request.dense).toEqual([]);
  });

  test('are in the ledger once, and every token counts once', async () => {
    const requests: ContextRequest[] = [];
    const opened = memory({ engine: engine({ segmentTokens: 256, rowTokens: 8 }, requests) });
    const selection = await selectContext(input({ mostRead: 100 }), opened);
    const { ledger } = await readContext(selection, opened.engine, { retrieve: 0 });
    const dense = ledger.groups.filter(({ kind }) => kind === 'dense');
    expect(dense.map(({ span }) => span?.path)).toEqual(keys(requests[0]!.dense).map((key) => key.split(':')[0]));
    expect(dense[0]).toMatchObject({ rows: 8, tokens: STRETCH, bytes: 8 * WIDTH });
    expect(ledger.groups.filter(({ span }) => span).reduce((sum, { tokens }) => sum + tokens, 0)).toBe(
      SEGMENTS.length * TOKENS,
    );
  });
});
