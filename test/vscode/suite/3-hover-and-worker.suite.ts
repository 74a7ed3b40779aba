import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { eventually, search, workerPids, workspaceFile } from './support';

/** Text of all hovers at the first occurrence of `word` in a file. */
async function hoverText(name: string, word: string): Promise<string> {
  const document = await vscode.workspace.openTextDocument(workspaceFile(name));
  const position = document.positionAt(document.getText().indexOf(word) + 1);
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
    'vscode.executeHoverProvider',
    document.uri,
    position,
  );
  return hovers
    .flatMap(({ contents }) => contents.map((content) => (typeof content === 'string' ? content : content.value)))
    .join('\n');
}

describe('hover', () => {
  it('shows the signature, definition and uses of a name', async () => {
    const text = await eventually(async () => {
      const seen = await hoverText('src/tides/client.ts', 'withRetry(');
      return seen.includes('retry.ts') ? seen : undefined;
    }, 'the hover shows withRetry');
    assert.match(text, /withRetry/);
    assert.match(text, /Runs/);
    assert.match(text, /Defined in/);
    assert.match(text, /Used by/);
    assert.match(text, /command:anchorage\.explainAt/);
  });

  it('follows the setting', async () => {
    const settings = vscode.workspace.getConfiguration('anchorage');
    await settings.update('hover.enabled', false, vscode.ConfigurationTarget.Workspace);
    try {
      assert.doesNotMatch(await hoverText('src/tides/client.ts', 'withRetry('), /anchorage\.explainAt/);
    } finally {
      await settings.update('hover.enabled', undefined, vscode.ConfigurationTarget.Workspace);
    }
  });

  it('explains automatically only if the setting says so, with the facts', async () => {
    const settings = vscode.workspace.getConfiguration('anchorage');
    await settings.update('hover.explain', 'automatic', vscode.ConfigurationTarget.Workspace);
    try {
      const text = await hoverText('src/tides/client.ts', 'withRetry(');
      assert.match(text, /Defined in/);
      assert.match(text, /is a function in/);
      assert.doesNotMatch(text, /command:anchorage\.explainAt/);
    } finally {
      await settings.update('hover.explain', undefined, vscode.ConfigurationTarget.Workspace);
    }
  });

  it('shows nothing without a name', async () => {
    assert.doesNotMatch(await hoverText('src/tides/client.ts', '{'), /anchorage\./);
  });
});

describe('the worker', () => {
  it('is a single process', async () => {
    await search('tide');
    assert.equal((await workerPids()).length, 1);
  });

  it('restarts after a kill without losing data', async () => {
    const [pid = 0] = await workerPids();
    process.kill(pid, 'SIGKILL');
    await eventually(
      async () => (await search('isTransient')).includes('src/net/retry.ts'),
      'the next question is answered',
    );
    const after = await workerPids();
    assert.equal(after.length, 1);
    assert.notEqual(after[0], pid);
  });

  it('restarts on command without leaving an old process', async () => {
    const [pid] = await workerPids();
    await vscode.commands.executeCommand('anchorage.restartWorker');
    await eventually(async () => {
      const pids = await workerPids();
      return pids.length === 1 && pids[0] !== pid;
    }, 'one new worker');
    await eventually(async () => (await search('isTransient')).includes('src/net/retry.ts'), 'it answers');
  });

  it('rebuilds and answers during or after the rebuild', async () => {
    await vscode.commands.executeCommand('anchorage.rebuildIndex');
    await eventually(
      async () => (await search('NextSlot pilot')).includes('src/pilots/schedule.go'),
      'the rebuilt index answers',
    );
  });

  it('pauses, still answers, and resumes', async () => {
    await vscode.commands.executeCommand('anchorage.pauseIndexing');
    assert.ok((await search('NextSlot pilot')).includes('src/pilots/schedule.go'));
    await vscode.commands.executeCommand('anchorage.resumeIndexing');
    assert.ok((await search('NextSlot pilot')).includes('src/pilots/schedule.go'));
  });
});
