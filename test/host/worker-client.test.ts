import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
        modelServer: '',
        allowedHosts: [],
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
  it('starts no process before the first request, and one for simultaneous requests', async () => {
    const { client, states } = makeClient();
    expect(client.state.kind).toBe('asleep');
    const [first, second] = await Promise.all([ask(client, 'a'), ask(client, 'b')]);
    expect(first.pid).toBe(second.pid);
    expect(states).toEqual(['starting', 'running']);
  });

  it('passes its options to the worker, and streams its events', async () => {
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

  it('cancels a request in the worker, and before it is sent', async () => {
    const { client } = makeClient();
    await client.wake();
    const source = new CancellationTokenSource();
    const waiting = ask(client, 'wait', source.token);
    setTimeout(() => source.cancel(), 100);
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await expect(ask(client, 'a', source.token)).rejects.toMatchObject({ code: 'cancelled' });
    expect((await ask(client, 'a')).markdown).toBe('One two.');
  });

  it('does not send a request that was cancelled while the worker started', async () => {
    const { client } = makeClient();
    const source = new CancellationTokenSource();
    const waiting = ask(client, 'wait', source.token);
    source.cancel();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('answers the next question in another process after a crash', async () => {
    const { client, states } = makeClient();
    const before = await ask(client, 'a');
    await expect(ask(client, 'die')).rejects.toMatchObject({ code: 'workerDied' });
    const after = await ask(client, 'a');
    expect(after.pid).not.toBe(before.pid);
    expect(states.slice(0, 3)).toEqual(['starting', 'running', 'waiting']);
  });

  it('asks a question again by itself when its worker is killed, and only once', async () => {
    const { client, logged } = makeClient();
    const { pid } = await ask(client, 'a');
    const mark = path.join(mkdtempSync(path.join(tmpdir(), 'anchorage-client-')), 'died');
    const answer = await ask(client, `die unless ${mark}`);
    expect(answer.markdown).toBe('One two.');
    expect(answer.pid).not.toBe(pid);
    const again = (): number => logged.filter((line) => line.includes('ask is sent again')).length;
    expect(again()).toBe(1);
    await expect(ask(client, 'die')).rejects.toMatchObject({ code: 'workerDied' });
    expect(again()).toBe(2);
    rmSync(path.dirname(mark), { recursive: true, force: true });
  });

  it('restarts a killed worker automatically', async () => {
    const { client } = makeClient();
    const { pid } = await ask(client, 'a');
    process.kill(pid ?? 0, 'SIGKILL');
    await vi.waitFor(() => expect(client.state.kind === 'running' && client.state.pid !== pid).toBe(true), 8_000);
  });

  it('kills a worker without a heartbeat', async () => {
    const { client, logged } = makeClient();
    await expect(ask(client, 'hang')).rejects.toMatchObject({ code: 'workerDied' });
    expect(logged.some((line) => line.includes('silent'))).toBe(true);
    expect((await ask(client, 'a')).markdown).toBe('One two.');
  });

  it('opens a debugger port in the worker, and does not kill a worker at a breakpoint', async () => {
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

  it('stops restarting after several early crashes in a row, and tries again on a user request', async () => {
    vi.stubEnv('FAKE_WORKER_DIES', 'soon');
    const { client } = makeClient();
    await client.wake();
    await vi.waitFor(() => expect(client.state.kind).toBe('failed'), 15_000);
    vi.unstubAllEnvs();
    expect((await ask(client, 'a')).markdown).toBe('One two.');
  });

  it('reports a worker that cannot be started or has another protocol version', async () => {
    vi.stubEnv('FAKE_WORKER_VERSION_OFFSET', '1');
    const other = makeClient();
    await expect(ask(other.client, 'a')).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('version'),
    });
    // The state does not stay "starting": the status item shows the reason, and the next question tries again.
    await vi.waitFor(() =>
      expect(other.client.state).toMatchObject({ kind: 'failed', reason: expect.stringContaining('version') }),
    );
    vi.unstubAllEnvs();
    expect((await ask(other.client, 'a')).markdown).toBe('One two.');
    vi.stubEnv('FAKE_WORKER_VERSION_OFFSET', '1');
    const absent = makeClient({ workerFile: path.join(import.meta.dirname, 'absent.js') });
    await expect(ask(absent.client, 'a')).rejects.toBeInstanceOf(RequestFailed);
  });

  it('stops an idle worker, but not a busy one, and starts it for the next question', async () => {
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

  it('notifies a started worker, and drops notifications without a worker', async () => {
    const { client } = makeClient();
    client.notify('files/open', { files: ['lost'] });
    const heard: string[] = [];
    client.on('log', ({ message }) => heard.push(message));
    client.onStarted(() => client.notify('files/open', { files: ['a.ts'] }));
    await ask(client, 'a');
    await vi.waitFor(() => expect(heard).toEqual(['open: a.ts']));
  });

  it('queues notifications while a worker starts, in order, but not without a worker', async () => {
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
    // Notifications between a crash and the restart are queued too.
    const { pid } = await ask(client, 'a');
    client.onState(({ kind }) => kind === 'waiting' && client.notify('files/open', { files: ['dead'] }));
    process.kill(pid ?? 0, 'SIGKILL');
    await vi.waitFor(() => expect(heard.slice(3)).toEqual(['open: dead', 'open: at the start']), 8_000);
    // Notifications after the idle stop are not sent to the next worker.
    await client.stop();
    client.notify('files/open', { files: ['lost'] });
    await client.wake();
    await vi.waitFor(() => expect(heard.slice(5)).toEqual(['open: at the start']));
  });

  it('leaves no process running', async () => {
    const { client } = makeClient();
    const { pid = 0 } = await ask(client, 'a');
    await client.dispose();
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'));
    await expect(ask(client, 'a')).rejects.toMatchObject({ code: 'workerDied' });
  });
});
