import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Path of a published checkpoint in the folder that ANCHORAGE_REAL_MODELS names; undefined where it is not there. */
export function realModel(name: string): string | undefined {
  const folder = process.env['ANCHORAGE_REAL_MODELS'];
  const path = folder === undefined ? undefined : join(folder, name);
  return path !== undefined && existsSync(path) ? path : undefined;
}
