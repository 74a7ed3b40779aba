import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { openCheckpoint } from '../../src/engine';
import { writeTinyCheckpoint } from '../inference/checkpoints';
import { buildBundles, SETTINGS, WorkerUnderTest, writeFiles } from './harness';

const TRAINED = 128;

let bundles: string;
let directory: string;
let model: string;
let worker: WorkerUnderTest;

beforeAll(async () => {
  bundles = buildBundles();
  directory = mkdtempSync(join(tmpdir(), 'anchorage-extend-'));
  model = join(directory, 'model');
  writeTinyCheckpoint(model);
  const config = join(model, 'config.json');
  const stored = JSON.parse(readFileSync(config, 'utf8')) as object;
  writeFileSync(config, JSON.stringify({ ...stored, max_position_embeddings: TRAINED }));
  writeFiles(join(directory, 'w'), { 'tides.md': '# Tides\n\n' + 'High water follows the moon. '.repeat(30) });
  worker = new WorkerUnderTest(bundles);
  await worker.initialize({
    folders: [{ name: 'w', directory: join(directory, 'w') }],
    storageDirectory: join(directory, 'storage'),
    settings: { ...SETTINGS, modelDirectory: model },
  });
  await worker.indexed();
});
afterAll(async () => {
  await worker.end();
  for (const each of [bundles, directory]) rmSync(each, { recursive: true, force: true });
});

const windowOf = async (): Promise<number> => {
  const checkpoint = await openCheckpoint(model);
  await checkpoint.close();
  return checkpoint.config.maxPositions;
};
const told = (id: string) => worker.received['work/progress'].filter((each) => each.id === id);
const trials = (id: string) => told(id).map(({ message }) => Number(/^(\d+) of/.exec(message)?.[1] ?? 0));

describe('the chosen model’s window', () => {
  test('is extended on the workspace’s text, resumes after a cancel, and is stored with the model', async () => {
    const cancel = new CancellationTokenSource();
    const first = worker.request('model/extendWindow', { id: 'a', factor: 2 }, cancel);
    await worker.until('work/progress', ({ id, message }) => id === 'a' && /^3 of \d+ trials/.test(message));
    cancel.cancel();
    await expect(first).rejects.toMatchObject({ data: { code: 'cancelled' } });
    expect(await windowOf()).toBe(TRAINED);
    expect(readdirSync(model).filter((name) => name.startsWith('rope_'))).toEqual(['rope_search_dcis-2x.json']);

    // The text that the search began with stays, although the file is another.
    writeFiles(join(directory, 'w'), { 'tides.md': '# Ebb\n\n' + 'Low water comes six hours later. '.repeat(30) });
    const { window, note } = await worker.request('model/extendWindow', { id: 'b', factor: 2 });
    expect(trials('b').find((done) => done > 0)).toBeGreaterThan(1);
    expect(window).toBe(2 * TRAINED);
    expect(note).toMatch(/^DCIS by perplexity/);
    expect(await windowOf()).toBe(2 * TRAINED);
    expect(readdirSync(model).filter((name) => name.startsWith('rope_'))).toEqual(['rope_factors.json']);
    const shares = told('b').map(({ fraction }) => fraction);
    expect(shares).toEqual([...shares].sort((x, y) => x - y));
    expect(shares.at(-1)).toBe(1);
  });

  test('needs as much text as the window holds', async () => {
    await expect(worker.request('model/extendWindow', { id: 'c', factor: 64 })).rejects.toMatchObject({
      message: expect.stringMatching(/has [\d,]+ tokens of text\. A window of 8,192 needs as many/) as string,
      data: { hint: expect.stringContaining('smaller factor') as string },
    });
  });
});
