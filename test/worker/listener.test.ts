import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Listener } from '../../src/worker/listener';

let directory: string;
let path: string;
const listeners: Listener[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-listen-'));
  path = join(directory, 'a.sock');
});
afterEach(() => {
  for (const listener of listeners.splice(0)) listener.release();
  rmSync(directory, { recursive: true, force: true });
});

interface Seen {
  gone: number;
  abandoned: Promise<void>;
}

async function open(linger = 60_000): Promise<[Listener | undefined, Seen]> {
  let leave = (): void => undefined;
  const seen: Seen = { gone: 0, abandoned: new Promise((resolve) => (leave = resolve)) };
  const accept = () => () => void seen.gone++;
  const listener = await Listener.open({ path, accept, abandoned: () => leave(), linger });
  if (listener) listeners.push(listener);
  return [listener, seen];
}

async function client(): Promise<Socket> {
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}

describe.skipIf(process.platform === 'win32')('a socket', () => {
  test('is open to the user alone', async () => {
    await open();
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  test('has one listener; the next begins when it has let go', async () => {
    const [first] = await open();
    expect((await open())[0]).toBeUndefined();
    first?.release();
    expect((await open())[0]).toBeDefined();
  });

  test('left behind with its lock by a process that was killed is taken over', async () => {
    writeFileSync(path, '');
    writeFileSync(`${path}.lock`, JSON.stringify({ pid: 2 ** 22 + 1, token: 'gone', since: 1 }));
    const [listener] = await open();
    expect(listener).toBeDefined();
    (await client()).destroy();
  });
});

test('the worker is abandoned once its last client has gone', async () => {
  const [listener, seen] = await open(1);
  await seen.abandoned;
  const [first, second] = await Promise.all([client(), client()]);
  await expect.poll(() => listener?.clients).toBe(2);
  first.destroy();
  await expect.poll(() => seen.gone).toBe(1);
  second.destroy();
  await expect.poll(() => seen.gone).toBe(2);
});
