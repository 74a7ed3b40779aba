import { createVSIX, listFiles, PackageManager } from '@vscode/vsce';
import { checkContents } from './package-contents.mjs';

/** Packs a staged folder (stage.mjs) into a VSIX. @throws Error if a file is unexpected or missing */
export async function packVsix({ staged, target, file }) {
  checkContents(await listFiles({ cwd: staged, packageManager: PackageManager.None }));
  await createVSIX({
    cwd: staged,
    target,
    packagePath: file,
    // The bundles in the folder include all dependencies.
    dependencies: false,
    skipLicense: false,
  });
}
