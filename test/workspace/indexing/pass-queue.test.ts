import { expect, test } from 'vitest';
import { PassQueue } from '../../../src/workspace/indexing/pass-queue';

const queue = (...paths: string[]): PassQueue =>
  new PassQueue(paths.map((path) => ({ file: `/w/${path}`, path, size: 1, mtimeMs: 1 })));

test('gives files in order, and those that a question waits for first', async () => {
  const files = queue('a', 'b', 'c', 'd');
  expect(files.take()?.path).toBe('a');
  let ended = false;
  const waiting = files.advance(['d', 'c']).then(() => (ended = true));
  expect([files.take()?.path, files.take()?.path]).toEqual(['d', 'c']);
  files.done('d');
  await Promise.resolve();
  expect(ended).toBe(false);
  files.done('c');
  await waiting;
  expect(files.take()?.path).toBe('b');
  expect(files.take()).toBeUndefined();
});

test('waits for a file that is being indexed, but not for one that is done or unknown', async () => {
  const files = queue('a', 'b');
  files.take();
  const waiting = files.advance(['a']);
  files.done('a');
  await waiting;
  await files.advance(['a', 'z']);
});

test('counts a file that is being indexed among those to wait for', () => {
  const files = queue('a', 'b');
  files.take();
  expect(files.files.map(({ path }) => path)).toEqual(['a', 'b']);
  files.done('a');
  expect(files.files.map(({ path }) => path)).toEqual(['b']);
});

test('lets nobody wait beyond the end of the pass', async () => {
  const files = queue('a');
  const waiting = files.advance(['a']);
  files.close();
  await waiting;
});

test('yields to the foreground, unless a question waits for the next file', async () => {
  const files = queue('a', 'b');
  const told: string[] = [];
  const yielded = files.urgentOr(new Promise(() => {})).then(() => told.push('urgent'));
  await Promise.resolve();
  expect(told).toEqual([]);
  void files.advance(['b']);
  await yielded;
  await files.urgentOr(new Promise(() => {}));
  expect(files.take()?.path).toBe('b');
  const idle = files.urgentOr(Promise.resolve());
  await idle;
});
