import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { rehearsePublish } from '../../scripts/lib/rehearse-publish.mjs';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'anchorage-rehearsal-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Packs an extension that does nothing. */
async function packed(target: string, more: object = {}): Promise<string> {
  const cwd = join(directory, target);
  mkdirSync(cwd);
  const manifest = { name: 'still', publisher: 'nobody', version: '1.0.0', engines: { vscode: '^1.100.0' }, ...more };
  writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(cwd, 'README.md'), '# Still\n\nDoes nothing.\n');
  writeFileSync(join(cwd, 'LICENSE.txt'), 'MIT\n');
  const file = join(directory, `${target}.vsix`);
  await createVSIX({
    cwd,
    target,
    packagePath: file,
    dependencies: false,
    allowMissingRepository: true,
  });
  return file;
}

it('sends each package unchanged to a registry on this machine', async () => {
  const files = [await packed('linux-x64'), await packed('win32-x64')];
  expect(await rehearsePublish(files, { ovsx: false })).toEqual(['vsce: 2 packages accepted and sent unchanged']);
});

it('fails with the reason of the tool that refuses a package', async () => {
  const file = await packed('linux-x64', { enabledApiProposals: ['interactive'] });
  await expect(rehearsePublish([file], { ovsx: false })).rejects.toThrow('proposed API');
});
