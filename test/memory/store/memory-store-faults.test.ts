/** Each call of the file system fails once while a store with records is opened, written and closed. */
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../src/memory';
import { scratchFolder } from '../../campaigns/drive';
import { FaultyFiles } from '../../faults/faulty-files';
import { memoryOf } from '../byte-coder';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
let directory: string;
let faults: FaultyFiles;
beforeEach(async () => {
  folder = await scratchFolder();
  directory = `${folder.path}/memories`;
  faults = new FaultyFiles(folder.path).install();
});
afterEach(async () => {
  faults.uninstall();
  await folder.remove();
});

const key = (i: number): string => String(i).padStart(32, '0');
const open = (): Promise<MemoryStore> => MemoryStore.open({ directory, budgetBytes: 1e9, version: 'test' });

async function put(store: MemoryStore, i: number): Promise<void> {
  const { tokens, coarseRows: coarse, restRows: rest, bytesPerRow, ...payload } = memoryOf(`text ${i}`);
  await store.put(key(i), tokens, { coarse, rest, bytesPerRow }, payload);
}

/** Opens the store, adds a record and closes it. Resolves to an error instead of rejecting. */
async function use(i: number): Promise<Error | undefined> {
  let failure: Error | undefined;
  const note = (error: unknown): void => void (failure = error as Error);
  const store = await open().catch(note);
  if (!store) return failure;
  await put(store, i).catch(note);
  await store.close().catch(note);
  return failure;
}

const descriptors = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);

describe('a store whose disk fails', () => {
  it.each([
    ['EIO', false],
    ['ENOSPC', true],
  ])('for any one call (%s) keeps every record of before, and can be written afterwards', async (code, sticky) => {
    const store = await open();
    for (let i = 0; i < 3; i++) await put(store, i);
    await store.close();
    faults.arm({ at: 0, code });
    expect(await use(3)).toBeUndefined();
    const { calls } = faults;
    expect(calls).toBeGreaterThan(10);
    const before = descriptors();
    for (let at = 1; at <= calls; at++) {
      faults.arm({ at, code, sticky });
      await use(100 + at);
      faults.disarm();
      const again = await open();
      expect(again.writable, `call ${at}`).toBe(true);
      for (let i = 0; i < 4; i++) {
        expect(again.has(key(i)), `call ${at}, record ${i}`).toBe(true);
        expect(Buffer.from((await again.coarse(key(i)))!), `call ${at}`).toEqual(
          Buffer.from(memoryOf(`text ${i}`).coarse),
        );
      }
      await again.close();
    }
    expect(descriptors()).toBeLessThanOrEqual(before);
  });

  it('is not writable for now, and is when the disk works again', async () => {
    await rm(directory, { recursive: true, force: true });
    faults.arm({ at: 1, code: 'ENOSPC', sticky: true });
    const store = await open();
    expect(store.writable).toBe(false);
    expect(store.unwritable).toBe('ENOSPC');
    faults.disarm();
    await store.refresh();
    expect(store.writable).toBe(true);
    await put(store, 1);
    expect(store.has(key(1))).toBe(true);
    await store.close();
  });
});
