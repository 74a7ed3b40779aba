import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Workspace } from '../../src/workspace/workspace';

let directory: string;
let workspace: Workspace;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-known-'));
  mkdirSync(join(directory, 'w'));
  writeFileSync(join(directory, 'w', 'page.html'), page('The tide is high at noon.'));
  workspace = await Workspace.open({
    folders: [{ name: 'w', directory: join(directory, 'w') }],
    storageDirectory: undefined,
    settings: { filesExclude: [], maxFileBytes: 1 << 20 },
    threads: 0,
  });
  await workspace.start();
});
afterAll(async () => {
  await workspace.close();
  rmSync(directory, { recursive: true, force: true });
});

const page = (text: string): string => `<html><body><h1>Tides</h1>${`<p>${text}</p>`.repeat(20)}</body></html>`;

test('a file is extracted once for a question and its citations, and again when it changes', async () => {
  const file = join(directory, 'w', 'page.html');
  const indexed = await workspace.indexed('page.html');
  const cited = await workspace.read(file);
  expect(cited).toBe(indexed?.document);
  expect(cited.text).toContain('The tide is high at noon.');
  writeFileSync(file, page('The tide is low in the evening.'));
  expect((await workspace.read(file)).text).toContain('low in the evening');
});
