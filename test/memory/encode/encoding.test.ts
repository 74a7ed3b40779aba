import { statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Workspace } from '../../../src/workspace/workspace';
import { MemoryEncoding, type EncodingOptions, MemoryStore } from '../../../src/memory';
import { bundle, SETTINGS, TestWorkspace } from '../../workspace/files';
import { ByteCoder, memoryOf } from '../byte-coder';
import { killWhileEncoding } from './encoding-kill';

let disk: TestWorkspace;
let workspace: Workspace;
let store: MemoryStore;
let coder: ByteCoder;
let encodings: MemoryEncoding[];

beforeEach(async () => {
  disk = new TestWorkspace();
  disk.fill(12);
  const threadScript = bundle('src/workspace/segments/thread.ts', join(disk.scratch, 'segment-thread.js'));
  workspace = await Workspace.open({
    folders: disk.folders,
    storageDirectory: disk.storage,
    settings: SETTINGS,
    threadScript,
  });
  await workspace.start();
  coder = new ByteCoder();
  store = await openStore();
  encodings = [];
});
afterEach(async () => {
  for (const encoding of encodings) await encoding.close();
  await store.close();
  await workspace.close();
  disk.dispose();
});

function openStore(budgetBytes = 1e9, packBytes = 1e6): Promise<MemoryStore> {
  return MemoryStore.open({
    directory: join(disk.scratch, 'memories'),
    budgetBytes,
    version: coder.version,
    packBytes,
  });
}

function encode(options: Partial<EncodingOptions> = {}): MemoryEncoding {
  const encoding = new MemoryEncoding({ workspace, store, coder, ...options });
  encodings.push(encoding);
  return encoding;
}

