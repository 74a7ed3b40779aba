import { expect, test } from 'vitest';
import { FileQueue } from '../../../src/workspace/indexing/file-queue';

const file = (path: string) => ({ file: `/w/${path}`, path, size: 1, mtimeMs: 1 });

test('gives files while more are added, those that are open first, each once, and then ends', async () => {
  const queue = new FileQueue((path) => path.startsWith('open'));
  const taken: string[] = [];
  const lane = async (): Promise<void> => {
    for (let next = await queue.take(); next; next = await queue.take()) taken.push(next.path);
  };
  for (const path of ['a', 'b', 'open1', 'c']) queue.add(file(path));
  expect((await queue.take())?.path).toBe('open1');
  const lanes = [lane(), lane(), lane()];
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toEqual(['a', 'b', 'c']);
  for (const path of ['d', 'open2', 'e']) queue.add(file(path));
  queue.end();
  await Promise.all(lanes);
  expect([...taken].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'open2']);
  expect(queue.added).toBe(7);
});

test('drops what waits when the walk fails', async () => {
  const queue = new FileQueue(() => false);
  queue.add(file('a'));
  const waiting = [queue.take(), queue.take()];
  queue.drop();
  expect((await Promise.all(waiting)).map((each) => each?.path)).toEqual(['a', undefined]);
  expect(await queue.take()).toBeUndefined();
});
