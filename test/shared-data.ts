import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
// Tests run from their source; benches are bundled elsewhere, but run from the repository.
const roots = process.env['ANCHORAGE_SHARED']
  ? [process.env['ANCHORAGE_SHARED']]
  : [join(dirname(dirname(here)), 'shared', 'data'), join(dirname(process.cwd()), 'shared', 'data')];

/** Path of a file or folder of the shared test data; undefined where the data is not there, so that tests can skip. */
export function sharedData(path: string): string | undefined {
  return roots.map((root) => join(root, path)).find((full) => existsSync(full));
}
