import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Path of a published checkpoint in the folder ANCHORAGE_REAL_MODELS; undefined if it is missing. */
export function realModel(name: string): string | undefined {
  const folder = process.env['ANCHORAGE_REAL_MODELS'];
  const path = folder === undefined ? undefined : join(folder, name);
  return path !== undefined && existsSync(path) ? path : undefined;
}
