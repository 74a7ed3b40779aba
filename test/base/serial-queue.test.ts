import { expect, it } from 'vitest';
import { SerialQueue } from '../../src/base';

it('runs one task at a time, in the order of the calls', async () => {
  const queue = new SerialQueue();
  const log: string[] = [];
  const job = (name: string) =>
    queue.run(async () => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`${name} ends`);
      return name;
    });
  expect(await Promise.all([job('a'), job('b')])).toEqual(['a', 'b']);
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

it('rejects only the call that failed', async () => {
  const queue = new SerialQueue();
  const failed = queue.run(() => {
    throw new Error('first');
  });
  const next = queue.run(() => 2);
  await expect(failed).rejects.toThrow('first');
  expect(await next).toBe(2);
});

it('is idle once all queued tasks have ended, including failed ones', async () => {
  const queue = new SerialQueue();
  let ended = false;
  queue.run(() => Promise.reject(new Error('x'))).catch(() => undefined);
  void queue.run(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    ended = true;
  });
  await queue.idle();
  expect(ended).toBe(true);
});
