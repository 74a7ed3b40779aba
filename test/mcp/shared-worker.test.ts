import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/base/node';
import { buildBundles, WorkerUnderTest, writeFiles } from '../worker/harness';
import { call, connected, endWorkers, workersOf } from './served';

let bundles: string;
let directory: string;
let workspace: string;
let caches = 0;
const clients: Client[] = [];
const editors: WorkerUnderTest[] = [];
beforeAll(() => {
  bundles = buildBundles('worker,cli,mcp');
  directory = mkdtempSync(join(tmpdir(), 'anchorage-shared-'));
  workspace = join(directory, 'project');
  writeFiles(workspace, {
    'one/pool.py': 'def take_one(host):\n    """Takes a connection for a host."""\n',
    'two/pool.py': 'def take_two(host):\n    """Takes a connection for a host."""\n',
  });
}, 120_000);
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(editors.splice(0).map((editor) => editor.end()));
  endWorkers(bundles);
});
afterAll(() => {
  rmSync(bundles, { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
});

const freshCache = (): string => join(directory, `cache-${caches++}`);

async function server(cache: string, argv: readonly string[] = []): Promise<Client> {
  const client = await connected({ bundles, cache, argv: ['--workspace', workspace, ...argv] });
  clients.push(client);
  return client;
}

async function found(client: Client): Promise<string[]> {
  const query = 'Takes a connection for a host';
  const { data, text, failed } = await call<{ results: { path: string }[] }>(client, 'search', { query });
  if (failed) throw new Error(text);
  return data.results.map(({ path }) => path).sort();
}

const BOTH = ['one/pool.py', 'two/pool.py'];

test('servers on one workspace share a worker, which outlives the first of them', async () => {
  const cache = freshCache();
  const [first, second] = await Promise.all([server(cache), server(cache)]);
  expect(await Promise.all([found(first), found(second)])).toEqual([BOTH, BOTH]);
  // One that lost the race for the socket may just be ending.
  await expect.poll(() => workersOf(bundles)).toHaveLength(1);
  const workers = workersOf(bundles);
  await first.close();
  expect(await found(second)).toEqual(BOTH);
  expect(await found(await server(cache))).toEqual(BOTH);
  expect(workersOf(bundles)).toEqual(workers);
});

test('a worker that is killed amid questions is replaced, and they are answered', async () => {
  const cache = freshCache();
  const pair = await Promise.all([server(cache), server(cache)]);
  await Promise.all(pair.map(found));
  await expect.poll(() => workersOf(bundles)).toHaveLength(1);
  const [killed] = workersOf(bundles);
  const asked = pair.flatMap((client) => [found(client), found(client), found(client)]);
  process.kill(killed ?? 0, 'SIGKILL');
  for (const paths of await Promise.all(asked)) expect(paths).toEqual(BOTH);
  await expect.poll(() => workersOf(bundles)).toHaveLength(1);
  expect(workersOf(bundles)).not.toContain(killed);
});

test('a server with other rules has a worker of its own', async () => {
  const cache = freshCache();
  const [all, part] = await Promise.all([server(cache), server(cache, ['--exclude', '**/two'])]);
  expect(await found(all)).toEqual(BOTH);
  expect(await found(part)).toEqual(['one/pool.py']);
  await expect.poll(() => workersOf(bundles)).toHaveLength(2);
  expect(await found(all)).toEqual(BOTH);
});

test('a storage whose path is too long for a socket is shared too', async () => {
  const storage = join(directory, 'deep'.repeat(20), 'down'.repeat(20));
  mkdirSync(storage, { recursive: true });
  const argv = ['--storage', storage];
  const pair = await Promise.all([server(freshCache(), argv), server(freshCache(), argv)]);
  expect(await Promise.all(pair.map(found))).toEqual([BOTH, BOTH]);
  await expect.poll(() => workersOf(bundles)).toHaveLength(1);
});

test('the worker ends after its last client', async () => {
  const client = await server(freshCache());
  await found(client);
  await client.close();
  await expect.poll(() => workersOf(bundles), { timeout: 50_000 }).toEqual([]);
});

describe('an editor', () => {
  /** The worker of an editor on the storage that the servers are given. */
  async function editor(storageDirectory: string): Promise<WorkerUnderTest> {
    const worker = new WorkerUnderTest(bundles);
    editors.push(worker);
    const folders = [{ name: 'project', directory: realpathSync(workspace) }];
    await worker.initialize({ folders, storageDirectory, settings: DEFAULT_SETTINGS });
    await worker.indexed();
    return worker;
  }
  let storages = 0;
  const freshStorage = (): [string, string[]] => {
    const storage = join(directory, `storage-${storages++}`);
    return [storage, ['--storage', storage]];
  };

  test('lets servers use its worker, but not see its unsaved text', async () => {
    const [storage, argv] = freshStorage();
    const { child, connection, request } = await editor(storage).then((worker) => ({
      child: worker.child,
      connection: worker.connection,
      request: worker.request.bind(worker),
    }));
    const client = await server(freshCache(), argv);
    expect(await found(client)).toEqual(BOTH);
    expect(workersOf(bundles)).toEqual([child.pid]);

    const file = join(realpathSync(workspace), 'one', 'pool.py');
    const text = 'def take_zebra(host):\n    """Takes a striped connection for a host."""\n';
    await connection.sendNotification('files/unsaved', { file, text });
    const own = { question: 'take_zebra', scope: { kind: 'workspace' }, limit: 5 } as const;
    await expect.poll(async () => JSON.stringify((await request('search', own)).spans)).toContain('zebra');
    const lines = { path: 'one/pool.py', startLine: 1, endLine: 2 };
    for (const [tool, values] of [
      // Not “zebra”: reasons repeat the words of the query.
      ['search', { query: 'take striped' }],
      ['ask', { question: 'Which function takes a striped connection?' }],
      ['read_span', lines],
      ['explain', { definition: 'one/pool.py:1' }],
      ['summarize', { path: 'one/pool.py' }],
      ['find_related', { ...lines, path: 'two/pool.py' }],
    ] as const) {
      const { data, failed } = await call(client, tool, values);
      expect([tool, failed, JSON.stringify(data).includes('zebra')]).toEqual([tool, false, false]);
    }
    expect((await call(client, 'read_span', lines)).text).toContain('take_one');
  });

  test('takes over the worker of servers, and they take over when it ends', async () => {
    const [storage, argv] = freshStorage();
    const pair = await Promise.all([server(freshCache(), argv), server(freshCache(), argv)]);
    expect(await Promise.all(pair.map(found))).toEqual([BOTH, BOTH]);
    const asked = pair.map(found);
    const { child, exited } = await editor(storage);
    expect(await Promise.all([...asked, ...pair.map(found)])).toEqual([BOTH, BOTH, BOTH, BOTH]);
    await expect.poll(() => workersOf(bundles)).toEqual([child.pid]);

    const amid = pair.map(found);
    child.disconnect();
    await exited;
    expect(await Promise.all(amid)).toEqual([BOTH, BOTH]);
    expect(await Promise.all(pair.map(found))).toEqual([BOTH, BOTH]);
    await expect.poll(() => workersOf(bundles)).toHaveLength(1);
  });

  test('that changes its rules leaves the servers theirs', async () => {
    const [storage, argv] = freshStorage();
    const { connection, request } = await editor(storage).then((worker) => ({
      connection: worker.connection,
      request: worker.request.bind(worker),
    }));
    const client = await server(freshCache(), argv);
    expect(await found(client)).toEqual(BOTH);
    const settings = { ...DEFAULT_SETTINGS, filesExclude: ['**/two'] };
    await connection.sendNotification('settings/changed', { settings });
    await expect.poll(async () => (await request('index/status', null)).filesIndexed).toBe(1);
    expect(await found(client)).toEqual(BOTH);
    await expect.poll(() => workersOf(bundles)).toHaveLength(2);
  });
});
