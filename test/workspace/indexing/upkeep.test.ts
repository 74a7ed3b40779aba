import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Indexer } from '../../../src/workspace/indexing/indexer';
import { Upkeep } from '../../../src/workspace/indexing/upkeep';
import type { SegmenterPool } from '../../../src/workspace/segments/pool';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An upkeep over these paths, all of one language, whose passes end on request. */
function upkeep(paths: readonly string[]) {
  const done: string[] = [];
  let end = () => {};
  const progress = { state: 'ready', set: () => {}, changed: () => {} };
  const catalogue = { entries: new Map(paths.map((path) => [path, { path, language: 'typescript' }])) };
  const indexer = {
    context: { progress, catalogue },
    pass: () => new Promise<void>((resolve) => (end = resolve)),
    write: () => Promise.resolve(),
  } as unknown as Indexer;
  const pool = {
    segmentNow: ({ language }: { language: string }) => Promise.resolve(done.push(`grammar ${language}`)),
  } as unknown as SegmenterPool;
  const made = new Upkeep(indexer, pool, (question) => Promise.resolve(done.push(question)));
  const pass = async () => {
    const { done: ended } = made.begin();
    end();
    await ended;
  };
  return { made, done, pass };
}

test('runs warm-up searches and then loads grammars, once idle after a pass', async () => {
  const { done, pass } = upkeep(['src/retry-policy.ts', 'src/harbor.ts']);
  await pass();
  expect(done).toEqual([]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(done).toEqual(['retry-policy', 'harbor', 'grammar typescript']);
});

test('searches for names from all over a workspace of many files', async () => {
  const { done, pass } = upkeep(Array.from({ length: 1_000 }, (_, i) => `src/part${i}.ts`));
  await pass();
  await vi.advanceTimersByTimeAsync(10_000);
  const tried = done.filter((what) => what.startsWith('part')).map((name) => Number(name.slice(4)));
  expect(tried.length).toBeLessThan(30);
  expect(Math.max(...tried)).toBeGreaterThan(900);
});

test('another pass stops the warm-up', async () => {
  const { made, done, pass } = upkeep(['a.ts', 'b.ts', 'c.ts']);
  await pass();
  await vi.advanceTimersByTimeAsync(500);
  expect(done).toEqual(['a']);
  void made.begin();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(done).toEqual(['a']);
});
