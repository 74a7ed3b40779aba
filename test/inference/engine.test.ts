import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CancellationTokenSource, type ResponseError } from 'vscode-jsonrpc/node';
import type { ErrorData } from '../../src/protocol';
import { EngineProcess, type ModelChoice } from '../../src/inference/engine-process';
import { adaptersFolder } from '../../src/engine';
import { fixture } from '../fixtures';
import { sharedData } from '../shared-data';
import { writeAdapter, writeSlowCheckpoint, writeStories, writeTinyCheckpoint } from './checkpoints';
import { buildBundles, SETTINGS, WorkerUnderTest, writeFiles } from '../worker/harness';

let bundles: string;
let directory: string;
beforeAll(() => {
  bundles = buildBundles();
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-engine-'));
  writeTinyCheckpoint(join(directory, 'tiny'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const choice = (name = 'tiny'): ModelChoice => ({
  kind: 'chosen',
  directory: join(directory, name),
  compiledDirectory: join(directory, 'compiled'),
  weights: 'f32',
  threads: 1,
});
const chat = [{ role: 'user', content: 'def f(x): return x' }] as const;

describe('the engine’s process', () => {
  let engine: EngineProcess;
  const log: string[] = [];
  beforeEach(() => {
    engine = new EngineProcess({
      file: join(bundles, 'inference.js'),
      log: (_, message) => log.push(message),
      changed: () => {},
      timing: { firstDelay: 20, longestDelay: 50 },
    });
  });
  afterEach(() => engine.close());

  test('loads a checkpoint, counts as it reads and writes what it streams', async () => {
    await engine.choose(choice());
    expect(engine.status).toMatchObject({ state: 'ready', name: 'tiny', author: { kind: 'chosen', model: 'tiny' } });
    const writer = engine.writer();
    expect(writer?.contextTokens).toBe(4_096);
    const [tokens = 0] = (await writer?.countChats([chat])) ?? [];
    // <s>, <|user|>, a token for each byte, <|assistant|>
    expect(tokens).toBe(3 + chat[0].content.length);
    let streamed = '';
    const written = await writer?.write(chat, { maxNewTokens: 24, onText: (text) => (streamed += text) });
    expect(written).toMatchObject({ text: streamed, promptTokens: tokens });
    expect(written?.newTokens).toBeGreaterThan(0);
    expect(await writer?.write(chat, { maxNewTokens: 24, onText: () => {} })).toMatchObject({ text: streamed });
  });

  test('a cancel ends a long answer with what there is', async () => {
    await engine.choose(choice());
    const controller = new AbortController();
    const written = await engine
      .writer()
      ?.write(chat, { maxNewTokens: 3_000, signal: controller.signal, onText: () => controller.abort() });
    expect(written?.stopped).toBe('cancelled');
    expect(written?.newTokens).toBeLessThan(3_000);
  });

  test('answers take turns, the urgent one first', async () => {
    await engine.choose(choice());
    const order: string[] = [];
    const write = (kind: 'answer' | 'indexing', name: string) =>
      engine.stream(kind, 'write', { chat, maxNewTokens: 4 }, {}).then(() => order.push(name));
    await Promise.all([write('indexing', 'running'), write('indexing', 'later'), write('answer', 'asked')]);
    expect(order).toEqual(['running', 'asked', 'later']);
  });

  test('killed during an answer it fails that answer, comes back and writes the next', async () => {
    // The tiny model may have written everything before it is killed.
    writeSlowCheckpoint(join(directory, 'slow'), { layers: 4 });
    await engine.choose(choice('slow'));
    const writer = engine.writer();
    const writing = writer?.write(chat, {
      maxNewTokens: 3_000,
      onText: () => process.kill(engine.pid as number, 'SIGKILL'),
    });
    await expect(writing).rejects.toThrow(/the model process ended/);
    await expect.poll(() => engine.status.state, { timeout: 10_000 }).toBe('ready');
    expect((await engine.writer()?.write(chat, { maxNewTokens: 4, onText: () => {} }))?.promptTokens).toBeGreaterThan(
      0,
    );
  });

  test('a process that has nothing to do is ended, its model stays in use, and it is back with the next request', async () => {
    const resting = new EngineProcess({
      file: join(bundles, 'inference.js'),
      log: (_, message) => log.push(message),
      changed: () => {},
      timing: { idle: 150 },
    });
    await resting.choose(choice());
    const writer = resting.writer();
    expect((await writer?.write(chat, { maxNewTokens: 4, onText: () => {} }))?.newTokens).toBeGreaterThan(0);
    const before = resting.pid;
    await expect.poll(() => resting.pid, { timeout: 10_000 }).toBe(undefined);
    expect(resting.status.state).toBe('ready');
    expect(resting.model?.name).toBe('tiny');
    expect((await resting.writer()?.write(chat, { maxNewTokens: 4, onText: () => {} }))?.newTokens).toBeGreaterThan(0);
    expect(resting.pid).not.toBe(before);
    resting.close();
  });

  describe('a model whose process rests', () => {
    let resting: EngineProcess;
    const write = () => resting.writer()?.write(chat, { maxNewTokens: 4, onText: () => {} });
    beforeEach(async () => {
      resting = new EngineProcess({
        file: join(bundles, 'inference.js'),
        log: (_, message) => log.push(message),
        changed: () => {},
        timing: { idle: 150 },
      });
      await resting.choose(choice());
      await expect.poll(() => resting.pid, { timeout: 10_000 }).toBe(undefined);
    });
    afterEach(() => resting.close());

    test('and which is deleted meanwhile fails with the file’s name, and is back once it is there again', async () => {
      rmSync(join(directory, 'tiny'), { recursive: true });
      await expect(write()).rejects.toThrow(/tiny.* is missing|config\.json/);
      expect(resting.status).toMatchObject({ state: 'failed', author: { kind: 'extractive' } });
      expect(resting.writer()).toBe(undefined);
      writeTinyCheckpoint(join(directory, 'tiny'));
      await resting.choose(choice());
      expect((await write())?.newTokens).toBeGreaterThan(0);
    });

    test('and which is swapped meanwhile is the new one', async () => {
      const before = resting.model;
      rmSync(join(directory, 'tiny'), { recursive: true });
      writeSlowCheckpoint(join(directory, 'tiny'), { layers: 2 });
      expect((await write())?.newTokens).toBeGreaterThan(0);
      expect(resting.model?.bytesPerRow).not.toBe(before?.bytesPerRow);
    });
  });

  test('a process beyond its memory is ended between requests, never within one', async () => {
    const limited = new EngineProcess({
      file: join(bundles, 'inference.js'),
      log: (_, message) => log.push(message),
      changed: () => {},
      memoryLimitBytes: 1e6,
    });
    await limited.choose(choice());
    for (let i = 0; i < 2; i++) {
      const written = await limited.writer()?.write(chat, { maxNewTokens: 8, onText: () => {} });
      expect(written?.newTokens).toBe(8);
      expect(limited.pid).toBe(undefined);
      expect(limited.status.state).toBe('ready');
    }
    expect(log.join()).toMatch(/holds [\d.]+ MB, above its limit of 977 KB/);
    limited.close();
  });

  test('killed again and again it is given up, with a reason', async () => {
    await engine.choose(choice());
    for (let end = 0; end < 4; end++) {
      await expect.poll(() => engine.status.state, { timeout: 10_000 }).toBe('ready');
      process.kill(engine.pid as number, 'SIGKILL');
      await expect.poll(() => engine.status.state).not.toBe('ready');
    }
    await expect.poll(() => engine.status.state).toBe('failed');
    expect(engine.status.detail).toMatch(/stopped \(SIGKILL\), 4 times in a row/);
    expect(engine.writer()).toBeUndefined();
    await engine.choose(undefined);
    expect(engine.status.state).toBe('none');
  });

  test.each<[string, (at: string) => void, RegExp]>([
    ['without a config', (at) => mkdirSync(at), /config\.json/],
    [
      'with a config that is no JSON',
      (at) => {
        writeTinyCheckpoint(at);
        writeFileSync(join(at, 'config.json'), '{');
      },
      /config\.json/,
    ],
    [
      'without a tokenizer',
      (at) => {
        writeTinyCheckpoint(at);
        rmSync(join(at, 'tokenizer.json'));
      },
      /tokenizer\.json/,
    ],
    [
      'with weights cut short',
      (at) => {
        writeTinyCheckpoint(at);
        writeFileSync(join(at, 'model.safetensors'), Buffer.alloc(20));
      },
      /safetensors/,
    ],
  ])('a checkpoint %s fails with the file’s name and is not tried again', async (_, write, reason) => {
    write(join(directory, 'bad'));
    await engine.choose(choice('bad'));
    expect(engine.status).toMatchObject({ state: 'failed', author: { kind: 'extractive' } });
    expect(engine.status.detail).toMatch(reason);
    await expect(engine.request('countChats', { chats: [chat] })).rejects.toThrow(reason);
  });

  test('an adapter beside the checkpoint changes what it writes, and one of another model is refused', async () => {
    await engine.choose(choice());
    const write = async () => (await engine.writer()?.write(chat, { maxNewTokens: 24, onText: () => {} }))?.text;
    const plain = await write();
    const adapter = join(adaptersFolder(join(directory, 'tiny')), 'loud');
    writeAdapter(adapter, join(directory, 'tiny'));
    await engine.choose({ ...choice(), threads: 2 });
    expect(engine.status.detail).toMatch(/with the adapter loud/);
    expect(await write()).not.toBe(plain);
    cpSync(fixture('checkpoints/llama2-longlora'), adapter, { recursive: true });
    await engine.choose(choice());
    expect(engine.status).toMatchObject({ state: 'failed', author: { kind: 'extractive' } });
    expect(engine.status.detail).toMatch(/trained on another model/);
  });

  const stories = sharedData('checkpoints/stories260K');
  test.skipIf(!stories)('a trained checkpoint writes sentences', async () => {
    writeStories(stories as string, join(directory, 'stories'));
    await engine.choose(choice('stories'));
    expect(engine.status.detail).toMatch(/base model/);
    const written = await engine
      .writer()
      ?.write([{ role: 'user', content: 'Once upon a time, there was a little girl named Lily.' }], {
        maxNewTokens: 40,
        onText: () => {},
      });
    expect(written?.text).toMatch(/\b(she|was|the|with|and|you)\b.*[.?!]/s);
    expect(written?.timing.decode).toBeGreaterThan(0);
    expect(written?.beyondWindow).toBeUndefined();
  });

  test.skipIf(!stories)(
    'a text three times as long as the trained window is read whole, and goes on in sentences',
    async () => {
      writeStories(stories as string, join(directory, 'stories'));
      await engine.choose(choice('stories'));
      const text = readFileSync(sharedData('text/tinystories.txt') as string, 'utf8')
        .replace(/\s+/g, ' ')
        .slice(0, 5_000);
      const written = await engine
        .writer()
        ?.write([{ role: 'user', content: text }], { maxNewTokens: 60, onText: () => {} });
      expect(written?.promptTokens).toBeGreaterThan(3 * 512);
      expect(written?.beyondWindow).toBe(512);
      const rows = new Map(written?.cached?.map((each) => [each.kind, each.rows]));
      expect([...rows.keys()].sort()).toEqual(['earlier', 'sinks', 'window']);
      expect(rows.get('window')).toBeLessThanOrEqual(512);
      // All rows that left the window, and the blocks of them that were placed again.
      expect(rows.get('earlier')).toBeGreaterThan((written?.promptTokens ?? 0) - 512);
      expect(written?.text).toMatch(/\b(she|he|was|the|and)\b.*\b(to|a|the|was|it)\b/s);
      expect(written?.text).not.toMatch(/\ufffd/);
    },
  );
});

describe('a worker with a model', () => {
  const worker = () => new WorkerUnderTest(bundles);
  const open = async (running: WorkerUnderTest, modelDirectory: string): Promise<void> => {
    writeFiles(join(directory, 'w'), {
      'pool.py': 'def take(host):\n    """Takes a connection for a host."""\n    return host\n',
    });
    await running.initialize({
      folders: [{ name: 'w', directory: join(directory, 'w') }],
      storageDirectory: join(directory, 'storage'),
      modelsDirectory: join(directory, 'models'),
      settings: { ...SETTINGS, modelDirectory },
    });
    await running.indexed();
  };
  const ask = (running: WorkerUnderTest, id: string, token?: CancellationTokenSource) =>
    running.request('ask', { id, question: 'What takes a connection?', scope: { kind: 'workspace' } }, token);

  test('the answer is the model’s, its context is accounted for, and search goes on while it writes', async () => {
    const running = worker();
    await open(running, join(directory, 'tiny'));
    await running.until('index/status', ({ model }) => model.state === 'ready');
    const asked = ask(running, 'a');
    await running.until('answer/event', ({ event }) => event.type === 'delta');
    const searched = await running.request('search', {
      question: 'connection',
      scope: { kind: 'workspace' },
      limit: 3,
    });
    expect(searched.spans[0]).toMatchObject({ path: 'pool.py' });
    const answer = await asked;
    // The tiny model writes noise, which no line carries, so only quotes are shown.
    expect(answer.author).toEqual({ kind: 'extractive' });
    const { groups, capacityRows } = answer.ledger;
    expect(groups.map(({ kind }) => kind)).toEqual(['full', 'question', 'answer']);
    expect(groups.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(capacityRows);
    expect(groups.find(({ kind }) => kind === 'full')?.span).toMatchObject({ path: 'pool.py' });
    await running.end();
  });

  test('another model that is chosen while it writes takes over after the answer', async () => {
    writeSlowCheckpoint(join(directory, 'slow'), { layers: 2 });
    const running = worker();
    await open(running, join(directory, 'slow'));
    await running.until('index/status', ({ model }) => model.state === 'ready');
    const asked = ask(running, 'c');
    await running.until('answer/event', ({ event }) => event.type === 'delta');
    await running.connection.sendNotification('settings/changed', {
      settings: { ...SETTINGS, modelDirectory: join(directory, 'tiny') },
    });
    const { author, notices } = await asked;
    expect(author).toEqual({ kind: 'extractive' });
    expect(notices.join(' ')).not.toMatch(/could not write|Stopped/);
    await running.until('index/status', ({ model }) => model.name === 'tiny' && model.state === 'ready');
    expect((await ask(running, 'd')).ledger.groups.map(({ kind }) => kind)).toContain('full');
    await running.end();
  });

  test('stopped while it writes, the answer ends', async () => {
    // The small one may have written all it has before it hears of it.
    writeSlowCheckpoint(join(directory, 'slow'), { layers: 2 });
    const running = worker();
    await open(running, join(directory, 'slow'));
    await running.until('index/status', ({ model }) => model.state === 'ready');
    const token = new CancellationTokenSource();
    const asked = ask(running, 'b', token);
    await running.until('answer/event', ({ event }) => event.type === 'delta');
    token.cancel();
    const stopped = await asked.catch((error: ResponseError<ErrorData>) => error.data?.code);
    expect(typeof stopped === 'object' ? stopped?.notices.join() : stopped).toMatch(/Stopped|cancelled/);
    await running.end();
  });

  test('a chat template that throws: the answer quotes the sources and says why', async () => {
    writeFileSync(join(directory, 'tiny', 'chat_template.jinja'), "{{ raise_exception('Only users may speak here') }}");
    const running = worker();
    await open(running, join(directory, 'tiny'));
    await running.until('index/status', ({ model }) => model.state === 'ready');
    const answer = await ask(running, 'e');
    expect(answer.author).toEqual({ kind: 'extractive' });
    expect(answer.markdown).toContain('Takes a connection for a host');
    expect(answer.notices.join()).toMatch(/could not write.*chat_template.*Only users may speak here/s);
    await running.end();
  });

  test('a model that cannot be loaded: the answer quotes the sources and says why', async () => {
    mkdirSync(join(directory, 'empty'));
    const running = worker();
    await open(running, join(directory, 'empty'));
    await running.until('index/status', ({ model }) => model.state === 'failed');
    const answer = await ask(running, 'c');
    expect(answer.author).toEqual({ kind: 'extractive' });
    expect(answer.notices[0]).toMatch(/config\.json/);
    await running.end();
  });
});
