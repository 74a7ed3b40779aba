import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.env['ANCHORAGE_SHARED'] ?? join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'shared', 'data');

/** Path of a file or folder of the shared test data; undefined where the data is not there, so that tests can skip. */
export function sharedData(path: string): string | undefined {
  const full = join(root, path);
  return existsSync(full) ? full : undefined;
}
