/** Encoding asks a team for rows first. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryEncoding, MemoryStore, type SharedRows } from '../../../src/memory';
import { Workspace } from '../../../src/workspace/workspace';
import { bundle, SETTINGS, TestWorkspace } from '../../workspace/files';
import { ByteCoder, memoryOf } from '../byte-coder';

let disk: TestWorkspace;
let workspace: Workspace;
let store: MemoryStore;
let coder: ByteCoder;
beforeEach(async () => {
  disk = new TestWorkspace();
  disk.fill(12);
  workspace = await Workspace.open({
    folders: disk.folders,
    storageDirectory: disk.storage,
    settings: SETTINGS,
    threadScript: bundle('src/workspace/segments/thread.ts', join(disk.scratch, 'segment-thread.js')),
  });
  await workspace.start();
  coder = new ByteCoder();
  store = await MemoryStore.open({
    directory: join(disk.scratch, 'memories'),
    budgetBytes: 1e9,
    version: coder.version,
  });
});
afterEach(async () => {
  await store.close();
  await workspace.close();
  disk.dispose();
});

/** A team that has every second record. */
class HalfTeam implements SharedRows {
  asked: string[] = [];
  passes = 0;
  elsewhere = new Set<string>();

  constructor(private readonly full = false) {}

  async pull(keys: readonly string[]): Promise<ReadonlySet<string>> {
    this.asked.push(...keys);
    for (const [i, key] of [...keys].sort().entries()) {
      if (i % 2 === 1 || store.has(key)) continue;
      if (this.full) this.elsewhere.add(key);
      else {
        const { tokens, coarseRows: coarse, restRows: rest, bytesPerRow, ...parts } = memoryOf(key);
        await store.put(key, tokens, { coarse, rest, bytesPerRow }, parts, true);
      }
    }
    return this.elsewhere;
  }

  passEnded(): void {
    this.passes += 1;
  }
}

it('encodes only what the team has not, and counts what came from it', async () => {
  const shared = new HalfTeam();
  const encoding = new MemoryEncoding({ workspace, store, coder, shared });
  await encoding.run();
  const { encoded, segments, fromTeam } = encoding.status();
  expect(encoded).toBe(segments);
  expect(fromTeam).toBeGreaterThan(0);
  expect(coder.encoded.length + fromTeam).toBe(new Set(shared.asked).size);
  expect(shared.passes).toBe(1);
  await encoding.close();
});

it('leaves to questions what the team has and the store has no room for', async () => {
  const shared = new HalfTeam(true);
  const encoding = new MemoryEncoding({ workspace, store, coder, shared });
  await encoding.run();
  expect(coder.encoded.length + shared.elsewhere.size).toBe(new Set(shared.asked).size);
  expect(encoding.status().standstill?.reason).toContain('team');
  await encoding.close();
});
