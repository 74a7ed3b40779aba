import { expect, test } from 'vitest';
import { word } from './files';
import { disk, openWorkspace } from './opened-workspace';
import { searchOver } from './search-over';

const WORKSPACE = { kind: 'workspace' } as const;
const FILES = 400;

test('a question during the first pass is answered from the files with its words, and says that others are missing', async () => {
  disk.fill(FILES);
  let release = (): void => undefined;
  const busy = new Promise<void>((resolve) => (release = resolve));
  // Indexing would yield for ever: only the question's files are indexed.
  const workspace = await openWorkspace({ yieldToForeground: () => busy });
  const pass = workspace.start();
  const asked = word(FILES - 1);
  const { spans, coverage } = await searchOver(workspace).search(`where is ${asked}?`, { scope: WORKSPACE, limit: 5 });
  expect(spans[0]?.text).toContain(asked);
  expect(coverage.indexing).toBe(true);
  expect(coverage.filesKnown).toBe(FILES);
  expect(coverage.filesIndexed).toBeLessThan(20);
  const whole = workspace.whenIndexed();
  expect(await whole).toBe(true);
  expect(workspace.coverage()).toMatchObject({ filesIndexed: FILES, indexing: false });
  release();
  await pass;
  const later = await searchOver(workspace).search(`where is ${asked}?`, { scope: WORKSPACE, limit: 5 });
  expect(later.spans.map(({ path }) => path)).toEqual(spans.map(({ path }) => path));
});

test('a question over few files waits for all, those being indexed included', async () => {
  disk.fill(5);
  const workspace = await openWorkspace();
  const pass = workspace.start();
  const { spans, coverage } = await searchOver(workspace).search(word(4), { scope: WORKSPACE, limit: 5 });
  expect(spans[0]?.text).toContain(word(4));
  expect(coverage.filesIndexed).toBe(5);
  await pass;
});

test('a question in a folder waits for files of that folder', async () => {
  disk.fill(FILES);
  const workspace = await openWorkspace({ yieldToForeground: () => new Promise(() => {}) });
  const stop = new AbortController();
  const pass = workspace.start(stop.signal);
  const found = await searchOver(workspace).search('guide paragraph', {
    scope: { kind: 'folder', path: 'src/part3' },
    limit: 5,
  });
  expect(found.spans.length).toBeGreaterThan(0);
  for (const { path } of workspace.documents()) expect(path).toMatch(/^src\/part3\//);
  stop.abort();
  void workspace.whenIndexed();
  await pass;
});

test('a paused pass keeps no question waiting', async () => {
  disk.fill(FILES);
  const workspace = await openWorkspace();
  workspace.pause(true);
  const pass = workspace.start();
  const { coverage } = await searchOver(workspace).search(word(1), { scope: WORKSPACE, limit: 5 });
  expect(coverage.indexing).toBe(true);
  expect(await workspace.whenIndexed()).toBe(false);
  workspace.pause(false);
  await pass;
});

test('a pause ends the wait for all files', async () => {
  disk.fill(FILES);
  const workspace = await openWorkspace();
  const pass = workspace.start();
  const whole = workspace.whenIndexed();
  workspace.pause(true);
  expect(await whole).toBe(false);
  expect(await workspace.whenIndexed()).toBe(false);
  workspace.pause(false);
  await pass;
});
