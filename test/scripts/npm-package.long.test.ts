import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packNpm } from '../../scripts/lib/npm-package.mjs';
import { tryNpmPackage } from '../../scripts/lib/try-npm-package.mjs';

test('the packed npm package works in an empty folder, without network', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'anchorage-pack-'));
  try {
    const file = join(directory, 'anchorage.tgz');
    await packNpm({ file });
    expect(statSync(file).size).toBeLessThan(200e6);
    await tryNpmPackage(file);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}, 600_000);
