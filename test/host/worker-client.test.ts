import path from 'node:path';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PROTOCOL_VERSION } from '../../src/protocol';
import { RequestFailed } from '../../src/host/request-failed';
import { WorkerClient, type ClientState, type WorkerClientOptions } from '../../src/host/worker-client';

const workerFile = path.join(import.meta.dirname, 'fixtures', 'fake-worker.mjs');
const clients: WorkerClient[] = [];

function makeClient(options: Partial<WorkerClientOptions> = {}): {
  client: WorkerClient;
  states: ClientState['kind'][];
  logged: string[];
} {
  const logged: string[] = [];
  const client = new WorkerClient({
    workerFile,
    initializeParams: async () => ({
      protocolVersion: PROTOCOL_VERSION,
      folders: [],
      storageDirectory: '/store',
      modelsDirectory: '/models',
      trusted: true,
      settings: {
        filesExclude: [],
        maxFileBytes: 1,
        modelDirectory: '',
        memoryBudgetBytes: 1,
        threads: 0,
        weights: 'auto',
      },
    }),
    log: (level, message) => logged.push(`${level}: ${message}`),
    isBusy: () => false,
    idleAfter: () => 0,
    ...options,
    timing: { silence: 3_000, firstDelay: 10, longestDelay: 40, tick: 60, shutdown: 500, ...options.timing },
  });
  const states: ClientState['kind'][] = [];
  client.onState((state) => states.push(state.kind));
  clients.push(client);
  return { client, states, logged };
}

function ask(
  client: WorkerClient,
  question: string,
  token?: CancellationTokenSource['token'],
): Promise<{ markdown: string; pid?: number }> {
  return client.request('ask', { id: 'q1', question, scope: { kind: 'workspace' } }, token);
}

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(clients.splice(0).map((client) => client.dispose()));
});

