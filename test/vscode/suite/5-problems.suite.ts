import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { eventually, workspaceFile } from './support';

/** The quick fixes of ours at a range. */
async function fixes(uri: vscode.Uri, range: vscode.Range): Promise<vscode.CodeAction[]> {
  const found = await vscode.commands.executeCommand<vscode.CodeAction[]>(
    'vscode.executeCodeActionProvider',
    uri,
    range,
    vscode.CodeActionKind.QuickFix.value,
  );
  return found.filter(({ title }) => title.startsWith('Ask Anchorage About'));
}

/** As many of them. The editor learns of a problem a moment after it is set. */
function offered(count: number, uri: vscode.Uri, range: vscode.Range): Promise<vscode.CodeAction[]> {
  return eventually(async () => {
    const found = await fixes(uri, range);
    return found.length === count && found;
  }, `${count} problems can be asked about`);
}

describe('a problem', () => {
  it('can be asked about, by its message and what it marks', async () => {
    const document = await vscode.workspace.openTextDocument(workspaceFile('src/tides/client.ts'));
    const start = document.positionAt(document.getText().indexOf('withRetry'));
    const range = new vscode.Range(start, start.translate(0, 'withRetry'.length));
    const problems = vscode.languages.createDiagnosticCollection('test');
    try {
      problems.set(document.uri, [new vscode.Diagnostic(range, 'Calls it without a policy.')]);
      const [fix] = await offered(1, document.uri, range);
      assert.equal(fix?.title, 'Ask Anchorage About This Problem');
      assert.equal(fix.kind?.value, vscode.CodeActionKind.QuickFix.value);
      assert.equal(fix.isPreferred ?? false, false);
      assert.deepEqual(fix.command?.arguments, ['Calls it without a policy. (withRetry)']);
      assert.ok((await vscode.commands.getCommands()).includes(fix.command.command));

      problems.set(document.uri, [
        new vscode.Diagnostic(range, 'Calls it without a policy.'),
        new vscode.Diagnostic(range, 'Its result is never awaited, so that a failure is lost without a word.'),
      ]);
      const several = await offered(2, document.uri, range);
      assert.deepEqual(
        several.map(({ title }) => title),
        [
          'Ask Anchorage About “Calls it without a policy. (withRetry)”',
          'Ask Anchorage About “Its result is never awaited, so that a failure i…”',
        ],
      );
    } finally {
      problems.dispose();
    }
  });

  it('is the only place where that is offered', async () => {
    const uri = workspaceFile('src/time.ts');
    await vscode.workspace.openTextDocument(uri);
    assert.deepEqual(await fixes(uri, new vscode.Range(1, 0, 1, 10)), []);
  });
});
