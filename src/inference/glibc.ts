/** Whether this Linux can load the native runtime of the models. */
import * as l10n from '@vscode/l10n';

/** Oldest glibc that the binaries of onnxruntime-node 1.30 load with. */
const OLDEST: readonly [number, number] = [2, 28];

/** Properties of a system, as its processes report them. */
interface System {
  platform: NodeJS.Platform;
  /** Version of glibc; undefined on systems with another C library. */
  glibc: string | undefined;
}

/** Why the native runtime cannot be loaded, in words for the user; undefined if it can, or is WebAssembly. */
export function glibcTrouble({ platform, glibc }: System = thisSystem()): string | undefined {
  if (platform !== 'linux' || process.env['ANCHORAGE_RUNTIME'] === 'wasm') return undefined;
  if (glibc === undefined)
    return l10n.t('Models need glibc, which this system does not have. Install the package for Alpine.');
  const [major = 0, minor = 0] = glibc.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return l10n.t('Models need glibc {0} or later; this system has {1}.', OLDEST.join('.'), glibc);
}

function thisSystem(): System {
  const { platform } = process;
  if (platform !== 'linux') return { platform, glibc: undefined };
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return { platform, glibc: header.glibcVersionRuntime };
}
