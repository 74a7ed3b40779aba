import { createVSIX, listFiles, PackageManager } from '@vscode/vsce';
import { checkContents } from './package-contents.mjs';

/** Packs a staged folder (stage.mjs) into a VSIX. @throws Error when a file is too much or missing */
export async function packVsix({ staged, target, file }) {
  checkContents(await listFiles({ cwd: staged, packageManager: PackageManager.None }));
  await createVSIX({
    cwd: staged,
    target,
    packagePath: file,
    // Everything that runs lies in the folder already.
    dependencies: false,
    skipLicense: false,
  });
}
