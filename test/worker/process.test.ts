import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { SETTINGS } from './harness';
import { start, folders, storageDirectory, ready, code, writeMany } from './pool-workspace';

describe('the process', () => {
  test('its heart beats every two seconds', async () => {
    const worker = await ready();
    await expect.poll(() => worker.received.heartbeat.length, { timeout: 12_000 }).toBeGreaterThanOrEqual(2);
    const [first, second] = worker.received.heartbeat;
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(1_900);
  });

  test('it answers from what is there while it indexes, and status never goes backward', async () => {
    writeMany(400);
    const worker = start();
    await worker.initialize({ folders: folders(), storageDirectory: storageDirectory() });
    await worker.until('index/status', ({ state, filesIndexed }) => state === 'indexing' && filesIndexed > 0);
    const { coverage } = await worker.request('search', {
      question: 'step of module',
      scope: { kind: 'workspace' },
      limit: 5,
    });
    expect(coverage.indexing).toBe(true);
    expect(coverage.filesIndexed).toBeLessThan(404);
    await worker.indexed();
    const progress = worker.received['index/status'].map((status) => status.progress);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect((await worker.request('index/status', null)).filesIndexed).toBe(404);
  });

  test('a cancelled request ends as cancelled, the next one is answered', async () => {
    const worker = await ready();
    const token = new CancellationTokenSource();
    const asked = worker.request('ask', { id: 'c', question: 'pool', scope: { kind: 'workspace' } }, token);
    token.cancel();
    await expect(asked).rejects.toSatisfy((error) => code(error) === 'cancelled');
    await expect(
      worker.request('ask', { id: 'd', question: 'pool', scope: { kind: 'workspace' } }),
    ).resolves.toMatchObject({ id: 'd' });
  });

  test('killed at any moment of indexing, the next worker goes on and loses nothing', async () => {
    writeMany(250);
    for (const delay of [30, 150, 400, 900]) {
      const worker = start();
      await worker.initialize({ folders: folders(), storageDirectory: storageDirectory() });
      await new Promise((resolve) => setTimeout(resolve, delay));
      worker.child.kill('SIGKILL');
      expect(await worker.exited).toBe('SIGKILL');
    }
    const worker = await ready();
    expect(await worker.request('index/status', null)).toMatchObject({
      state: 'ready',
      filesIndexed: 254,
      problems: [],
    });
    const { spans } = await worker.request('search', {
      question: 'step_249_59',
      scope: { kind: 'workspace' },
      limit: 3,
    });
    expect(spans[0]).toMatchObject({ path: 'many/module_249.py' });
  }, 60_000);

  test('two workers on one folder both answer', async () => {
    const [first, second] = await Promise.all([ready(), ready()]);
    for (const worker of [first, second]) {
      const { spans } = await worker.request('search', {
        question: 'connection for a host',
        scope: { kind: 'workspace' },
        limit: 3,
      });
      expect(spans[0]).toMatchObject({ path: 'src/pool.py' });
    }
  });

  test.each([
    ['no object', 7],
    ['text', 'hello'],
    ['an unknown method', { jsonrpc: '2.0', id: 99, method: 'rm/everything', params: {} }],
    ['an unknown notification', { jsonrpc: '2.0', method: 'nothing', params: {} }],
    ['parameters of another kind', { jsonrpc: '2.0', id: 98, method: 'ask', params: [1, 2] }],
    ['no parameters', { jsonrpc: '2.0', id: 97, method: 'search' }],
    ['an answer nobody asked for', { jsonrpc: '2.0', id: 1234, result: {} }],
    ['a cancellation of nothing', { jsonrpc: '2.0', method: '$/cancelRequest', params: {} }],
    ['a cancellation without parameters', { jsonrpc: '2.0', method: '$/cancelRequest' }],
    ['a changed list that is none', { jsonrpc: '2.0', method: 'files/changed', params: { changes: 5 } }],
  ])('a malformed message (%s) does not end it', async (_, message) => {
    const worker = await ready();
    worker.child.send(message as never);
    expect(await worker.request('index/status', null)).toMatchObject({ filesIndexed: 4 });
  });

  test('it ends when its parent goes, and when it is asked to', async () => {
    const orphan = await ready();
    orphan.child.disconnect();
    expect(await orphan.exited).toBe(0);
    const asked = await ready();
    await asked.request('shutdown', null);
    expect(await asked.exited).toBe(0);
    expect(existsSync(storageDirectory())).toBe(true);
  });

  test('left by its parent while it has much to say, it still ends', async () => {
    for (const delay of [0, 1, 5, 20]) {
      const orphan = await ready();
      orphan
        .request('ask', {
          id: 'o',
          question: 'Which method takes a connection for a host?',
          scope: { kind: 'workspace' },
        })
        .catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, delay));
      orphan.child.disconnect();
      expect(await orphan.exited).toBe(0);
    }
  });

  test('a changed setting takes effect', async () => {
    const worker = await ready();
    await worker.connection.sendNotification('settings/changed', {
      settings: { ...SETTINGS, filesExclude: ['**/*.md'] },
    });
    await expect.poll(async () => (await worker.request('index/status', null)).filesIndexed).toBe(3);
  });
});
