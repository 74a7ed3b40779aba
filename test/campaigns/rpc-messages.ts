/** Messages that no client sends: wrong methods, parameters and envelopes. The worker answers or ignores each one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AbstractMessageReader, AbstractMessageWriter, type DataCallback, type Message } from 'vscode-jsonrpc';
import { createMessageConnection } from 'vscode-jsonrpc/node';
import { PROTOCOL_VERSION, type ClientNotifications, type Requests } from '../../src/protocol';
import { serve, tolerant } from '../../src/rpc';
import { WorkerService } from '../../src/worker/service';
import { SharedSession } from '../../src/worker/shared-session';
import { SETTINGS, writeFiles } from '../worker/harness';
import { mutateJson } from './checkpoints';
import { type Attacked, pick, type Random } from './drive';

/** Longest wait (ms) for an answer. */
const PATIENCE = 10_000;

class Reader extends AbstractMessageReader {
  private callback: DataCallback = () => undefined;
  listen(callback: DataCallback) {
    this.callback = callback;
    return { dispose: () => undefined };
  }
  take(message: unknown): void {
    this.callback(message as Message);
  }
}

class Writer extends AbstractMessageWriter {
  constructor(private readonly sent: (message: Message) => void) {
    super();
  }
  write(message: Message): Promise<void> {
    this.sent(message);
    return Promise.resolve();
  }
  end(): void {}
}

/** Sound messages to begin from. */
function messages(work: string): { method: string; params: unknown }[] {
  const file = join(work, 'pool.py');
  const scope = { kind: 'workspace' };
  return [
    { method: 'ask', params: { id: 'a', question: 'What takes a zzpool?', scope } },
    { method: 'search', params: { question: 'zzpool', scope, limit: 5 } },
    { method: 'search', params: { question: 'zzpool', scope: { kind: 'folder', path: 'src' }, limit: 5 } },
    { method: 'summarize', params: { id: 's', file } },
    { method: 'explain', params: { id: 'e', file, startLine: 1, endLine: 2 } },
    { method: 'hover', params: { file, line: 1, character: 8 } },
    { method: 'index/status', params: null },
    { method: 'index/why', params: { file } },
    { method: 'index/pause', params: { paused: false } },
    { method: 'document/text', params: { file } },
    { method: 'citation/locate', params: { citation: { path: 'pool.py', startLine: 1, endLine: 2, text: 'x' } } },
    { method: 'files/changed', params: { changes: [{ file, type: 'changed' }] } },
    { method: 'files/unsaved', params: { file, text: 'class Pool: pass' } },
    { method: 'files/open', params: { files: [file] } },
    { method: 'initialize', params: { protocolVersion: PROTOCOL_VERSION, folders: [] } },
  ];
}

const NOTIFICATIONS = /^files\//;

function envelope(random: Random, id: number, method: string, params: unknown): Record<string, unknown> {
  const message: Record<string, unknown> = { jsonrpc: '2.0', method, params };
  if (!NOTIFICATIONS.test(method)) message['id'] = id;
  if (random() < 0.1) message['method'] = pick(random, ['', 'nonsense', '__proto__', 'toString', '$/cancelRequest']);
  if (random() < 0.05) message['params'] = pick(random, [null, [], 0, 'text', [[[]]]]);
  return message;
}

export const rpcMessages: Attacked = {
  name: 'RPC messages to the worker',
  isRefusal: () => false,
  async open() {
    const scratch = mkdtempSync(join(tmpdir(), 'anchorage-messages-'));
    const work = join(scratch, 'work');
    writeFiles(work, {
      'pool.py': 'class Pool:\n    def take_zzpool(self):\n        return 1\n',
      'src/a.md': '# zzguide\n',
    });
    const waiting = new Map<number, () => void>();
    const reader = new Reader();
    const writer = new Writer((message) => {
      const { id } = message as { id?: number };
      if (typeof id === 'number') waiting.get(id)?.();
    });
    const connection = createMessageConnection(tolerant(reader), writer);
    const shared = new SharedSession(join(scratch, 'none.js'));
    const service = new WorkerService({
      shared,
      notify: () => undefined,
      request: () => Promise.reject(new Error('There is no client.')),
      owner: { exit: () => undefined },
    });
    serve<Requests, ClientNotifications>(connection, service.requests, service.notifications, {});
    connection.onError(() => undefined);
    connection.listen();
    await service.requests.initialize(
      {
        protocolVersion: PROTOCOL_VERSION,
        folders: [{ name: 'work', directory: work }],
        storageDirectory: join(scratch, 'store'),
        modelsDirectory: join(scratch, 'models'),
        settings: SETTINGS,
        trusted: true,
      },
      new AbortController().signal,
    );
    const sound = messages(work);
    return {
      async read(random, seed) {
        const { method, params } = pick(random, sound);
        const message = envelope(random, seed, method, random() < 0.85 ? mutateJson(params, random) : params);
        const answered = new Promise<void>((resolve) => waiting.set(seed, resolve));
        reader.take(message);
        if ('id' in message) await inTime(answered, message);
        waiting.delete(seed);
      },
      async close() {
        await shared.close();
        connection.dispose();
        rmSync(scratch, { recursive: true, force: true });
      },
    };
  },
};

async function inTime(answered: Promise<void>, message: unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer to ${JSON.stringify(message).slice(0, 300)}`)), PATIENCE);
  });
  await Promise.race([answered, late]).finally(() => clearTimeout(timer));
}
