/** Definitions and uses by name. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Workspace } from '../../src/workspace';
import { SETTINGS, TestWorkspace } from './files';

let disk: TestWorkspace;
let workspace: Workspace;
beforeEach(async () => {
  disk = new TestWorkspace();
  const decomposed = 'grösse'.normalize('NFD');
  disk.put('src/size.ts', `/** Stränge */\nexport function ${decomposed}(x: number) {\n  return x;\n}\n`);
  disk.put('src/use.ts', `import { ${decomposed} } from './size';\nconst a = ${decomposed}(2);\n`);
  disk.put('src/composed.ts', 'export const b = grösse(3);\n');
  disk.put('src/Units.kt', 'class T {\n    fun `sums are exact`() {\n    }\n}\n');
  workspace = await Workspace.open({
    folders: disk.folders,
    storageDirectory: disk.storage,
    settings: SETTINGS,
    threads: 0,
  });
  await workspace.start();
});
afterEach(async () => {
  await workspace.close();
  disk.dispose();
});

it.each(['NFC', 'NFD'])('a name typed as %s is found in either form', async (form) => {
  const name = 'grösse'.normalize(form);
  expect((await workspace.definitions(name)).map(({ path }) => path)).toEqual(['src/size.ts']);
  const { users } = await workspace.users(name, { limit: 10 });
  expect(users.map(({ span }) => `${span.path}:${span.startLine}`).sort()).toEqual([
    'src/composed.ts:1',
    'src/use.ts:1',
    'src/use.ts:2',
  ]);
});

it('a name of several words is found', async () => {
  expect((await workspace.definitions('sums are exact')).map(({ path }) => path)).toEqual(['src/Units.kt']);
});
