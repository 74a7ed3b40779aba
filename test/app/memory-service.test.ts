import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ContextLedger, IndexStatus } from '../../src/protocol';
import { buildBundles, SETTINGS, WorkerUnderTest, writeFiles } from '../worker/harness';
import { writeTinyCheckpoint } from '../inference/checkpoints';
import { writeMemoryCheckpoint, writeSums } from '../inference/memory-checkpoint';

let bundles: string;
let directory: string;
let worker: WorkerUnderTest | undefined;
beforeAll(() => {
  bundles = buildBundles();
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-memories-'));
  writeMemoryCheckpoint(join(directory, 'random'));
  const body = (i: number): string =>
    Array.from(
      { length: 60 },
      (_, n) => `def step_${i}_${n}(value):\n    """Step ${n} of module ${i}."""\n    return value * ${n}\n`,
    ).join('\n\n');
  writeFiles(
    join(directory, 'w'),
    Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`part${i % 2}/module_${i}.py`, body(i)])),
  );
});
afterEach(async () => {
  await worker?.end();
  worker = undefined;
  rmSync(directory, { recursive: true, force: true });
});

const settings = () => ({ ...SETTINGS, modelDirectory: join(directory, 'random') });
const open = async (options: { settings?: typeof SETTINGS } = {}): Promise<WorkerUnderTest> => {
  worker = new WorkerUnderTest(bundles);
  await worker.initialize({
    folders: [{ name: 'w', directory: join(directory, 'w') }],
    storageDirectory: join(directory, 'storage'),
    settings: settings(),
    ...options,
  });
  await worker.indexed();
  return worker;
};
const memories = async (): Promise<IndexStatus['memories']> => (await worker!.request('index/status', null)).memories;
const complete = (): Promise<void> =>
  expect
    .poll(
      async () => {
        const now = await memories();
        return now !== undefined && now.segments > 6 && now.encoded === now.segments;
      },
      // Opening and encoding take ten seconds on a slow processor that does other work too.
      { timeout: 60_000 },
    )
    .toBe(true);

