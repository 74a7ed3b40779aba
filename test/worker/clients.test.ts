/** Clients that share a worker do not notice each other. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CancellationTokenSource, type MessageConnection } from 'vscode-jsonrpc/node';
import { PROTOCOL_VERSION, type Requests } from '../../src/protocol';
import { connectShared, socketConnection } from '../../src/rpc';
import { buildBundles, SETTINGS, writeFiles } from './harness';

let bundles: string;
let directory: string;
let workspace: string;
const open: Client[] = [];
beforeAll(() => {
  bundles = buildBundles('worker');
  directory = mkdtempSync(join(tmpdir(), 'anchorage-clients-'));
  workspace = join(directory, 'project');
  writeFiles(workspace, { 'pool.py': 'def take(host):\n    """Takes a connection for a host."""\n' });
  mkdirSync(join(directory, 'run'));
}, 120_000);
afterEach(() => open.splice(0).forEach((client) => client.leave()));
afterAll(() => {
  // The worker ends because its socket is gone.
  rmSync(directory, { recursive: true, force: true });
  rmSync(bundles, { recursive: true, force: true });
});

class Client {
  readonly heard: string[] = [];
  private constructor(
    private readonly connection: MessageConnection,
    readonly leave: () => void,
  ) {}

  static async connect(): Promise<Client> {
    const socket = await connectShared(join(bundles, 'worker.js'), join(directory, 'run', 'worker.sock'));
    const client = new Client(socketConnection(socket), () => void socket.destroy());
    open.push(client);
    for (const method of ['answer/event', 'work/progress'] as const)
      client.connection.onNotification(method, ({ id }: { id: string }) => void client.heard.push(id));
    client.connection.listen();
    await client.request('initialize', {
      protocolVersion: PROTOCOL_VERSION,
      folders: [{ name: 'project', directory: workspace }],
      storageDirectory: join(directory, 'storage'),
      modelsDirectory: join(directory, 'models'),
      settings: SETTINGS,
      trusted: true,
      agent: true,
    });
    await client.request('index/refresh', { wait: true });
    return client;
  }

  request<M extends keyof Requests>(
    method: M,
    params: Requests[M][0],
    { token } = new CancellationTokenSource(),
  ): Promise<Requests[M][1]> {
    return this.connection.sendRequest<Requests[M][1]>(method, params, token);
  }

  notify(method: string, params: object): Promise<void> {
    return this.connection.sendNotification(method, params);
  }

  ask(id: string, token?: CancellationTokenSource): Promise<Requests['ask'][1]> {
    const question = 'Which function takes a connection for a host?';
    return this.request('ask', { id, question, scope: { kind: 'workspace' } }, token);
  }
}

const workspaceScope = { kind: 'workspace' } as const;

test('events of an answer reach the client that asked', async () => {
  const [first, second] = await Promise.all([Client.connect(), Client.connect()]);
  await Promise.all([first.ask('one'), second.ask('two')]);
  expect(new Set(first.heard)).toEqual(new Set(['one']));
  expect(new Set(second.heard)).toEqual(new Set(['two']));
});

test('a cancelled question, or a client that goes, ends no question of another', async () => {
  const [first, second, third] = await Promise.all([Client.connect(), Client.connect(), Client.connect()]);
  const token = new CancellationTokenSource();
  const cancelled = first.ask('same', token);
  const answered = second.ask('same');
  void third.ask('same').catch(() => undefined);
  token.cancel();
  third.leave();
  const ended = await cancelled.then(
    () => 'answered',
    ({ data }: { data: { code: string } }) => data.code,
  );
  // So small a workspace may be answered before the cancellation comes.
  expect(['answered', 'cancelled']).toContain(ended);
  expect((await answered).citations[0]).toMatchObject({ path: 'pool.py' });
});

test('a citation of a commit holds, whatever has become of its file', async () => {
  const client = await Client.connect();
  const span = { file: join(workspace, 'gone.py'), path: 'gone.py', startLine: 1, endLine: 2 };
  const text = 'Add the pool';
  const citation = { ...span, number: 1, label: text, text, hash: '', commit: 'c'.repeat(40) };
  const located = await client.request('citation/locate', { citation });
  expect(located.state).toBe('same');
});

test('no client changes texts, settings or folders for the others, or ends the worker', async () => {
  const [first, second] = await Promise.all([Client.connect(), Client.connect()]);
  const file = join(workspace, 'pool.py');
  await first.notify('files/unsaved', { file, text: 'def zebra_crossing():\n    return 1\n' });
  await first.notify('settings/changed', { settings: { ...SETTINGS, filesExclude: ['**/*.py'] } });
  await first.notify('folders/changed', { folders: [] });
  await first.request('shutdown', null);
  expect((await second.request('document/text', { file })).text).toContain('Takes a connection');
  const { spans } = await second.request('search', { question: 'zebra_crossing', scope: workspaceScope, limit: 5 });
  expect(JSON.stringify(spans)).not.toContain('zebra');
  expect(await second.request('index/coverage', null)).toMatchObject({ filesIndexed: 1, indexing: false });
});
