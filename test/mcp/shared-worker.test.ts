import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { buildBundles, writeFiles } from '../worker/harness';
import { call, connected, endWorkers, workersOf } from './served';

let bundles: string;
let directory: string;
let workspace: string;
let caches = 0;
const clients: Client[] = [];
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
  const { data } = await call<{ results: { path: string }[] }>(client, 'search', { query });
  return data.results.map(({ path }) => path).sort();
}

const BOTH = ['one/pool.py', 'two/pool.py'];

test('servers on one workspace share a worker, which outlives the first of them', async () => {
  const cache = freshCache();
  const [first, second] = await Promise.all([server(cache), server(cache)]);
  expect(await Promise.all([found(first), found(second)])).toEqual([BOTH, BOTH]);
  const workers = workersOf(bundles);
  expect(workers).toHaveLength(1);
  await first.close();
  expect(await found(second)).toEqual(BOTH);
  expect(await found(await server(cache))).toEqual(BOTH);
  expect(workersOf(bundles)).toEqual(workers);
});

test('a worker that is killed amid questions is replaced, and they are answered', async () => {
  const cache = freshCache();
  const pair = await Promise.all([server(cache), server(cache)]);
  await Promise.all(pair.map(found));
  const [killed] = workersOf(bundles);
  const asked = pair.flatMap((client) => [found(client), found(client), found(client)]);
  process.kill(killed ?? 0, 'SIGKILL');
  for (const paths of await Promise.all(asked)) expect(paths).toEqual(BOTH);
  const workers = workersOf(bundles);
  expect(workers).toHaveLength(1);
  expect(workers).not.toContain(killed);
});

test('a server with other rules has a worker of its own', async () => {
  const cache = freshCache();
  const [all, part] = await Promise.all([server(cache), server(cache, ['--exclude', '**/two'])]);
  expect(await found(all)).toEqual(BOTH);
  expect(await found(part)).toEqual(['one/pool.py']);
  expect(workersOf(bundles)).toHaveLength(2);
  expect(await found(all)).toEqual(BOTH);
});

test('a storage whose path is too long for a socket is shared too', async () => {
  const storage = join(directory, 'deep'.repeat(20), 'down'.repeat(20));
  mkdirSync(storage, { recursive: true });
  const argv = ['--storage', storage];
  const pair = await Promise.all([server(freshCache(), argv), server(freshCache(), argv)]);
  expect(await Promise.all(pair.map(found))).toEqual([BOTH, BOTH]);
  expect(workersOf(bundles)).toHaveLength(1);
});

test('the worker ends after its last client', async () => {
  const client = await server(freshCache());
  await found(client);
  await client.close();
  await expect.poll(() => workersOf(bundles), { timeout: 50_000 }).toEqual([]);
});
