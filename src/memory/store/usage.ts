import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entries } from './entries';

/** The file has keys only, oldest first, without a checksum: losing the order of use does no harm. */
const fileIn = (directory: string): string => join(directory, 'usage');

export async function saveUsage(directory: string, entries: Entries): Promise<void> {
  const order = [...entries.entries()].filter(([, entry]) => entry.used > 0).sort(([, a], [, b]) => a.used - b.used);
  const file = fileIn(directory);
  try {
    await writeFile(`${file}.new`, order.map(([key]) => key).join('\n'));
    await rename(`${file}.new`, file);
  } catch {
    await rm(`${file}.new`, { force: true }).catch(() => undefined);
  }
}

/** @param tick returns the next logical time */
export async function loadUsage(directory: string, entries: Entries, tick: () => number): Promise<void> {
  const text = await readFile(fileIn(directory), 'utf8').catch(() => '');
  for (const key of text.split('\n')) {
    const entry = entries.get(key);
    if (entry) entry.used = tick();
  }
}