describe('memories in the worker', () => {
  test('are made in the background, shown in the status, said with what is found, and cleared', async () => {
    await open();
    await complete();
    const before = await memories();
    expect(before?.bytes).toBeGreaterThan(1_000);
    const found = await worker!.request('search', {
      question: 'step of module 3',
      scope: { kind: 'workspace' },
      limit: 5,
    });
    expect(found.coverage.memories).toBe(1);
    const other = 5e7;
    await worker!.connection.sendNotification('settings/changed', {
      settings: { ...settings(), memoryBudgetBytes: other },
    });
    await expect.poll(async () => (await memories())?.budgetBytes, { timeout: 10_000 }).toBe(other);
    await complete();
    expect((await memories())?.bytes).toBe(before!.bytes);
    const { bytesFreed } = await worker!.request('index/clear', null);
    expect(bytesFreed).toBeGreaterThanOrEqual(before!.bytes);
    expect((await memories())?.bytes ?? 0).toBeLessThan(before!.bytes);
  }, 180_000);

  test('are kept for the next start', async () => {
    await open();
    await complete();
    const before = await memories();
    await worker!.end();
    await open();
    await complete();
    expect(await memories()).toMatchObject({ bytes: before!.bytes, segments: before!.segments });
  }, 180_000);

  test.skipIf(process.platform === 'win32')(
    'are made by a process that runs below what the user does',
    async () => {
      await open();
      await complete();
      const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
      const engines = stdout
        .split('\n')
        .map((line) => line.trim().split(/\s+/).map(Number))
        .filter(([, parent]) => parent === worker!.child.pid)
        .map(([pid]) => pid as number);
      expect(engines.length).toBeGreaterThan(0);
      for (const pid of [worker!.child.pid as number, ...engines])
        expect(getPriority(pid)).toBeGreaterThan(getPriority());
    },
    180_000,
  );

  test('that one window makes the other has too, as they come; when the first is closed the second makes them', async () => {
    await open();
    await complete();
    const first = worker!;
    await open();
    await complete();
    const bytes = (await memories())!.bytes;
    expect(bytes).toBe((await first.request('index/status', null)).memories!.bytes);
    const write = async (name: string, tell: readonly WorkerUnderTest[]): Promise<void> => {
      writeFiles(join(directory, 'w'), {
        [name]: `def ${name.slice(0, 5)}():\n    return "a line that was not there"\n`,
      });
      for (const each of tell)
        await each.connection.sendNotification('files/changed', {
          changes: [{ file: join(directory, 'w', name), type: 'created' }],
        });
    };
    const { segments } = (await memories())!;
    await write('later.py', [first, worker!]);
    await expect.poll(async () => (await memories())!.segments, { timeout: 25_000 }).toBe(segments + 1);
    await complete();
    expect((await first.request('index/status', null)).memories!.bytes).toBe((await memories())!.bytes);
    await first.end();
    await write('after.py', [worker!]);
    await expect.poll(async () => (await memories())!.segments, { timeout: 25_000 }).toBe(segments + 2);
    await complete();
    expect((await memories())!.bytes).toBeGreaterThan(bytes);
  }, 120_000);

  test('do not exist without a model that has slots, and the status says nothing of them', async () => {
    await open({ settings: SETTINGS });
    const found = await worker!.request('search', { question: 'step', scope: { kind: 'workspace' }, limit: 5 });
    expect(found.coverage.memories).toBe(undefined);
    expect(await memories()).toBe(undefined);
  });

  test('show in the ledger of an answer how they represent the workspace, and no model reads or writes for it', async () => {
    await open();
    await complete();
    const answer = await worker!.request('ask', {
      id: 'a',
      question: 'What does step_3_4 do?',
      scope: { kind: 'workspace' },
    });
    const { ledger, author, citations, coverage, notices, timing } = answer;
    const events = worker!.received['answer/event'].flatMap(({ id, event }) => (id === 'a' ? [event] : []));
    expect(author).toEqual({ kind: 'extractive' });
    expect(citations[0]).toMatchObject({ path: 'part1/module_3.py' });
    expect(coverage.memories).toBe(1);
    const kinds = new Set(ledger.groups.map(({ kind }) => kind));
    for (const kind of ['sinks', 'coarse', 'fine', 'dense', 'question'] as const) expect(kinds).toContain(kind);
    expect(kinds).not.toContain('answer');
    for (const group of ledger.groups) expect(group.bytes).toBe(group.rows * ledger.bytesPerRow);
    expect(ledger.groups.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(ledger.capacityRows);
    expect(ledger.note).toBe(undefined);
    expect(timing).toMatchObject({ splice: 0, read: 0, decode: 0 });
    expect(notices).toEqual([]);
    // The text comes first: nobody waits for the ledger.
    const types = events.map(({ type }) => type);
    expect(types.filter((type) => type === 'ledger')).toHaveLength(1);
    expect(types.indexOf('ledger')).toBeGreaterThan(types.lastIndexOf('delta'));
    expect(ledger.groups.filter(({ origin }) => origin !== undefined && origin !== 'store')).toEqual([]);
  }, 180_000);

  test('the model that encodes and the one that writes do not displace each other', async () => {
    writeMemoryCheckpoint(join(directory, 'package', 'models', 'anchorage-test'));
    writeSums(join(directory, 'package', 'models', 'anchorage-test'));
    writeTinyCheckpoint(join(directory, 'tiny'));
    cpSync(bundles, join(directory, 'package', 'dist'), { recursive: true });
    symlinkSync(join(process.cwd(), 'node_modules'), join(directory, 'package', 'node_modules'));
    worker = new WorkerUnderTest(join(directory, 'package', 'dist'));
    await worker.initialize({
      folders: [{ name: 'w', directory: join(directory, 'w') }],
      storageDirectory: join(directory, 'storage'),
      settings: { ...SETTINGS, modelDirectory: join(directory, 'tiny') },
    });
    await worker.indexed();
    await complete();
    const answer = await worker.request('ask', {
      id: 'a',
      question: 'What does step_3_4 do?',
      scope: { kind: 'workspace' },
    });
    // The tiny model writes noise, which no line carries. It has read all the same.
    expect(answer.author).toEqual({ kind: 'extractive' });
    expect(answer.coverage.memories).toBe(1);
    expect(answer.spans.some(({ reasons }) => reasons.some(({ kind }) => kind === 'late'))).toBe(true);
    // Rows of the lines it reads are computed once: asked again, they are there.
    const again = await worker.request('ask', {
      id: 'b',
      question: 'What does step_3_4 do?',
      scope: { kind: 'workspace' },
    });
    const origins = (groups: typeof again.ledger.groups, kind: string): unknown[] =>
      groups.filter((group) => group.kind === kind).map(({ origin }) => origin);
    expect(origins(answer.ledger.groups, 'full')).toContain('computed');
    expect(new Set(origins(again.ledger.groups, 'full'))).toEqual(new Set(['memory']));
    expect(again.ledger.cache).toMatchObject({ misses: 0, evictions: 0 });
    expect(again.ledger.groups.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(again.ledger.capacityRows);
    expect(again.markdown).toBe(answer.markdown);
    const { model, memories: encoded } = await worker.request('index/status', null);
    expect(model).toMatchObject({ state: 'ready', name: 'tiny' });
    expect(model.detail).toMatch(/Encoding: anchorage-test/);
    expect(encoded?.encoded).toBe(encoded?.segments);
  }, 180_000);

  test('a bundled model that is not what was packaged is refused, and the answer quotes the sources', async () => {
    const model = join(directory, 'package', 'models', 'anchorage-test');
    writeMemoryCheckpoint(model);
    writeSums(model);
    writeFileSync(join(model, 'token_vectors.safetensors'), Buffer.alloc(100));
    cpSync(bundles, join(directory, 'package', 'dist'), { recursive: true });
    symlinkSync(join(process.cwd(), 'node_modules'), join(directory, 'package', 'node_modules'));
    worker = new WorkerUnderTest(join(directory, 'package', 'dist'));
    await worker.initialize({
      folders: [{ name: 'w', directory: join(directory, 'w') }],
      storageDirectory: join(directory, 'storage'),
    });
    await worker.indexed();
    await worker.until('index/status', ({ model }) => model.state === 'failed');
    const answer = await worker.request('ask', {
      id: 'a',
      question: 'What does step_3_4 do?',
      scope: { kind: 'workspace' },
    });
    expect(answer.citations.length).toBeGreaterThan(0);
    expect(answer.notices[0]).toMatch(/token_vectors\.safetensors.*SHA256SUMS/);
  }, 180_000);

  test('`anchorage context` prints the ledger: every token counted once', async () => {
    const args = [
      'context',
      '--question',
      'What does step_3_4 do?',
      '--workspace',
      join(directory, 'w'),
      '--storage',
      join(directory, 'cli'),
      '--model-directory',
      join(directory, 'random'),
      '--json',
    ];
    const env = { ...process.env, XDG_CACHE_HOME: join(directory, 'cache') };
    const { stdout } = await promisify(execFile)(process.execPath, [join(bundles, 'cli.js'), ...args], { env });
    const printed = JSON.parse(stdout) as ContextLedger & {
      totals: { rows: number; tokens: number };
      coverage: { memories: number };
      text: string;
      timing: { firstToken: number };
    };
    expect(printed.coverage.memories).toBe(1);
    const kinds = new Set(printed.groups.map(({ kind }) => kind));
    for (const kind of ['sinks', 'coarse', 'fine', 'dense', 'question'] as const) expect(kinds).toContain(kind);
    const rows = printed.groups.reduce((sum, group) => sum + group.rows, 0);
    expect(rows).toBe(printed.totals.rows);
    expect(rows).toBeLessThanOrEqual(printed.capacityRows);
    for (const group of printed.groups) expect(group.bytes).toBe(group.rows * printed.bytesPerRow);
    // One token a byte: the workspace's tokens are its segments' characters (those of white space alone have none).
    const stood = printed.groups
      .filter(({ kind }) => ['coarse', 'fine', 'dense', 'full'].includes(kind))
      .reduce((sum, group) => sum + group.tokens, 0);
    const { readFileSync, readdirSync } = await import('node:fs');
    const bytes = readdirSync(join(directory, 'w'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.py'))
      .reduce((sum, name) => sum + readFileSync(join(directory, 'w', name)).length, 0);
    expect(stood).toBeLessThanOrEqual(bytes);
    expect(stood).toBeGreaterThan(0.98 * bytes);
    expect(printed.timing.firstToken).toBeGreaterThan(0);
  }, 180_000);

  test('`anchorage context --wait` answers with what there is and says how much; the rest is kept for the next time', async () => {
    const body = (i: number): string =>
      Array.from(
        { length: 200 },
        (_, n) => `def more_${i}_${n}(value):\n    """More ${n} of module ${i}."""\n    return value * ${n}\n`,
      ).join('\n\n');
    writeFiles(
      join(directory, 'w'),
      Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`more/module_${i}.py`, body(i)])),
    );
    const context = async (
      ...more: string[]
    ): Promise<{
      coverage: { memories?: number };
      store: IndexStatus['memories'];
      groups: readonly unknown[];
      stderr: string;
    }> => {
      const args = [
        'context',
        '--question',
        'What does step_3_4 do?',
        '--workspace',
        join(directory, 'w'),
        '--storage',
        join(directory, 'cli'),
        '--model-directory',
        join(directory, 'random'),
        '--threads',
        '1',
        '--json',
        ...more,
      ];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(bundles, 'cli.js'), ...args], {
        env: { ...process.env, XDG_CACHE_HOME: join(directory, 'cache') },
      });
      return { ...(JSON.parse(stdout) as Awaited<ReturnType<typeof context>>), stderr };
    };
    // A slow processor needs longer than a second for its first batch; until then the command fails with this message.
    let first: Awaited<ReturnType<typeof context>> | undefined;
    for (const wait of ['1', '2', '4', '8']) {
      first = await context('--wait', wait).catch((error: Error) => {
        expect(error.message).toContain('no segment is encoded');
        return undefined;
      });
      if (first) break;
    }
    if (!first) throw new Error('nothing was encoded in eight seconds');
    expect(first.store!.encoded).toBeLessThan(first.store!.segments);
    // A model that is still busy embeds the question late; the ranking then does without it, and says so. Encoding goes
    // on after the ranking.
    expect(first.coverage.memories ?? 0).toBeLessThanOrEqual(first.store!.encoded / first.store!.segments);
    expect(first.store!.counting).toBe(undefined);
    expect(first.groups.length).toBeGreaterThan(2);
    // Silent without a terminal, but not for long; and what was read is not read again.
    const second = await context('--wait', '3');
    expect(second.store!.encoded).toBeGreaterThan(first.store!.encoded);
    expect(second.store!.segments).toBe(first.store!.segments);
    expect(second.stderr).toMatch(/Encoding [\d,]+ of [\d,]+ segments for the first time.*--wait/);
    await expect(context('--wait', 'long')).rejects.toMatchObject({ code: 2 });
  }, 120_000);

  test('`anchorage index --memories` makes them, with progress, and says what it took; what is there is not made again', async () => {
    const model = join(directory, 'package', 'models', 'anchorage-test');
    writeMemoryCheckpoint(model);
    writeSums(model);
    cpSync(bundles, join(directory, 'package', 'dist'), { recursive: true });
    symlinkSync(join(process.cwd(), 'node_modules'), join(directory, 'package', 'node_modules'));
    const index = async (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
      promisify(execFile)(
        process.execPath,
        [
          join(directory, 'package', 'dist', 'cli.js'),
          'index',
          ...args,
          '--workspace',
          join(directory, 'w'),
          '--storage',
          join(directory, 'cli'),
        ],
        { env: { ...process.env, XDG_CACHE_HOME: join(directory, 'cache') } },
      );
    expect((await index()).stdout).toMatch(/index --memories/);
    const { stdout, stderr } = await index('--memories', '--json', '--progress', '--threads', '1');
    const { memories: made } = JSON.parse(stdout) as { memories: Record<string, number> };
    expect(made).toMatchObject({ model: 'anchorage-test', encoded: made!['segments'], newTokens: made!['tokens'] });
    for (const figure of ['segments', 'tokens', 'seconds', 'tokensPerSecond', 'bytes', 'budgetBytes'])
      expect(made![figure], figure).toBeGreaterThan(0);
    const percent = [...stderr.matchAll(/(\d+)% Encoding/g)].map(([, digits]) => Number(digits));
    expect(percent.at(-1)).toBe(100);
    expect(percent.length).toBeGreaterThan(1);
    expect(percent).toEqual([...percent].sort((a, b) => a - b));
    const again = await index('--memories');
    expect(again.stdout).toMatch(/Nothing was missing/);
    expect(again.stdout).toContain(
      `${made!['segments']!.toLocaleString('en-US')} of ${made!['segments']!.toLocaleString('en-US')} segments`,
    );
  }, 180_000);

  test('`anchorage context` says what is missing when no model has slots', async () => {
    const run = promisify(execFile)(
      process.execPath,
      [
        join(bundles, 'cli.js'),
        'context',
        'anything',
        '--workspace',
        join(directory, 'w'),
        '--storage',
        join(directory, 'cli'),
      ],
      { env: { ...process.env, XDG_CACHE_HOME: join(directory, 'cache') } },
    );
    await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/memory slots/) as unknown });
  });
});
