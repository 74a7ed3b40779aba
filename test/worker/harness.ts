import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CancellationTokenSource,
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import {
  PROTOCOL_VERSION,
  type InitializeParams,
  type Requests,
  type WorkerNotifications,
  type WorkerSettings,
} from '../../src/protocol';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Builds the bundles into a folder of their own, inside the repository so that what is left outside them is found. */
export function buildBundles(parts = 'worker,cli'): string {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const outdir = mkdtempSync(join(root, '.cache', 'test-dist-'));
  execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs'), `--only=${parts}`, `--outdir=${outdir}`], {
    stdio: 'pipe',
  });
  return outdir;
}

export const SETTINGS: WorkerSettings = {
  filesExclude: [],
  maxFileBytes: 1_000_000,
  modelDirectory: '',
  modelServer: '',
  allowedHosts: [],
  memoryBudgetBytes: 1e8,
  threads: 1,
  weights: 'f32',
};

export function writeFiles(directory: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}

/** A worker process and a client of it, as the extension host is one. */
export class WorkerUnderTest {
  readonly child: ChildProcess;
  readonly connection: MessageConnection;
  readonly received: { [M in keyof WorkerNotifications]: WorkerNotifications[M][] } = {
    'answer/event': [],
    'chat/text': [],
    'work/progress': [],
    'index/status': [],
    log: [],
    heartbeat: [],
  };
  readonly exited: Promise<number | string>;
  private readonly waiting = new Set<() => void>();

  /** @param env added to the worker's environment, and so to that of its own processes */
  constructor(bundles: string, env: Record<string, string> = {}) {
    this.child = fork(join(bundles, 'worker.js'), [], {
      serialization: 'advanced',
      execArgv: [],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => process.stderr.write(text));
    this.exited = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve(signal ?? code ?? 0)));
    this.connection = createMessageConnection(new IPCMessageReader(this.child), new IPCMessageWriter(this.child));
    for (const method of Object.keys(this.received) as (keyof WorkerNotifications)[]) {
      this.connection.onNotification(method, (params: unknown) => {
        (this.received[method] as unknown[]).push(params);
        for (const wake of [...this.waiting]) wake();
      });
    }
    this.connection.listen();
  }

  request<M extends keyof Requests>(
    method: M,
    params: Requests[M][0],
    token?: CancellationTokenSource,
  ): Promise<Requests[M][1]> {
    return this.connection.sendRequest<Requests[M][1]>(method, params, (token ?? new CancellationTokenSource()).token);
  }

  initialize(
    params: Pick<InitializeParams, 'folders' | 'storageDirectory'> & Partial<InitializeParams>,
  ): Promise<Requests['initialize'][1]> {
    return this.request('initialize', {
      protocolVersion: PROTOCOL_VERSION,
      modelsDirectory: join(params.storageDirectory, 'models'),
      settings: SETTINGS,
      trusted: true,
      ...params,
    });
  }

  /** Resolves once a notification satisfies `test`, now or later. */
  until<M extends keyof WorkerNotifications>(
    method: M,
    test: (params: WorkerNotifications[M]) => boolean,
  ): Promise<WorkerNotifications[M]> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = (this.received[method] as WorkerNotifications[M][]).find(test);
        if (!found) return;
        this.waiting.delete(look);
        resolve(found);
      };
      this.waiting.add(look);
      look();
    });
  }

  /** Until the first pass is done. */
  async indexed(): Promise<void> {
    while ((await this.request('index/status', null)).state !== 'ready')
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async end(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    await this.exited;
    this.connection.dispose();
  }
}
