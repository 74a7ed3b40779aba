import { describe, expect, test } from 'vitest';
import { errorData, toResponseError } from '../../src/rpc/errors';
import { ExclusiveQueue, Foreground, type WorkClass } from '../../src/base';

describe('an exclusive queue', () => {
  test('runs one job at a time, the most urgent class first, in order within a class', async () => {
    const queue = new ExclusiveQueue();
    const order: string[] = [];
    let running = 0;
    const job = (kind: WorkClass, name: string) =>
      queue.run(kind, async () => {
        expect(++running).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 2));
        order.push(name);
        running -= 1;
      });
    await Promise.all([
      job('indexing', 'i1'),
      job('indexing', 'i2'),
      job('hover', 'h1'),
      job('answer', 'a1'),
      job('hover', 'h2'),
      job('answer', 'a2'),
    ]);
    expect(order).toEqual(['i1', 'a1', 'a2', 'h1', 'h2', 'i2']);
  });

  test('runs the next job after a failure, and never starts a cancelled job', async () => {
    const queue = new ExclusiveQueue();
    const controller = new AbortController();
    const failing = queue.run('answer', async () => {
      controller.abort();
      throw new Error('no');
    });
    let started = false;
    const cancelled = queue.run(
      'answer',
      async () => {
        started = true;
      },
      controller.signal,
    );
    const next = queue.run('answer', async () => 'done');
    await expect(failing).rejects.toThrow('no');
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
    expect(await next).toBe('done');
    expect(started).toBe(false);
    await expect(queue.run('answer', async () => 1, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
    expect(await queue.run('answer', async () => 'free')).toBe('free');
  });
});

describe('indexing waits', () => {
  test('until no request is running', async () => {
    const foreground = new Foreground(60_000);
    await foreground.clear();
    let release = (): void => {};
    const request = foreground.during(() => new Promise<void>((resolve) => (release = resolve)));
    let stepped = false;
    const indexing = foreground.clear().then(() => (stepped = true));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(stepped).toBe(false);
    release();
    await Promise.all([request, indexing]);
    expect(stepped).toBe(true);
  });

  test('but not forever', async () => {
    const foreground = new Foreground(10);
    void foreground.during(() => new Promise<void>(() => {}));
    await foreground.clear();
    expect(foreground.busy).toBe(true);
  });

  test('quiet waits without a limit, also for later requests', async () => {
    const foreground = new Foreground(1);
    await foreground.quiet();
    const release: (() => void)[] = [];
    const request = () => foreground.during(() => new Promise<void>((resolve) => release.push(resolve)));
    const requests = [request(), request()];
    let changed = false;
    const change = foreground.quiet().then(() => (changed = true));
    release[0]?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(changed).toBe(false);
    release[1]?.();
    await Promise.all([...requests, change]);
    expect(changed).toBe(true);
  });
});

test.each([
  [Object.assign(new Error('x'), { code: 'ENOSPC' }), 'diskFull'],
  [Object.assign(new Error('x'), { code: 'EACCES' }), 'fileUnreadable'],
  [new DOMException('x', 'AbortError'), 'cancelled'],
  [Object.assign(new Error('x'), { code: 'contextFull', hint: 'shorter' }), 'contextFull'],
  [Object.assign(new Error('x'), { code: 'lexicalDiskFull' }), 'diskFull'],
  [new Error('x'), 'internal'],
  ['text', 'internal'],
  [undefined, 'internal'],
])('%s means %s', (error, code) => {
  expect(errorData(error).code).toBe(code);
  expect(toResponseError(error).data).toMatchObject({ code });
});
