import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Workspace } from '../../../src/workspace/workspace';
import { MemoryEncoding, MemoryStore } from '../../../src/memory';
import { Pack } from '../../../src/memory/store/pack';
import { bundle, SETTINGS, TestWorkspace } from '../../workspace/files';
import { ByteCoder, memoryOf } from '../byte-coder';

/** Repeatedly kills an encoding process at random moments, and checks the store after each. */
export async function killWhileEncoding(kills: number): Promise<void> {
  const disk = new TestWorkspace();
  try {
    disk.fill(40);
    const child = bundle(join(__dirname, 'encoding-child.ts'), join(disk.scratch, 'encoding-child.cjs'));
    const thread = bundle(
      join(__dirname, '../../../src/workspace/segments/thread.ts'),
      join(disk.scratch, 'segment-thread.js'),
    );
    const directory = join(disk.scratch, 'memories');
    const all = await textsOf(disk, thread);
    // Another window that follows through all kills.
    const follower = await MemoryStore.open({
      directory,
      budgetBytes: 1e9,
      version: new ByteCoder().version,
      mayWrite: false,
    });
    let killed = 0;
    for (let round = 0; killed < kills; round++) {
      expect(round).toBeLessThan(3 * kills + 10);
      // Once everything is encoded, nothing is left to interrupt, so other texts are written.
      disk.put(
        'src/changing.ts',
        `/** Round ${round}. */\n${Array.from({ length: 4_000 }, (_, i) => `export const value${i} = ${i * round};`).join('\n')}\n`,
      );
      const { acknowledged, finished } = await runAndKill(
        child,
        [disk.root, disk.storage, directory, thread],
        (killed * 7919) % 50,
      );
      if (!finished) killed += 1;
      await assertWhole(directory, acknowledged, all, follower);
    }
    await follower.close();
    // A last run without interruption stores every segment exactly once.
    expect((await runAndKill(child, [disk.root, disk.storage, directory, thread], undefined)).finished).toBe(true);
    const workspace = await openWorkspace(disk, thread);
    const coder = new ByteCoder();
    const store = await MemoryStore.open({ directory, budgetBytes: 1e9, version: coder.version });
    const encoding = new MemoryEncoding({ workspace, store, coder });
    await encoding.run();
    expect(coder.encoded).toEqual([]);
    const { encoded, segments } = encoding.status();
    expect(segments).toBeGreaterThan(40);
    expect(encoded).toBe(segments);
    await encoding.close();
    await store.close();
    await workspace.close();
  } finally {
    disk.dispose();
  }
}

async function openWorkspace(disk: TestWorkspace, threadScript: string): Promise<Workspace> {
  const workspace = await Workspace.open({
    folders: disk.folders,
    storageDirectory: disk.storage,
    settings: SETTINGS,
    threadScript,
  });
  await workspace.start();
  return workspace;
}

/** Maps each key to its text, for files that do not change. */
async function textsOf(disk: TestWorkspace, thread: string): Promise<Map<string, string>> {
  const workspace = await openWorkspace(disk, thread);
  const coder = new ByteCoder();
  const store = await MemoryStore.open({
    directory: join(disk.scratch, 'reference'),
    budgetBytes: 1e9,
    version: coder.version,
  });
  const encoding = new MemoryEncoding({ workspace, store, coder });
  await encoding.run();
  const texts = new Map<string, string>();
  for (const { path, units } of encoding.documents()) {
    const { document } = (await workspace.indexed(path))!;
    for (const { key, start, end } of units) texts.set(key, document.text.slice(start, end));
  }
  await encoding.close();
  await store.close();
  await workspace.close();
  return texts;
}

function runAndKill(
  script: string,
  args: string[],
  afterKeys: number | undefined,
): Promise<{ acknowledged: Set<string>; finished: boolean }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_PATH: join(process.cwd(), 'node_modules') },
    });
    const acknowledged = new Set<string>();
    let finished = false;
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === 'done') finished = true;
        else if (line !== 'started') acknowledged.add(line);
        // Kills after this many keys, at a random point within a write.
        if (afterKeys !== undefined && acknowledged.size >= afterKeys)
          setTimeout(() => child.kill('SIGKILL'), Math.random() * 4);
      }
    });
    child.once('exit', () => resolve({ acknowledged, finished }));
  });
}

/**
 * Checks that no acknowledged record is lost or damaged, that no key occurs twice, and that another window sees the
 * same.
 */
async function assertWhole(
  directory: string,
  acknowledged: ReadonlySet<string>,
  texts: ReadonlyMap<string, string>,
  follower: MemoryStore,
): Promise<void> {
  if (!existsSync(directory)) return expect(acknowledged.size).toBe(0);
  const seen = new Set<string>();
  for (const name of readdirSync(directory).filter((each) => each.endsWith('.pack'))) {
    const { pack, records } = await Pack.open(1, join(directory, name), false);
    for (const { key } of records) {
      expect(seen.has(key)).toBe(false);
      seen.add(key);
    }
    await pack.close();
  }
  const store = await MemoryStore.open({
    directory,
    budgetBytes: 1e9,
    version: new ByteCoder().version,
    mayWrite: false,
  });
  for (const key of acknowledged) expect(store.has(key)).toBe(true);
  await follower.refresh();
  expect(new Set(follower.keys())).toEqual(new Set(store.keys()));
  for (const [key, text] of texts) {
    if (!store.has(key)) continue;
    const expected = memoryOf(text);
    for (const each of [store, follower]) {
      expect(Buffer.from((await each.coarse(key))!)).toEqual(Buffer.from(expected.coarse));
      expect(Buffer.from((await each.rest(key))!)).toEqual(Buffer.from(expected.rest));
      expect(Buffer.from((await each.ids(key))!)).toEqual(Buffer.from(expected.ids));
    }
  }
  await store.close();
}
