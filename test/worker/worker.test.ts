import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CancellationTokenSource, type ResponseError } from 'vscode-jsonrpc/node';
import { type IndexReport, readIndexReport } from '../../src/app/index-report';
import { PROTOCOL_VERSION, type ErrorData } from '../../src/protocol';
import { buildBundles, SETTINGS, WorkerUnderTest, writeFiles } from './harness';

const FILES = {
  'src/pool.py':
    'class Pool:\n    """Keeps connections open."""\n\n    def take(self, host):\n        """Takes a connection for a host."""\n        return self.free.pop(host)\n',
  'src/client.py':
    'from pool import Pool\n\n\ndef fetch(url):\n    """Fetches a page over a pooled connection."""\n    return Pool().take(url.host)\n',
  'README.md': '# Pool\n\nReuses connections.\n',
  '.gitignore': '*.log\n',
  'noise.log': 'a line\n',
};

let bundles: string;
let directory: string;
let workers: WorkerUnderTest[];
beforeAll(() => {
  bundles = buildBundles();
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-worker-'));
  workers = [];
  writeFiles(join(directory, 'w'), FILES);
});
afterEach(async () => {
  for (const worker of workers) await worker.end();
  rmSync(directory, { recursive: true, force: true });
});

function start(): WorkerUnderTest {
  const worker = new WorkerUnderTest(bundles);
  workers.push(worker);
  return worker;
}

const folders = () => [{ name: 'w', directory: join(directory, 'w') }];
const storageDirectory = () => join(directory, 'storage');
const file = (path: string) => join(directory, 'w', path);

async function ready(options: Partial<Parameters<WorkerUnderTest['initialize']>[0]> = {}): Promise<WorkerUnderTest> {
  const worker = start();
  await worker.initialize({ folders: folders(), storageDirectory: storageDirectory(), ...options });
  await worker.indexed();
  return worker;
}

function code(error: unknown): string | undefined {
  return (error as ResponseError<ErrorData>).data?.code;
}

/** Many files, so that indexing takes a while. */
function writeMany(count: number): void {
  const body = (index: number) =>
    Array.from(
      { length: 60 },
      (_, line) =>
        `def step_${index}_${line}(value):\n    """Step ${line} of module ${index}."""\n    return value * ${line}\n`,
    ).join('\n\n');
  writeFiles(
    join(directory, 'w'),
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`many/module_${index}.py`, body(index)])),
  );
}

