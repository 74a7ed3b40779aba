import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { eventually, search, workerPids, workspaceFile } from './support';

/** Text of all hovers at the first place where `word` stands in a file. */
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
  it('says at once what a name is, where it is defined and who uses it', async () => {
    const text = await eventually(async () => {
      const seen = await hoverText('src/tides/client.ts', 'withRetry(');
      return seen.includes('retry.ts') ? seen : undefined;
    }, 'the hover knows withRetry');
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

  it('explains by itself only when it is told to, beside the facts', async () => {
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

  it('is silent where there is no name', async () => {
    assert.doesNotMatch(await hoverText('src/tides/client.ts', '{'), /anchorage\./);
  });
});

describe('the worker', () => {
  it('is one process', async () => {
    await search('tide');
    assert.equal((await workerPids()).length, 1);
  });

  it('is started again when it is killed, and has lost nothing', async () => {
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

  it('restarts on command without leaving one behind', async () => {
    const [pid] = await workerPids();
    await vscode.commands.executeCommand('anchorage.restartWorker');
    await eventually(async () => {
      const pids = await workerPids();
      return pids.length === 1 && pids[0] !== pid;
    }, 'one new worker');
    await eventually(async () => (await search('isTransient')).includes('src/net/retry.ts'), 'it answers');
  });

  it('rebuilds and answers meanwhile or after', async () => {
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
