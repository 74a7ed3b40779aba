/** Workspaces over a test's own folder, closed and deleted after it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { searchOver } from './search-over';
import { Workspace, type WorkspaceOptions } from '../../src/workspace/workspace';
import { bundle, SETTINGS, TestWorkspace } from './files';

let threadScript: string;
/** Workspaces that are closed after the test. A test that closes one itself removes it. */
export const opened: Workspace[] = [];

/** Created for each test. */
export let disk: TestWorkspace;

beforeAll(() => {
  threadScript = bundle(
    'src/workspace/segments/thread.ts',
    join(process.cwd(), '.cache/test', `segment-thread-${process.pid}.cjs`),
  );
});
afterAll(() => {
  rmSync(threadScript, { force: true });
});
beforeEach(() => {
  disk = new TestWorkspace();
});
afterEach(async () => {
  for (const workspace of opened.splice(0)) await workspace.close();
  disk.dispose();
});

export async function openWorkspace(options: Partial<WorkspaceOptions> = {}): Promise<Workspace> {
  const made = await Workspace.open({
    folders: disk.folders,
    storageDirectory: disk.storage,
    settings: SETTINGS,
    threads: 2,
    threadScript,
    ...options,
  });
  opened.push(made);
  return made;
}

export const paths = async (from: Workspace, question: string): Promise<string[]> => [
  ...new Set(
    (await searchOver(from).search(question, { scope: { kind: 'workspace' }, limit: 10 })).spans.map(
      ({ path }) => path,
    ),
  ),
];
