import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ResponseError } from 'vscode-jsonrpc/node';
import { type IndexReport, readIndexReport } from '../../src/app/index-report';
import { PROTOCOL_VERSION, type ErrorData } from '../../src/protocol';
import type { WorkerUnderTest } from './harness';
import { FILES, start, folders, storageDirectory, file, ready, code, writeMany } from './pool-workspace';

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

  test('an untitled document is hovered over, explained and summarized, and no answer finds it', async () => {
    const worker = await ready();
    const untitled = 'untitled:Untitled-1';
    const text = '# Adds.\ndef zanzibar(x):\n    return Pool(x)\n\n\ny = zanzibar(1)\n';
    await worker.connection.sendNotification('files/unsaved', { file: untitled, text, language: 'python' });
    const hover = (line: number, character: number) => worker.request('hover', { file: untitled, line, character });
    expect(await hover(6, 5)).toMatchObject({
      name: 'zanzibar',
      doc: 'Adds.',
      language: 'python',
      definedAt: { file: untitled, path: 'Untitled-1', startLine: 2 },
    });
    expect(await hover(3, 12)).toMatchObject({ name: 'Pool', definedAt: { path: 'src/pool.py' } });
    const explanation = await worker.request('explain', { id: 'e', file: untitled, startLine: 2, endLine: 2 });
    expect(explanation).toMatchObject({ title: 'zanzibar', path: 'Untitled-1' });
    expect(explanation.citations[0]).toMatchObject({ file: untitled, startLine: 1 });
    const summary = await worker.request('summarize', { id: 's', file: untitled });
    expect(summary.parts.map(({ title }) => title)).toContain('zanzibar');
    const found = await worker.request('search', { question: 'zanzibar', scope: { kind: 'workspace' }, limit: 5 });
    expect(found.spans).toEqual([]);

    await worker.connection.sendNotification('files/unsaved', { file: untitled, text: null });
    await expect(hover(6, 5)).rejects.toThrow('Untitled-1');
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
