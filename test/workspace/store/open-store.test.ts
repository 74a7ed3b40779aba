/** How long a command waits for the process that writes the index. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { indexFolder } from '../../../src/workspace/store/folders';
import { markComplete, openStore, type OpenStore } from '../../../src/workspace/store/open-store';

let storage: string;
let lock: string;
beforeEach(() => {
  storage = mkdtempSync(join(tmpdir(), 'anchorage-open-store-'));
  mkdirSync(indexFolder(storage));
  lock = join(indexFolder(storage), 'lock');
});
afterEach(() => rmSync(storage, { recursive: true, force: true }));

const hold = (since: number): void =>
  writeFileSync(lock, JSON.stringify({ pid: process.ppid, token: 'theirs', since }));

async function closed({ catalogue, lexical, lock: own }: OpenStore): Promise<void> {
  await catalogue.close();
  await lexical.close();
  own?.release();
}

describe('a store that another process writes', () => {
  it('is read at once when its first pass is stored', async () => {
    hold(Date.now());
    markComplete(indexFolder(storage));
    const store = await openStore(storage, { access: 'share', patience: 60_000 });
    expect(store).toMatchObject({ lock: undefined, sharedWith: process.ppid, notices: [] });
    await closed(store);
  });

  it('is waited for while it has just begun, and taken when it is given back', async () => {
    hold(Date.now());
    const told: number[] = [];
    const opening = openStore(storage, { access: 'share', patience: 60_000, onWait: (pid) => told.push(pid) });
    setTimeout(() => rmSync(lock), 1_500);
    const store = await opening;
    expect(told).toEqual([process.ppid]);
    expect(store.lock).toBeDefined();
    await closed(store);
  });

  it('is read as it is when its owner does nothing for long: it may wait for consent', async () => {
    hold(Date.now() - 3_600_000);
    const store = await openStore(storage, { access: 'share', patience: 300 });
    expect(store).toMatchObject({ lock: undefined, sharedWith: process.ppid });
    await closed(store);
  });

  it('is never waited for by a command that only reads, nor locked by it', async () => {
    const store = await openStore(storage, { access: 'read' });
    expect(store.lock).toBeUndefined();
    hold(Date.now());
    const beside = await openStore(storage, { access: 'read' });
    expect(beside.sharedWith).toBe(process.ppid);
    await closed(store);
    await closed(beside);
  });
});
