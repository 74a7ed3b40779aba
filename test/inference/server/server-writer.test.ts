import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseServer, ServerModel, ServerWriter } from '../../../src/inference/server';
import { readChatStream } from '../../../src/inference/server/chat-stream';
import { FakeServer } from './fake-server';

let server: FakeServer;
beforeEach(async () => {
  server = await new FakeServer().start();
});
afterEach(() => server.stop());

const choice = (model = 'tiny:1b') => parseServer(`${server.base}#${model}`, []);
const connect = (silence = 5_000) => ServerWriter.connect(choice(), { silence });
const CHAT = [{ role: 'user', content: 'What is a quay?' }] as const;

async function write(
  options: { signal?: AbortSignal; silence?: number } = {},
): Promise<{ text: string; heard: string }> {
  const writer = await connect(options.silence);
  let heard = '';
  const written = await writer.write(CHAT, {
    maxNewTokens: 50,
    onText: (text) => (heard += text),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  return { text: written.text, heard };
}

describe('the address of a server', () => {
  it.each([
    ['http://127.0.0.1:11434/v1#a:1b', 'http://127.0.0.1:11434/v1', 'a:1b'],
    ['http://localhost:1234#b', 'http://localhost:1234/v1', 'b'],
    ['http://[::1]:8080/v1/#c%20d', 'http://[::1]:8080/v1', 'c d'],
    ['http://127.8.9.1/api/v1#e', 'http://127.8.9.1/api/v1', 'e'],
  ])('%s is on this machine', (text, base, model) =>
    expect(parseServer(text, [])).toMatchObject({ base, model, isLoopback: true }),
  );

  it.each([
    'https://api.example.com/v1#m',
    'http://192.168.1.5:11434/v1#m',
    'http://127.0.0.1.example.com/v1#m',
    'http://localhost.example.com/v1#m',
    'http://0.0.0.0:11434/v1#m',
    'http://[fe80::1]/v1#m',
  ])('%s is refused unless its host is allowed by name', (text) => {
    expect(() => parseServer(text, [])).toThrow(/is not this machine, so no text is sent to it/);
    expect(() => parseServer(text, ['example.com', '192.168.1'])).toThrow(/is not this machine/);
    const { hostname } = new URL(text);
    expect(parseServer(text, [hostname]).isLoopback).toBe(false);
  });

  it.each(['', 'nonsense', 'ftp://127.0.0.1/v1#m', 'http://127.0.0.1:1/v1', 'http://user:word@127.0.0.1/v1#m'])(
    '“%s” is refused with the reason',
    (text) => expect(() => parseServer(text, ['127.0.0.1'])).toThrow(Error),
  );
});

describe('a server on this machine', () => {
  it('writes what it streams, after the messages and limits it was given', async () => {
    expect(await write()).toEqual({ text: 'Hello world.', heard: 'Hello world.' });
    expect(server.requests.at(-1)?.body).toMatchObject({
      model: 'tiny:1b',
      messages: CHAT,
      stream: true,
      max_tokens: 50,
      temperature: 0,
    });
  });

  it('is told from one on another machine by its author', async () => {
    expect((await connect()).author).toEqual({ kind: 'chosen', model: `tiny:1b (127.0.0.1:${server.port})` });
    const remote = { ...choice(), isLoopback: false, host: 'gpu.example.com' };
    expect((await ServerWriter.connect(remote)).author).toMatchObject({ sentTo: 'gpu.example.com' });
  });

  it('takes the model’s window from servers that tell it', async () => {
    expect((await connect()).contextTokens).toBe(4096);
  });

  it('that has no such model is not used', async () => {
    await expect(ServerWriter.connect(choice('other'))).rejects.toThrow(/has no model “other”/);
    server.models = { data: 'many' };
    await expect(connect()).rejects.toThrow(/does not list its models/);
    server.models = { data: [null, 5, {}, { id: '' }] };
    await expect(connect()).rejects.toThrow(/has no model/);
  });

  it('that does not run is named', async () => {
    const gone = choice();
    await server.stop();
    await expect(ServerWriter.connect(gone)).rejects.toThrow(/^The server 127\.0\.0\.1:\d+ does not run\.$/);
    await server.start();
  });

  it('that stalls is given up, before the first word and after it', async () => {
    server.chat = () => undefined;
    await expect(write({ silence: 200 })).rejects.toThrow(/was silent/);
    server.chat = (_request, response) =>
      void response.writeHead(200).write('data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n');
    await expect(write({ silence: 200 })).rejects.toThrow(/was silent/);
  });

  it.each([undefined, 'reset'])('that ends in the middle of a word writes nothing (%s)', async (how) => {
    server.chat = (_request, response) => {
      if (how === undefined) return server.stream(response, ['Hel']);
      response.writeHead(200, { 'content-length': 1000 }).write('data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n');
      setTimeout(() => response.destroy(), 20);
    };
    await expect(write()).rejects.toThrow(/ended in the middle|before the answer was complete/);
  });

  it.each([
    ['<html>Welcome</html>', /no answer/],
    ['data: {"choices":[{"delta":{"content":7}}]}\n\n', /no answer/],
    ['data: nonsense\n\n', /no answer/],
    ['data: null\n\n', /no answer/],
    ['data: {"error":{"message":"out\\nof memory"}}\n\n', /reports an error \(out of memory\)/],
    ['\u0000\u0001\u0002', /no answer|ended/],
    ['', /ended in the middle/],
  ])('that streams garbage is an error: %j', async (text, reason) => {
    server.chat = (_request, response) => void response.end(text);
    await expect(write()).rejects.toThrow(reason);
  });

  it('that says what is wrong is quoted', async () => {
    server.chat = (_request, response) => void response.writeHead(500).end('{"error":"model requires more memory"}');
    await expect(write()).rejects.toThrow(/status 500 \(model requires more memory\)/);
  });

  it('that sends text elsewhere is not followed', async () => {
    const other = await new FakeServer().start();
    server.chat = (_request, response) =>
      void response.writeHead(307, { location: `${other.base}/chat/completions` }).end();
    await expect(write()).rejects.toThrow(/status 307/);
    expect(other.requests).toEqual([]);
    await other.stop();
  });

  it('that does not stop is stopped', async () => {
    let isClosed = false;
    server.chat = (_request, response) => {
      response.writeHead(200);
      const more = () => {
        if (response.destroyed) return (isClosed = true);
        response.write('data: {"choices":[{"delta":{"content":"and so on "}}]}\n\n');
        return setImmediate(more);
      };
      more();
    };
    const writer = await connect();
    const { text, stopped } = await writer.write(CHAT, { maxNewTokens: 10, onText: () => undefined });
    expect(stopped).toBe('length');
    expect(text.length).toBeLessThan(400);
    await expect.poll(() => isClosed).toBe(true);
  });

  it('stops at a cancel and keeps what was written', async () => {
    const abort = new AbortController();
    server.chat = (_request, response) => {
      response.writeHead(200).write('data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n');
      setTimeout(() => abort.abort(), 50);
    };
    expect(await write({ signal: abort.signal })).toEqual({ text: 'Hello', heard: 'Hello' });
  });

  it('any stream ends with a text or a reason', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 40 }),
            fc.constantFrom(
              ...[
                'data: {"choices":[{"delta":{"content":"é"}}]}\n',
                '\n',
                'data: [DONE]\n',
                ': ping\r\n',
                'data: {',
              ].map((text) => new TextEncoder().encode(text)),
            ),
          ),
          { maxLength: 12 },
        ),
        async (parts) => {
          const stream = (async function* () {
            for (const part of parts) yield await Promise.resolve(Buffer.from(part));
          })();
          try {
            const made = await readChatStream(stream, { host: 'h', most: 100, onText: () => undefined });
            expect(typeof made.text).toBe('string');
          } catch (error) {
            expect((error as Error).message).toMatch(/^The server h /);
          }
        },
      ),
      { numRuns: 2_000 },
    ));
});

describe('the chosen server', () => {
  it('is connected, failed with the reason, and connected again before the next question', async () => {
    const states: string[] = [];
    const model: ServerModel = new ServerModel(() => states.push(model.status.state));
    await model.choose({ address: `${server.base}#tiny:1b`, allowedHosts: [] });
    expect(model.status).toMatchObject({ state: 'ready', name: 'tiny:1b' });
    server.chat = (_request, response) => void response.destroy();
    const writer = model.writer();
    await expect(writer?.write(CHAT, { maxNewTokens: 5, onText: () => undefined })).rejects.toThrow();
    expect(model.status.state).toBe('failed');
    expect(model.writer()).toBeUndefined();
    await model.settled();
    expect(model.status.state).toBe('ready');
    await model.choose({ address: 'https://api.example.com/v1#m', allowedHosts: [] });
    expect(model.status).toMatchObject({
      state: 'failed',
      detail: expect.stringMatching(/is not this machine/) as string,
    });
    await model.choose(undefined);
    expect(model.status.state).toBe('none');
    expect(states[0]).toBe('loading');
  });
});
