import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listDirectory } from '../../../src/workspace/sources/list-directory';

test('lists a directory of several thousand entries in order, each once, and turns the event loop meanwhile', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'anchorage-list-'));
  try {
    const names = Array.from({ length: 9_001 }, (_, i) => `${(i * 7_919) % 9_001}-größe.txt`);
    for (const name of names) writeFileSync(join(directory, name), '');
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const listed = await listDirectory(directory);
    clearInterval(timer);
    expect(listed.map(({ name }) => name)).toEqual([...names].sort());
    expect(listed.map(({ name }) => name)).toEqual(readdirSync(directory).sort());
    expect(listed.every((dirent) => dirent.isFile())).toBe(true);
    expect(turns).toBeGreaterThan(3);
    await expect(listDirectory(directory, AbortSignal.abort())).rejects.toThrow();
    await expect(listDirectory(join(directory, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