describe('MemoryEncoding', () => {
  it('encodes every segment of every document once, covering the whole text', async () => {
    const encoding = encode();
    await encoding.run();
    const { encoded, segments } = encoding.status();
    expect(encoded).toBe(segments);
    expect(segments).toBe([...workspace.documents()].reduce((sum, each) => sum + each.segments, 0));
    expect(new Set(coder.encoded).size).toBe(coder.encoded.length);
    for (const { path, units } of encoding.documents()) {
      const { document } = (await workspace.indexed(path))!;
      const text = units.map(({ start, end }) => document.text.slice(start, end)).join('');
      expect(text.replace(/\s+/g, '')).toBe(document.text.replace(/\s+/g, ''));
      for (const { key, start, end } of units) {
        expect(Buffer.from((await store.coarse(key))!)).toEqual(
          Buffer.from(memoryOf(document.text.slice(start, end)).coarse),
        );
      }
    }
  });

  it('encodes nothing again after a restart, and only the edited segments after an edit', async () => {
    await encode().run();
    const encoding = encode();
    coder.encoded.length = 0;
    await encoding.run();
    expect(coder.encoded).toEqual([]);
    const [first] = [...workspace.documents()].filter(({ segments }) => segments > 1);
    const { document } = (await workspace.indexed(first!.path))!;
    disk.put(first!.path, `${document.text.trimEnd()} and words that were not there\n`);
    await workspace.applyChanges([{ file: first!.file, type: 'changed' }]);
    await encoding.run();
    expect(coder.encoded.length).toBe(1);
    expect(coder.encoded[0]).toContain('words that were not there');
    expect(encoding.status()).toMatchObject({ encoded: encoding.status().segments });
  });

  it('encodes open files first', async () => {
    const last = [...workspace.documents()].at(-1)!;
    const encoding = encode({ batchCharacters: 1 });
    encoding.setOpen([last.file]);
    await encoding.run();
    const { document } = (await workspace.indexed(last.path))!;
    expect(document.text).toContain(coder.encoded[0]);
  });

  it('encodes the latest changes next, regardless of file names', async () => {
    const paths = [...workspace.documents()].map(({ path }) => path).sort();
    for (const [i, path] of paths.entries())
      utimesSync(join(disk.root, path), 1_000 + ((i * 5) % 12), 1_000 + ((i * 5) % 12));
    await workspace.applyChanges([...workspace.documents()].map(({ file }) => ({ file, type: 'changed' })));
    const encoding = encode();
    await encoding.run();
    const times = [...encoding.documents()].map(({ path }) => statSync(join(disk.root, path)).mtimeMs);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(new Set(times).size).toBe(12);
  });

  it('encodes a file saved during a pass before the rest', async () => {
    const encoding = encode({ batchCharacters: 1 });
    // The third segment waits until the file is saved.
    let go = (): void => undefined;
    const saved = new Promise<void>((resolve) => (go = resolve));
    const own = coder.encode.bind(coder);
    let asked = 0;
    vi.spyOn(coder, 'encode').mockImplementation(async (texts, signal) => {
      if (++asked === 3) await saved;
      return own(texts, signal);
    });
    const run = encoding.run();
    await expect.poll(() => asked, { interval: 1 }).toBe(3);
    const [first] = [...encoding.documents()];
    const { document } = (await workspace.indexed(first!.path))!;
    disk.put(first!.path, `${document.text.trimEnd()} saved meanwhile\n`);
    await workspace.applyChanges([{ file: first!.file, type: 'changed' }]);
    const before = coder.encoded.length;
    void encoding.run();
    go();
    await run;
    const at = coder.encoded.findIndex((text) => text.includes('saved meanwhile'));
    expect(at).toBeGreaterThanOrEqual(before);
    expect(coder.encoded.length - at).toBeGreaterThan(coder.encoded.length / 3);
    expect(encoding.status()).toMatchObject({ encoded: encoding.status().segments });
  });

  it('counts unsaved text as it is, and reads it once', async () => {
    const encoding = encode();
    await encoding.run();
    const [first] = [...workspace.documents()].filter(({ path }) => path.endsWith('.md'));
    const { document } = (await workspace.indexed(first!.path))!;
    const { segments } = encoding.status();
    await workspace.setUnsaved(
      first!.file,
      `${document.text}\n${Array.from({ length: 80 }, (_, i) => `## Part ${i}\n\nTyped words of part ${i}, and some more of them.\n`).join('\n')}`,
    );
    await encoding.run();
    expect(encoding.status().segments).toBeGreaterThan(segments);
    expect(encoding.status()).toMatchObject({
      encoded: workspace.status().segments,
      segments: workspace.status().segments,
    });
    const read = vi.spyOn(workspace, 'indexed');
    await encoding.run();
    expect(read).not.toHaveBeenCalled();
  });

  it('counts an edited text that is not encoded yet as missing, not twice', async () => {
    const encoding = encode({ batchCharacters: 1 });
    await encoding.run();
    const { segments } = encoding.status();
    const edited = [...workspace.documents()].slice(0, 2);
    for (const { path } of edited) disk.put(path, 'other words\n');
    await workspace.applyChanges(edited.map(({ file }) => ({ file, type: 'changed' })));
    encoding.pause(true);
    const run = encoding.run();
    await expect.poll(() => encoding.status().encoded).toBeLessThan(segments - 1);
    expect(encoding.status().segments).toBe(workspace.status().segments);
    encoding.pause(false);
    await run;
    expect(encoding.status()).toMatchObject({
      encoded: workspace.status().segments,
      segments: workspace.status().segments,
    });
  });

  it('encodes records again that the store has lost', async () => {
    const encoding = encode();
    await encoding.run();
    const { segments } = encoding.status();
    await store.clear();
    await encoding.run();
    expect(encoding.status()).toMatchObject({ encoded: segments, segments });
  });

  it('waits while paused, and reports the progress so far', async () => {
    const encoding = encode({ batchCharacters: 1 });
    encoding.pause(true);
    const run = encoding.run();
    await expect
      .poll(() => encoding.status())
      .toMatchObject({ paused: true, encoded: 0, counting: false, standstill: { cause: 'paused' } });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(coder.encoded).toEqual([]);
    encoding.pause(false);
    await run;
    expect(encoding.status()).toMatchObject({ paused: false, encoded: encoding.status().segments });
  });

  it('yields before each batch', async () => {
    let given = 0;
    const own = coder.encode.bind(coder);
    vi.spyOn(coder, 'encode').mockImplementation((texts, signal) => {
      expect(given).toBeGreaterThan(0);
      given = 0;
      return own(texts, signal);
    });
    await encode({ batchCharacters: 1, yieldToForeground: async () => void given++ }).run();
    expect(coder.encoded.length).toBeGreaterThan(12);
  });

  it('encodes nothing in a second window, follows the first, and takes over when it ends', async () => {
    const other = await openStore();
    const following = encode({ store: other, followMs: 5 });
    await following.run();
    expect(coder.encoded).toEqual([]);
    const { segments } = following.status();
    expect(following.status()).toMatchObject({ encoded: 0, counting: false, standstill: { cause: 'otherWindow' } });
    // The first window encodes three segments, then ends.
    const own = coder.encode.bind(coder);
    let left = 3;
    vi.spyOn(coder, 'encode').mockImplementation((texts, signal) =>
      left-- > 0 ? own(texts, signal) : Promise.reject(new Error('held')),
    );
    const first = encode({ batchCharacters: 1, retryMs: 1e6 });
    await first.run();
    expect(first.status().encoded).toBe(3);
    await expect.poll(() => following.status().encoded, { timeout: 5_000 }).toBe(3);
    const [key] = [...other.keys()];
    expect(await other.coarse(key!)).toEqual(await store.coarse(key!));
    left = Infinity;
    await first.close();
    await store.close();
    await expect.poll(() => following.status().encoded, { timeout: 5_000 }).toBe(segments);
    expect(following.status().standstill).toBe(undefined);
    expect(new Set(coder.encoded).size).toBe(coder.encoded.length);
    await following.close();
    await other.close();
    store = await openStore();
    expect(store.stats()).toMatchObject({ segments: new Set(coder.encoded).size, lostBytes: 0 });
  });

  it('knows the exact number of segments before the rest is encoded, and its share never falls', async () => {
    // A single line gives several units; white space gives none.
    const files = [
      disk.put('data/huge.txt', Array.from({ length: 6_000 }, (_, i) => `value${i}`).join(' ')),
      disk.put('data/blank.txt', `words\n${'\n'.repeat(4_000)}more\n`),
    ];
    await workspace.applyChanges(files.map((file) => ({ file, type: 'created' })));
    expect(workspace.status().segments).toBeGreaterThan(0);
    const shares: number[] = [];
    const totals = new Set<number>();
    const encoding = encode({
      batchCharacters: 1,
      changed: () => {
        const { encoded, segments, counting } = encoding.status();
        if (!counting) totals.add(segments);
        if (!counting) shares.push(encoded / segments);
      },
    });
    expect(encoding.status().counting).toBe(true);
    const open = [...workspace.documents()].at(-1)!.file;
    encoding.setOpen([open]);
    const own = coder.encode.bind(coder);
    const counted: boolean[] = [];
    vi.spyOn(coder, 'encode').mockImplementation(
      (texts, signal) => (counted.push(!encoding.status().counting), own(texts, signal)),
    );
    await encoding.run();
    const { encoded, segments } = encoding.status();
    expect([...totals]).toEqual([segments]);
    expect(encoded).toBe(segments);
    expect(segments).not.toBe(workspace.status().segments);
    expect(segments).toBe([...encoding.documents()].reduce((sum, { units }) => sum + units.length, 0));
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    // Counting delayed only files that are not open.
    const urgent = counted.indexOf(true);
    expect(urgent).toBeGreaterThan(0);
    expect(counted.slice(urgent)).not.toContain(false);
    expect(urgent).toBe(encoding.document([...workspace.documents()].at(-1)!.path)!.units.length);
  });

  it('makes stored segments usable before missing ones are encoded', async () => {
    await encode().run();
    const { document } = (await workspace.indexed([...workspace.documents()][0]!.path))!;
    disk.put(document.path, `${document.text.trimEnd()} and words that were not there\n`);
    await workspace.applyChanges([{ file: document.file, type: 'changed' }]);
    const encoding = encode();
    vi.spyOn(coder, 'encode').mockImplementation(() => {
      const { encoded, segments } = encoding.status();
      expect(encoded).toBe(segments - 1);
      return Promise.reject(new Error('seen'));
    });
    await encoding.run();
    expect(encoding.status().standstill?.reason).toContain('seen');
  });

  it('counts changes while paused', async () => {
    const told: boolean[] = [];
    const encoding = encode({ changed: () => told.push(encoding.status().counting) });
    encoding.pause(true);
    const run = encoding.run();
    await expect.poll(() => told.at(-1)).toBe(false);
    const { segments } = encoding.status();
    const file = disk.put('src/late.txt', 'a line that came late\n');
    await workspace.applyChanges([{ file, type: 'created' }]);
    void encoding.run();
    await expect.poll(() => encoding.status()).toMatchObject({ segments: segments + 1, encoded: 0, counting: false });
    encoding.pause(false);
    await run;
    expect(encoding.status()).toMatchObject({ encoded: segments + 1 });
  });

  it('reports why it stopped when the model fails, and resumes automatically', async () => {
    coder.failing = new Error('the model process ended');
    const encoding = encode({ retryMs: 5 });
    await encoding.run();
    expect(encoding.status()).toMatchObject({
      encoded: 0,
      standstill: {
        cause: 'modelFailed',
        reason: 'The model failed (the model process ended). Anchorage will try again.',
      },
    });
    coder.failing = undefined;
    await expect.poll(() => encoding.status().standstill).toBe(undefined);
    await expect.poll(() => encoding.status().encoded, { timeout: 5_000 }).toBe(encoding.status().segments);
  });

  it('reports a full disk or an unwritable folder, and resumes automatically', async () => {
    const put = vi
      .spyOn(store, 'put')
      .mockRejectedValueOnce(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
    const encoding = encode({ retryMs: 5 });
    await encoding.run();
    expect(encoding.status().standstill).toEqual({
      cause: 'storeUnwritable',
      reason: 'Memories cannot be stored: the disk is full. Anchorage will try again.',
    });
    await expect.poll(() => encoding.status().encoded, { timeout: 5_000 }).toBe(encoding.status().segments);
    expect(encoding.status().standstill).toBe(undefined);
    put.mockRestore();
    // A file is in the place of a folder.
    const file = disk.put('no-folder', 'text');
    const nowhere = await MemoryStore.open({
      directory: join(file, 'memories'),
      budgetBytes: 1e9,
      version: coder.version,
    });
    const other = encode({ store: nowhere, followMs: 5 });
    await other.run();
    expect(other.status().standstill).toMatchObject({
      cause: 'storeUnwritable',
      reason: expect.stringContaining('cannot be written') as unknown,
    });
    // Once the folder can be created, memories are stored.
    const { rmSync } = await import('node:fs');
    rmSync(file);
    await expect.poll(() => other.status().encoded, { timeout: 5_000 }).toBe(encoding.status().segments);
    await other.close();
    await nowhere.close();
  });

  it('stays within its budget and reports what is not encoded, instead of encoding in a loop', async () => {
    await store.close();
    store = await openStore(4_000, 1_000);
    const encoding = encode({ batchCharacters: 1 });
    await encoding.run();
    const { encoded, segments, standstill } = encoding.status();
    expect(encoded).toBeLessThan(segments);
    expect(standstill).toMatchObject({ cause: 'budgetFull', reason: expect.stringContaining('budget') });
    expect(coder.encoded.length).toBeLessThan(2 * segments);
    expect(store.stats().bytes).toBeLessThan(6_000);
    // A later pass with nothing to do reports it too; otherwise it would seem to be encoding.
    const { length } = coder.encoded;
    await encoding.run();
    expect(encoding.status().standstill).toMatchObject({ cause: 'budgetFull' });
    expect(coder.encoded.length).toBe(length);
  });

  it('encodes a huge line in parts that cover all of it', async () => {
    const line = Array.from({ length: 3_000 }, (_, i) => `value${i}`).join(' ');
    const file = disk.put('data/huge.txt', line);
    await workspace.applyChanges([{ file, type: 'created' }]);
    const encoding = encode();
    await encoding.run();
    const { units } = encoding.document('data/huge.txt')!;
    expect(units.length).toBeGreaterThan(2);
    expect(units.map(({ start, end }) => line.slice(start, end)).join('')).toBe(line);
    expect(Math.max(...coder.encoded.map((text) => text.length))).toBeLessThanOrEqual(8_000);
  });

  it('drops deleted files', async () => {
    const encoding = encode();
    await encoding.run();
    const before = encoding.status().segments;
    const [first] = [...workspace.documents()];
    const { rmSync } = await import('node:fs');
    rmSync(first!.file);
    await workspace.applyChanges([{ file: first!.file, type: 'deleted' }]);
    await encoding.run();
    expect(encoding.status().segments).toBe(before - first!.segments);
  });

  it('survives SIGKILL while it encodes', () => killWhileEncoding(4), 120_000);
});
