import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CancellationToken } from 'vscode-jsonrpc/node';
import type { ClientRequests } from '../../src/protocol';
import { FakeServer } from '../inference/server/fake-server';
import { buildBundles, SETTINGS, WorkerUnderTest, writeFiles } from './harness';

const QUESTION = 'Which method takes a connection for a host?';
const FILES = {
  'src/pool.py':
    'class Pool:\n    """Keeps connections open."""\n\n    def take(self, host):\n        """Takes a connection for a host."""\n        return self.free.pop(host)\n',
};

let bundles: string;
let directory: string;
let worker: WorkerUnderTest;
beforeAll(() => {
  bundles = buildBundles();
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-writers-'));
  writeFiles(join(directory, 'w'), FILES);
  worker = new WorkerUnderTest(bundles);
});
afterEach(async () => {
  await worker.end();
  rmSync(directory, { recursive: true, force: true });
});

async function ready(settings: Partial<typeof SETTINGS> = {}): Promise<void> {
  await worker.initialize({
    folders: [{ name: 'w', directory: join(directory, 'w') }],
    storageDirectory: join(directory, 'storage'),
    settings: { ...SETTINGS, ...settings },
  });
  await worker.indexed();
}

type Write = ClientRequests['writer/write'];
const clientWrites = (write: (params: Write[0], token: CancellationToken) => Write[1] | Promise<Write[1]>) =>
  worker.connection.onRequest('writer/write', write);
const ask = (writer?: { name: string; contextTokens: number; sentTo?: string }) =>
  worker.request('ask', { id: 'q', question: QUESTION, scope: { kind: 'workspace' }, ...(writer ? { writer } : {}) });

describe('the client’s model', () => {
  const PILOT = { name: 'Pilot', contextTokens: 8192, sentTo: 'Pilot (harbour)' };

  test('writes from the worker’s evidence, and the answer says where text went', async () => {
    await ready();
    let read = '';
    clientWrites(({ id, chat }) => {
      read = chat.map(({ content }) => content).join('\n');
      const text = 'Pool.take takes a connection for a host [1].';
      void worker.connection.sendNotification('writer/text', { id, text });
      return { text };
    });
    const answer = await ask(PILOT);
    expect(read).toContain('def take(self, host)');
    expect(read).toContain(QUESTION);
    expect(answer.author).toEqual({ kind: 'chosen', model: 'Pilot', sentTo: 'Pilot (harbour)' });
    expect(answer.markdown).toContain('takes a connection');
    expect(answer.citations[0]).toMatchObject({ path: 'src/pool.py' });
    expect(answer.notices.join('\n')).toContain('sent to Pilot (harbour)');
  });

  test('that fails leaves the quotes, with the reason', async () => {
    await ready();
    clientWrites(() => {
      throw new Error('No quota is left.');
    });
    const answer = await ask({ name: 'Pilot', contextTokens: 8192 });
    expect(answer.author).toEqual({ kind: 'extractive' });
    expect(answer.citations.length).toBeGreaterThan(0);
    expect(answer.notices.join('\n')).toContain('No quota is left');
  });
});

describe('a server', () => {
  let server: FakeServer;
  beforeEach(async () => {
    server = await new FakeServer().start();
  });
  afterEach(() => server.stop());
  const settings = () => ({ modelServer: `${server.base}#tiny:1b` });

  test('writes answers and chats, and its text stays on this machine', async () => {
    server.chat = (_request, response) =>
      server.stream(response, ['Pool.take takes a connection ', 'for a host [1].'], 'stop');
    await ready(settings());
    const answer = await ask();
    expect(answer.author).toEqual({ kind: 'chosen', model: `tiny:1b (127.0.0.1:${server.port})` });
    expect(answer.notices.join('\n')).not.toContain('left this machine');
    const chat = [{ role: 'user', content: 'Hello' }] as const;
    const written = await worker.request('chat/write', { id: 'c', chat, maxNewTokens: 20 });
    expect(written).toEqual({ text: 'Pool.take takes a connection for a host [1].', stopped: 'end' });
    const parts = worker.received['chat/text'].filter(({ id }) => id === 'c').map(({ text }) => text);
    expect(parts.join('')).toBe(written.text);
  });

  test.each([
    ['ends in the middle of a word', /middle of its answer/],
    ['streams garbage', /no answer/],
  ])('that %s leaves the quotes, with the reason', async (how, reason) => {
    server.chat = (_request, response) =>
      how === 'streams garbage' ? void response.end('<html>') : server.stream(response, ['Pool.ta']);
    await ready(settings());
    const answer = await ask();
    expect(answer.author).toEqual({ kind: 'extractive' });
    expect(answer.notices.join('\n')).toMatch(reason);
  });

  test('on another machine is not asked, and the answer says why', async () => {
    await ready({ modelServer: 'http://gpu.example.com/v1#m' });
    const answer = await ask();
    expect(answer.author).toEqual({ kind: 'extractive' });
    expect(answer.notices.join('\n')).toContain('gpu.example.com is not this machine');
  });

  test('without a model a chat is refused with the next step', async () => {
    await ready();
    const chat = [{ role: 'user', content: 'Hello' }] as const;
    await expect(worker.request('chat/write', { id: 'c', chat, maxNewTokens: 5 })).rejects.toThrow(
      /No model is chosen/,
    );
  });
});
