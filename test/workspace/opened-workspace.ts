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
export let workspace: TestWorkspace;

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
  workspace = new TestWorkspace();
});
afterEach(async () => {
  for (const library of opened.splice(0)) await library.close();
  workspace.dispose();
});

export async function library(options: Partial<WorkspaceOptions> = {}): Promise<Workspace> {
  const made = await Workspace.open({
    folders: workspace.folders,
    storageDirectory: workspace.storage,
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