describe('WorkerClient', () => {
  it('starts nothing until it is asked, and one process for requests that come together', async () => {
    const { client, states } = makeClient();
    expect(client.state.kind).toBe('asleep');
    const [first, second] = await Promise.all([ask(client, 'a'), ask(client, 'b')]);
    expect(first.pid).toBe(second.pid);
    expect(states).toEqual(['starting', 'running']);
  });

  it('gives the worker what it was made with, and streams its events', async () => {
    const { client } = makeClient();
    const heard: string[] = [];
    client.on('answer/event', ({ event }) => heard.push(event.type === 'delta' ? event.markdown : ''));
    expect((await ask(client, 'a')).markdown).toBe('One two.');
    expect(heard.join('')).toBe('One two.');
    expect((await client.request('index/why', { file: 'x' })).reason).toBe('/store');
  });

  it('keeps the code and the hint of a failure', async () => {
    const { client } = makeClient();
    await expect(ask(client, 'fail')).rejects.toMatchObject({
      name: 'RequestFailed',
      code: 'diskFull',
      message: 'The disk is full.',
      hint: 'Free some space.',
    });
  });

  it('cancels in the worker, and before anything is sent', async () => {
    const { client } = makeClient();
    await client.wake();
    const source = new CancellationTokenSource();
    const waiting = ask(client, 'wait', source.token);
    setTimeout(() => source.cancel(), 100);
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await expect(ask(client, 'a', source.token)).rejects.toMatchObject({ code: 'cancelled' });
    expect((await ask(client, 'a')).markdown).toBe('One two.');
  });

  it('sends nothing that was cancelled while the worker started', async () => {
    const { client } = makeClient();
    const source = new CancellationTokenSource();
    const waiting = ask(client, 'wait', source.token);
    source.cancel();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('answers the next question after the worker has died, in another process', async () => {
    const { client, states } = makeClient();
    const before = await ask(client, 'a');
    await expect(ask(client, 'die')).rejects.toMatchObject({ code: 'workerDied' });
    const after = await ask(client, 'a');
    expect(after.pid).not.toBe(before.pid);
    expect(states.slice(0, 3)).toEqual(['starting', 'running', 'waiting']);
  });

  it('starts again by itself when it was killed', async () => {
    const { client } = makeClient();
    const { pid } = await ask(client, 'a');
    process.kill(pid ?? 0, 'SIGKILL');
    await vi.waitFor(() => expect(client.state.kind === 'running' && client.state.pid !== pid).toBe(true), 8_000);
  });

  it('ends a worker that has fallen silent', async () => {
    const { client, logged } = makeClient();
    await expect(ask(client, 'hang')).rejects.toMatchObject({ code: 'workerDied' });
    expect(logged.some((line) => line.includes('silent'))).toBe(true);
    expect((await ask(client, 'a')).markdown).toBe('One two.');
  });

  it('opens the port of a debugger in the worker, and does not end a worker that waits at a breakpoint', async () => {
    vi.stubEnv('ANCHORAGE_INSPECT_WORKER', '0');
    const { client, logged } = makeClient({ timing: { silence: 200 } });
    const asked = ask(client, 'hang').catch((error: unknown) => error);
    await vi.waitFor(() => expect(logged.join('\n')).toContain('Debugger listening on ws://127.0.0.1:'), 10_000);
    await vi.waitFor(() => expect(client.state.kind).toBe('running'), 10_000);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(client.state.kind).toBe('running');
    expect(logged.filter((line) => line.includes('silent'))).toEqual([]);
    await client.dispose();
    expect(await asked).toBeInstanceOf(Error);
  });

  it('gives up after a row of early deaths, and tries again when the user asks', async () => {
    vi.stubEnv('FAKE_WORKER_DIES', 'soon');
    const { client } = makeClient();
    await client.wake();
    await vi.waitFor(() => expect(client.state.kind).toBe('failed'), 15_000);
    vi.unstubAllEnvs();
    expect((await ask(client, 'a')).markdown).toBe('One two.');
  });

  it('says so when the worker cannot be started or speaks another version', async () => {
    vi.stubEnv('FAKE_WORKER_VERSION_OFFSET', '1');
    const other = makeClient();
    await expect(ask(other.client, 'a')).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('version'),
    });
    // Not "starting" for ever: the status item says why, and the next question tries again.
    await vi.waitFor(() =>
      expect(other.client.state).toMatchObject({ kind: 'failed', reason: expect.stringContaining('version') }),
    );
    vi.unstubAllEnvs();
    expect((await ask(other.client, 'a')).markdown).toBe('One two.');
    vi.stubEnv('FAKE_WORKER_VERSION_OFFSET', '1');
    const absent = makeClient({ workerFile: path.join(import.meta.dirname, 'absent.js') });
    await expect(ask(absent.client, 'a')).rejects.toBeInstanceOf(RequestFailed);
  });

  it('sleeps when idle, not while it is busy or asked, and wakes for the next question', async () => {
    let busy = true;
    const { client, states } = makeClient({ idleAfter: () => 150, isBusy: () => busy });
    await ask(client, 'a');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(client.state.kind).toBe('running');
    busy = false;
    await vi.waitFor(() => expect(client.state.kind).toBe('asleep'), 8_000);
    expect(states).not.toContain('waiting');
    expect((await ask(client, 'a')).markdown).toBe('One two.');
  });

  it('tells a worker that has started, and drops notifications to one that sleeps', async () => {
    const { client } = makeClient();
    client.notify('files/open', { files: ['lost'] });
    const heard: string[] = [];
    client.on('log', ({ message }) => heard.push(message));
    client.onStarted(() => client.notify('files/open', { files: ['a.ts'] }));
    await ask(client, 'a');
    await vi.waitFor(() => expect(heard).toEqual(['open: a.ts']));
  });

  it('keeps what happens while a worker starts, and tells it in order; one that sleeps is not told of the past', async () => {
    const { client } = makeClient();
    const heard: string[] = [];
    client.on('log', ({ message }) => heard.push(message));
    client.onStarted(() => client.notify('files/open', { files: ['at the start'] }));
    client.notify('files/open', { files: ['asleep'] });
    const waking = client.wake();
    expect(client.state.kind).toBe('starting');
    client.notify('files/open', { files: ['first'] });
    client.notify('files/open', { files: ['second'] });
    await waking;
    await vi.waitFor(() => expect(heard).toEqual(['open: first', 'open: second', 'open: at the start']));
    // Between a death and the next start too.
    const { pid } = await ask(client, 'a');
    client.onState(({ kind }) => kind === 'waiting' && client.notify('files/open', { files: ['dead'] }));
    process.kill(pid ?? 0, 'SIGKILL');
    await vi.waitFor(() => expect(heard.slice(3)).toEqual(['open: dead', 'open: at the start']), 8_000);
    // What was meant for a worker that then slept is not told to the next.
    await client.stop();
    client.notify('files/open', { files: ['lost'] });
    await client.wake();
    await vi.waitFor(() => expect(heard.slice(5)).toEqual(['open: at the start']));
  });

  it('leaves no process behind', async () => {
    const { client } = makeClient();
    const { pid = 0 } = await ask(client, 'a');
    await client.dispose();
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'));
    await expect(ask(client, 'a')).rejects.toMatchObject({ code: 'workerDied' });
  });
});
