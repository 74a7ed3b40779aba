import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Session } from '../../src/app';
import { SETTINGS } from '../worker/harness';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'anchorage-session-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('segments are encoded after the pass over the files, not beside it', async () => {
  const workspace = join(directory, 'w');
  mkdirSync(workspace);
  for (let i = 0; i < 30; i++) writeFileSync(join(workspace, `part${i}.py`), `def part_${i}():\n    return ${i}\n`);
  const session = await Session.open({
    folders: [{ name: 'w', directory: workspace }],
    storageDirectory: join(directory, 'storage'),
    modelsDirectory: join(directory, 'models'),
    settings: SETTINGS,
    inferenceFile: join(directory, 'none.js'),
    encodeInBackground: true,
    log: () => {},
    warn: () => {},
  });
  const states: string[] = [];
  session.workspace.onStatus(({ state }) => states.push(state));
  const encodedIn: string[] = [];
  vi.spyOn(session.memory, 'update').mockImplementation(async () => {
    encodedIn.push(session.workspace.status().state);
  });
  await session.index();
  await session.close();
  expect(states).toContain('indexing');
  expect(new Set(encodedIn)).toEqual(new Set(['ready']));
});
