import { createVSIX } from '@vscode/vsce';

/** Packs a staged folder (stage.mjs) into a VSIX. */
export async function packVsix({ staged, target, file }) {
  await createVSIX({
    cwd: staged,
    target,
    packagePath: file,
    // Everything that runs lies in the folder already.
    dependencies: false,
    allowMissingRepository: true,
    // Pictures of the README lie in the package; there is no other place to point to.
    rewriteRelativeLinks: false,
    skipLicense: false,
  });
}
