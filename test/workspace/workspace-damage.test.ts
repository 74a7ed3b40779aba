/** Flipped bits in the store of an open workspace: every search must return the same results as before. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { indexFolder } from '../../src/workspace/store/folders';
import { Workspace } from '../../src/workspace/workspace';
import { bundle, SETTINGS, TestWorkspace, word } from './files';
import { searchOver } from './search-over';

const FILES = 60;
const ROUNDS = process.env['ANCHORAGE_LONG'] ? 1_500 : 12;
let threadScript: string;
let disk: TestWorkspace;

beforeAll(() => {
  threadScript = bundle(
    'src/workspace/segments/thread.ts',
    join(process.cwd(), '.cache/test', `segment-thread-harm-${process.pid}.cjs`),
  );
});
afterAll(() => rmSync(threadScript, { force: true }));
beforeEach(() => (disk = new TestWorkspace()));
afterEach(() => disk.dispose());

const open = (): Promise<Workspace> =>
  Workspace.open({
    folders: disk.folders,
    storageDirectory: disk.storage,
    settings: SETTINGS,
    threads: 0,
    threadScript,
  });

const QUESTIONS = [3, 17, 28, 44].map(word).concat('step value handle', 'paragraph guide', 'service run', 'module5');

/** All results of searches and lookups, independent of the order of files with equal scores. */
async function answers(workspace: Workspace): Promise<unknown> {
  const told = [];
  for (const question of QUESTIONS) {
    const { spans } = await searchOver(workspace).search(question, { scope: { kind: 'workspace' }, limit: 10 });
    told.push(spans.map(({ path, startLine, score }) => `${score.toFixed(3)} ${path}:${startLine}`).sort());
  }
  told.push((await workspace.definitions('handle3')).map(({ path }) => path));
  const { users, more } = await workspace.users('step', { limit: 1_000 });
  told.push(users.length + more);
  return told;
}

function packs(): string[] {
  const directory = join(indexFolder(disk.storage), 'lexical');
  return readdirSync(directory)
    .filter((name) => name.endsWith('.pack'))
    .map((name) => join(directory, name));
}

/** Flips some bits of a file in place, as a failing disk does under an open file. */
function flip(file: string, round: number, bits: number): void {
  const bytes = readFileSync(file);
  for (let i = 0; i < bits; i++) {
    const bit = ((round * 7_919 + i * 104_729 + 13) * 48_271) % (bytes.length * 8);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  }
  writeFileSync(file, bytes, { flag: 'r+' });
}

describe('an index damaged while open', () => {
  it('returns the same answers as before, and is repaired', async () => {
    disk.fill(FILES);
    let workspace = await open();
    await workspace.start();
    const expected = await answers(workspace);
    let rebuilt = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const [file] = packs();
      flip(file as string, round, 1 + (round % 24));
      expect(await answers(workspace), `round ${round}`).toEqual(expected);
      expect(workspace.coverage()).toEqual({ filesIndexed: FILES, filesKnown: FILES, indexing: false });
      await workspace.close();
      workspace = await open();
      await workspace.start();
      expect(await answers(workspace), `round ${round}, opened again`).toEqual(expected);
      if (!packs().includes(file as string)) rebuilt++;
    }
    // Every round damages bytes of the pack.
    expect(rebuilt).toBe(ROUNDS);
    await workspace.close();
  }, 600_000);

  it('reports missing files until they are indexed again', async () => {
    disk.fill(FILES);
    const workspace = await open();
    await workspace.start();
    const [file] = packs();
    flip(file as string, 1, 2_000);
    expect(() => workspace.index.occurrences('step', 10)).toThrow(/checksum/);
    expect(workspace.coverage()).toEqual({ filesIndexed: 0, filesKnown: FILES, indexing: true });
    await answers(workspace);
    expect(workspace.coverage()).toEqual({ filesIndexed: FILES, filesKnown: FILES, indexing: false });
    await workspace.close();
  });
});
