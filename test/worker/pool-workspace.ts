/** A small workspace for each test, and workers on it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { ResponseError } from 'vscode-jsonrpc/node';
import type { ErrorData } from '../../src/protocol';
import { buildBundles, WorkerUnderTest, writeFiles } from './harness';

export const FILES = {
  'src/pool.py':
    'class Pool:\n    """Keeps connections open."""\n\n    def take(self, host):\n        """Takes a connection for a host."""\n        return self.free.pop(host)\n',
  'src/client.py':
    'from pool import Pool\n\n\ndef fetch(url):\n    """Fetches a page over a pooled connection."""\n    return Pool().take(url.host)\n',
  'README.md': '# Pool\n\nReuses connections.\n',
  '.gitignore': '*.log\n',
  'noise.log': 'a line\n',
};

export let bundles: string;
export let directory: string;
export let workers: WorkerUnderTest[];
beforeAll(() => {
  bundles = buildBundles();
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-worker-'));
  workers = [];
  writeFiles(join(directory, 'w'), FILES);
});
afterEach(async () => {
  for (const worker of workers) await worker.end();
  rmSync(directory, { recursive: true, force: true });
});

export function start(): WorkerUnderTest {
  const worker = new WorkerUnderTest(bundles);
  workers.push(worker);
  return worker;
}

export const folders = () => [{ name: 'w', directory: join(directory, 'w') }];
export const storageDirectory = () => join(directory, 'storage');
export const file = (path: string) => join(directory, 'w', path);

export async function ready(
  options: Partial<Parameters<WorkerUnderTest['initialize']>[0]> = {},
): Promise<WorkerUnderTest> {
  const worker = start();
  await worker.initialize({ folders: folders(), storageDirectory: storageDirectory(), ...options });
  await worker.indexed();
  return worker;
}

export function code(error: unknown): string | undefined {
  return (error as ResponseError<ErrorData>).data?.code;
}

/** Many files, so that indexing takes a while. */
export function writeMany(count: number): void {
  const body = (index: number) =>
    Array.from(
      { length: 60 },
      (_, line) =>
        `def step_${index}_${line}(value):\n    """Step ${line} of module ${index}."""\n    return value * ${line}\n`,
    ).join('\n\n');
  writeFiles(
    join(directory, 'w'),
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`many/module_${index}.py`, body(index)])),
  );
}
