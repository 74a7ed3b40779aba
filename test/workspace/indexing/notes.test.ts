/** Notes of `why` on files whose definitions or characters are not all known. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Workspace } from '../../../src/workspace';
import { SETTINGS, TestWorkspace } from '../files';

let disk: TestWorkspace;
beforeEach(() => {
  disk = new TestWorkspace();
});
afterEach(() => disk.dispose());

it('tells of definitions beyond the limit, and only there', async () => {
  const lua = (count: number): string => Array.from({ length: count }, (_, i) => `function f${i}() end\n`).join('');
  const many = disk.put('many.lua', lua(20_001));
  const few = disk.put('few.lua', lua(3));
  const workspace = await Workspace.open({
    folders: disk.folders,
    storageDirectory: disk.storage,
    settings: SETTINGS,
    threads: 0,
  });
  try {
    await workspace.start();
    expect((await workspace.why(many)).reason).toContain('Only its first 20,000 definitions are known');
    expect((await workspace.why(few)).reason).toBe('No rule excludes it.');
  } finally {
    await workspace.close();
  }
});
