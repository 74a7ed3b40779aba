import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildBundles, writeFiles } from '../worker/harness';
import { call, connected, endWorkers, environment } from './served';

let bundles: string;
let directory: string;
let workspace: string;
let caches = 0;
beforeAll(() => {
  bundles = buildBundles('worker,cli,mcp');
  directory = mkdtempSync(join(tmpdir(), 'anchorage-mcp-'));
  workspace = join(directory, 'project');
  writeFiles(workspace, {
    'one/pool.py': 'def take_one(host):\n    """Takes a connection for a host."""\n',
    'two/pool.py': 'def take_two(host):\n    """Takes a connection for a host."""\n',
    ...Object.fromEntries(
      Array.from({ length: 400 }, (_, i) => [
        `many/part_${i}.py`,
        `def part_${i}(host):\n    """Part ${i} of many."""\n    return host + ${i}\n`.repeat(20),
      ]),
    ),
  });
});
afterAll(() => {
  endWorkers(bundles);
  rmSync(bundles, { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
});

const server = (argv: readonly string[] = ['--workspace', workspace], cache?: string) => ({
  bundles,
  cache: cache ?? join(directory, `cache-${caches++}`),
  argv,
});
interface Found {
  results: { path: string }[];
}
const pathsOf = ({ data }: { data: Found }): string[] => [...new Set(data.results.map(({ path }) => path))].sort();
const uri = (...parts: string[]): string => pathToFileURL(join(workspace, ...parts)).href;

describe('one connection', () => {
  test('reports progress that only grows, and stops when it is cancelled', async () => {
    const client = await connected(server());
    const progress: number[] = [];
    const stop = new AbortController();
    const first = client.callTool(
      { name: 'search', arguments: { query: 'part of many' } },
      {
        signal: stop.signal,
        onprogress: ({ progress: value }) => {
          progress.push(value);
          stop.abort(new Error('enough'));
        },
      },
    );
    await expect(first).rejects.toThrow('enough');
    expect(progress.length).toBeGreaterThan(0);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    // The server goes on: indexing was joined by the next request.
    const { data } = await call<Found>(client, 'search', { query: 'Takes a connection for a host' });
    expect(data.results.some(({ path }) => path === 'one/pool.py')).toBe(true);
    await client.close();
  });

  test('the bundle that the editor starts takes its storage and rules', async () => {
    const storage = join(directory, 'editor-storage');
    const argv = ['--workspace', workspace, '--storage', storage, '--exclude', '**/two', '--max-file-bytes', '500'];
    const client = await connected({ ...server(argv), entry: ['mcp.js'] });
    const found = await call<Found>(client, 'search', { query: 'Takes a connection for a host' });
    expect(pathsOf(found)).toEqual(['one/pool.py']);
    expect(existsSync(storage)).toBe(true);
    await client.close();
  });

  test('four servers at once find the same over one index', async () => {
    const cache = join(directory, 'shared');
    const clients = await Promise.all(Array.from({ length: 4 }, () => connected(server(undefined, cache))));
    const found = await Promise.all(
      clients.map((client) => call<Found>(client, 'search', { query: 'Takes a connection for a host' })),
    );
    const [first, ...others] = found.map(({ data }) => data.results.map(({ path }) => path));
    expect(first?.slice(0, 2).sort()).toEqual(['one/pool.py', 'two/pool.py']);
    for (const other of others) expect(other).toEqual(first);
    await Promise.all(clients.map((client) => client.close()));
  });
});

describe('roots', () => {
  test.each(['legacy', 'modern'] as const)('limit what a %s client gets', async (era) => {
    let granted = [uri('one')];
    const client = await connected(server(), {
      roots: () => granted,
      ...(era === 'modern' ? { versionNegotiation: { mode: 'auto' } } : {}),
    });
    const ask = () => call<Found>(client, 'search', { query: 'Takes a connection for a host' });
    expect(pathsOf(await ask())).toEqual(['pool.py']);
    const other = { path: join(workspace, 'two', 'pool.py'), startLine: 1, endLine: 2 };
    expect((await call(client, 'read_span', other)).failed).toBe(true);
    if (era === 'legacy') {
      granted = [uri('two')];
      await client.sendRootsListChanged();
      expect((await call(client, 'read_span', other)).failed).toBe(false);
      granted = [pathToFileURL(tmpdir()).href + '/nowhere'];
      await client.sendRootsListChanged();
      expect((await ask()).text).toContain('grants no folder');
    }
    await client.close();
  });

  test('are the workspace when none is named', async () => {
    const client = await connected(server([]), { roots: () => [uri('one'), uri('two')] });
    const found = await call<Found>(client, 'search', { query: 'Takes a connection for a host' });
    expect(pathsOf(found)).toEqual(['one/pool.py', 'two/pool.py']);
    await client.close();
  });
});

describe('pipes', () => {
  const started: ChildProcess[] = [];
  afterAll(() => started.forEach((child) => child.kill('SIGKILL')));
  function start(): ChildProcess {
    const child = spawn(process.execPath, [join(bundles, 'cli.js'), 'mcp', '--workspace', workspace], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: environment(join(directory, `cache-${caches++}`)),
    });
    child.stderr?.resume();
    started.push(child);
    return child;
  }
  const initialize = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
  });

  test('garbage on stdin is passed over', async () => {
    const child = start();
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const answers: { id?: number; result?: { serverInfo?: { name: string } } }[] = [];
    lines.on('line', (line) => answers.push(JSON.parse(line) as (typeof answers)[number]));
    child.stdin?.write('not json\n{}\n[1,2]\n{"jsonrpc":"2.0"}\n\u0000\u0001\n"text"\n');
    child.stdin?.write(`${initialize}\n`);
    child.stdin?.write('}{\n{"jsonrpc":"2.0","id":9,"method":"no/such"}\n');
    // Answers come in any order.
    const answer = (wanted: number) => answers.find(({ id }) => id === wanted);
    await expect.poll(() => answer(9)).toMatchObject({ error: {} });
    await expect.poll(() => answer(1)?.result?.serverInfo?.name).toBe('anchorage');
    child.stdin?.end();
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  test('a closed stdin ends the server, also while it indexes', async () => {
    const child = start();
    child.stdin?.write(`${initialize}\n{"jsonrpc":"2.0","method":"notifications/initialized"}\n`);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.stdin?.end();
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  test('a client that no longer reads ends the server', async () => {
    const child = start();
    child.stdout?.destroy();
    child.stdin?.on('error', () => undefined);
    child.stdin?.write(`${initialize}\n`);
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  test('wrong usage has exit code 2, and help 0', async () => {
    for (const [argv, code] of [
      [['--threads', 'many'], 2],
      [['--help'], 0],
    ] as const) {
      const child = spawn(process.execPath, [join(bundles, 'mcp.js'), ...argv], { stdio: 'ignore' });
      expect((await once(child, 'exit'))[0]).toBe(code);
    }
  });
});
