/** The files that an index consists of, for copies of it. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST } from '../lexical/manifest';
import { MAGIC } from '../lexical/pack-file';
import { CATALOGUE_VERSION, LOG_FILE } from './catalogue';

const LEXICAL = 'lexical';
const PACK = /^lexical-\d+\.pack$/;

/** Identifies the formats of an index: one of another format cannot be read. */
export const indexFormat = (): string => `${CATALOGUE_VERSION} ${MAGIC}`;

/** Paths of the files in the directory of an index, with forward slashes. Empty where there is no index. */
export async function indexFiles(directory: string): Promise<string[]> {
  if (!(await stat(join(directory, LOG_FILE)).catch(() => undefined))?.isFile()) return [];
  const names = await readdir(join(directory, LEXICAL)).catch(() => []);
  const lexical = names.filter((name) => name === MANIFEST || PACK.test(name)).sort();
  return [LOG_FILE, ...lexical.map((name) => `${LEXICAL}/${name}`)];
}