describe('requests', () => {
  test('a question is answered with citations and events in order', async () => {
    const worker = await ready();
    const answer = await worker.request('ask', {
      id: 'a1',
      question: 'Which method takes a connection for a host?',
      scope: { kind: 'workspace' },
    });
    expect(answer.author).toEqual({ kind: 'extractive' });
    expect(answer.citations[0]).toMatchObject({ path: 'src/pool.py', file: file('src/pool.py'), label: 'Pool.take' });
    const events = worker.received['answer/event'].filter(({ id }) => id === 'a1').map(({ event }) => event.type);
    expect(events[0]).toBe('phase');
    expect(events).toEqual(expect.arrayContaining(['spans', 'ledger', 'delta', 'citation']));
    expect(await worker.request('citation/locate', { citation: answer.citations[0]! })).toMatchObject({
      state: 'same',
    });
    writeFileSync(file('src/pool.py'), `# moved\n${FILES['src/pool.py']}`);
    expect(await worker.request('citation/locate', { citation: answer.citations[0]! })).toMatchObject({
      state: 'moved',
      span: { startLine: answer.citations[0]!.startLine + 1 },
    });
    rmSync(file('src/pool.py'));
    expect(await worker.request('citation/locate', { citation: answer.citations[0]! })).toMatchObject({
      state: 'missing',
    });
  });

  test('search, summary, explanation, hover and why', async () => {
    const worker = await ready();
    const { spans, coverage } = await worker.request('search', {
      question: 'pooled connection',
      scope: { kind: 'workspace' },
      limit: 5,
    });
    expect(spans.length).toBeGreaterThan(0);
    expect(coverage).toMatchObject({ filesIndexed: 4, indexing: false });
    const scoped = await worker.request('search', {
      question: 'connection',
      scope: { kind: 'file', file: file('README.md') },
      limit: 5,
    });
    expect(scoped.spans.every(({ path }) => path === 'README.md')).toBe(true);

    const summary = await worker.request('summarize', { id: 's', file: file('src/pool.py') });
    expect(summary.parts.map(({ title }) => title)).toContain('Pool');
    const fractions = worker.received['work/progress'].filter(({ id }) => id === 's').map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));

    const explanation = await worker.request('explain', {
      id: 'e',
      file: file('src/pool.py'),
      startLine: 4,
      endLine: 4,
    });
    expect(explanation).toMatchObject({ title: 'Pool.take', cached: false });
    expect(
      (await worker.request('explain', { id: 'e', file: file('src/pool.py'), startLine: 4, endLine: 4 })).cached,
    ).toBe(true);
    const hover = await worker.request('hover', { file: file('src/client.py'), line: 6, character: 19 });
    expect(hover).toMatchObject({ name: 'Pool.take', explanation: explanation.markdown });

    expect(await worker.request('index/why', { file: file('noise.log') })).toMatchObject({
      indexed: false,
      rule: { line: 1, pattern: '*.log' },
    });
    expect((await worker.request('index/clear', null)).bytesFreed).toBeGreaterThan(0);
  });

  test('saved and unsaved text is found, a deleted file is not', async () => {
    const worker = await ready();
    const find = async (question: string) =>
      (await worker.request('search', { question, scope: { kind: 'workspace' }, limit: 5 })).spans.map(
        ({ path }) => path,
      );
    await worker.connection.sendNotification('files/unsaved', {
      file: file('src/client.py'),
      text: 'def zanzibar():\n    return 1\n',
    });
    await expect.poll(() => find('zanzibar')).toEqual(['src/client.py']);
    await worker.connection.sendNotification('files/unsaved', { file: file('src/client.py'), text: null });
    await expect.poll(() => find('zanzibar')).toEqual([]);
    writeFileSync(file('src/new.py'), 'def quetzal():\n    return 2\n');
    await worker.connection.sendNotification('files/changed', {
      changes: [{ file: file('src/new.py'), type: 'created' }],
    });
    await expect.poll(() => find('quetzal')).toEqual(['src/new.py']);
    rmSync(file('src/new.py'));
    await worker.connection.sendNotification('files/changed', {
      changes: [{ file: file('src/new.py'), type: 'deleted' }],
    });
    await expect.poll(() => find('quetzal')).toEqual([]);
  });

  test('errors carry a code and what to do', async () => {
    const worker = start();
    await expect(worker.request('index/status', null)).rejects.toSatisfy((error) => code(error) === 'notInitialized');
    await expect(
      worker.initialize({
        folders: folders(),
        storageDirectory: storageDirectory(),
        protocolVersion: PROTOCOL_VERSION + 1,
      }),
    ).rejects.toThrow(/version/);
    await worker.initialize({ folders: folders(), storageDirectory: storageDirectory() });
    await expect(worker.request('summarize', { id: 's', file: file('none.py') })).rejects.toSatisfy(
      (error) => code(error) === 'fileNotFound' && Boolean((error as ResponseError<ErrorData>).data?.hint),
    );
    await expect(worker.request('summarize', { id: 's', file: file('src') })).rejects.toSatisfy(
      (error) => code(error) === 'fileUnreadable',
    );
  });

  test('in Restricted Mode nothing is read until the user asks', async () => {
    const worker = start();
    await worker.initialize({ folders: folders(), storageDirectory: storageDirectory(), trusted: false });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await worker.request('index/status', null)).toMatchObject({ state: 'idle', filesIndexed: 0 });
    await worker.request('index/start', null);
    await worker.indexed();
    expect((await worker.request('index/status', null)).filesIndexed).toBe(4);
  });
});

