import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { CheckpointError } from './errors';
import { fileInside, readTextFile } from './files';

const FILE = 'SHA256SUMS';
const MAX_BYTES = 1 << 20;
/** Files of these kinds decide the model's behaviour, so each must be listed. */
const KINDS = new Set(['.json', '.safetensors']);

/**
 * Checks a checkpoint's files against the folder's SHA256SUMS (lines of 64 hex digits, two spaces, a name).
 *
 * @throws CheckpointError when the list is missing or malformed, or a file differs, is missing, or is not listed
 */
export async function checkSums(directory: string): Promise<void> {
  const path = await fileInside(directory, FILE);
  const listed = new Set<string>();
  for (const line of (await readTextFile(path, MAX_BYTES)).split('\n')) {
    if (line.trim() === '') continue;
    const [, expected, name] = /^([0-9a-f]{64}) [ *]([^/\\]+)$/.exec(line) ?? [];
    if (expected === undefined || name === undefined)
      throw new CheckpointError('malformed', path, '', `has a line that is no sum: ${line.slice(0, 80)}`);
    if ((await sha256Of(await fileInside(directory, name, path))) !== expected)
      throw new CheckpointError(
        'mismatch',
        join(directory, name),
        '',
        'is not the file that SHA256SUMS lists; it was changed or damaged, so install the package again',
      );
    listed.add(name);
  }
  const other = (await readdir(directory)).find((name) => KINDS.has(extname(name)) && !listed.has(name));
  if (other !== undefined)
    throw new CheckpointError('mismatch', join(directory, other), '', 'is not listed in SHA256SUMS');
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