describe('what the user holds', () => {
  const ask = (worker: WorkerUnderTest) =>
    worker.request('ask', {
      id: 'q',
      question: 'Which method takes a connection for a host?',
      scope: { kind: 'workspace' },
    });

  test('cancelled, indexing stays so through a restart and questions, until it is resumed', async () => {
    writeMany(100);
    const worker = start();
    await worker.initialize({ folders: folders(), storageDirectory: storageDirectory() });
    await worker.until('index/status', ({ state, filesIndexed }) => state === 'indexing' && filesIndexed > 5);
    const cancelled = await worker.request('index/cancel', null);
    expect(cancelled).toMatchObject({ state: 'cancelled', held: 'cancelled', filesKnown: 104 });
    expect(cancelled.filesIndexed).toBeLessThan(104);
    await worker.request('index/start', null);
    const answer = await ask(worker);
    expect(answer.notices.join(' ')).toMatch(/Indexing was cancelled\. This answer uses \d+ of 104 files/);
    expect((await worker.request('index/status', null)).state).toBe('cancelled');
    await worker.end();

    const next = start();
    await next.initialize({ folders: folders(), storageDirectory: storageDirectory(), held: 'cancelled' });
    const kept = await next.request('index/status', null);
    expect(kept).toMatchObject({ state: 'cancelled', held: 'cancelled' });
    expect(kept.filesIndexed).toBeGreaterThanOrEqual(cancelled.filesIndexed);
    expect((await ask(next)).notices.join(' ')).toMatch(/Indexing was cancelled/);
    await next.request('index/pause', { paused: false });
    await next.indexed();
    const { held, filesIndexed } = await next.request('index/status', null);
    expect([held, filesIndexed]).toEqual([undefined, 104]);
    // Nothing is under way: there is nothing to cancel.
    expect(await next.request('index/cancel', null)).toMatchObject({ state: 'ready' });
    // Two workers and a hundred files, five seconds on a machine with nothing else to do.
  }, 120_000);

  test('paused, a worker that starts indexes nothing until it is resumed; a rebuild resumes too', async () => {
    const worker = start();
    await worker.initialize({ folders: folders(), storageDirectory: storageDirectory(), held: 'paused' });
    await worker.until('index/status', ({ state }) => state === 'paused');
    expect((await ask(worker)).notices.join(' ')).toMatch(/Indexing is paused\. This answer uses 0 of 4 files/);
    await worker.request('index/rebuild', null);
    await worker.indexed();
    expect(await worker.request('index/status', null)).toMatchObject({ state: 'ready', filesIndexed: 4 });
  });
});

describe('a question about one file', () => {
  test('is answered from it although the workspace is still being read', async () => {
    writeMany(100);
    const worker = start();
    await worker.initialize({ folders: folders(), storageDirectory: storageDirectory(), held: 'paused' });
    await worker.until('index/status', ({ state }) => state === 'paused');
    const { spans } = await worker.request('search', {
      question: 'Takes a connection',
      scope: { kind: 'file', file: file('src/pool.py') },
      limit: 5,
    });
    expect(spans.map(({ path }) => path)).toContain('src/pool.py');
    expect((await worker.request('index/status', null)).filesIndexed).toBe(1);
  });
});

describe('a question', () => {
  const question = { id: 'q', question: 'Where is the pool?', scope: { kind: 'workspace' as const } };

  test('does not walk a workspace that is up to date', async () => {
    const worker = await ready();
    const seen = worker.received['index/status'].length;
    await worker.request('ask', question);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(worker.received['index/status'].slice(seen).map(({ state }) => state)).not.toContain('walking');
    expect((await worker.request('index/status', null)).state).toBe('ready');
  });

  test('leaves the report of its last pass for the terminal, until the index is cleared', async () => {
    const worker = await ready();
    const report = (): Promise<IndexReport | undefined> => readIndexReport(storageDirectory());
    await expect.poll(report).toMatchObject({ filesKnown: 4, problems: [] });
    writeFileSync(file('src/late.py'), 'def late():\n    return 1\n');
    worker.connection.sendNotification('files/changed', {
      changes: [{ file: file('src/late.py'), type: 'created' }],
    });
    await expect.poll(async () => (await report())?.filesKnown).toBe(5);
    await worker.request('index/clear', null);
    expect(await report()).toBeUndefined();
  });

  test('makes the index again after it was cleared', async () => {
    const worker = await ready();
    await worker.request('index/clear', null);
    expect(await worker.request('index/status', null)).toMatchObject({ state: 'idle', filesIndexed: 0 });
    await worker.request('index/start', null);
    await expect.poll(async () => (await worker.request('index/status', null)).filesIndexed).toBe(4);
    expect((await worker.request('ask', question)).coverage).toMatchObject({ filesIndexed: 4 });
  });
});

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
