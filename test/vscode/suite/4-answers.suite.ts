import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { eventually } from './support';

describe('an answer', () => {
  it('opens in an editor as Markdown whose links lead to the cited lines', async () => {
    await vscode.commands.executeCommand('anchorage.ask', { question: 'how often is a failed request tried again' });
    await vscode.commands.executeCommand('anchorage.openAnswerInEditor');
    const editor = await eventually(
      async () => vscode.window.visibleTextEditors.find(({ document }) => document.uri.scheme === 'anchorage-answer'),
      'the answer is open',
    );
    const { document } = editor;
    assert.equal(document.languageId, 'markdown');
    assert.match(document.getText(), /^# how often is a failed request tried again\n/);
    assert.match(document.getText(), /\n1\. src\/\S+:\d+/);

    const links = await vscode.commands.executeCommand<vscode.DocumentLink[]>(
      'vscode.executeLinkProvider',
      document.uri,
      100,
    );
    const source = links.find(({ range }) => document.getText(range).startsWith('src/'));
    assert.ok(source?.target, 'a source is linked');
    const [path = '', line] = document.getText(source.range).split(':');
    const [file, ...lines] = JSON.parse(source.target.query) as [string, number, number];
    await vscode.commands.executeCommand(source.target.path, file, ...lines);
    const opened = await eventually(
      async () => vscode.window.visibleTextEditors.find((each) => each.document.uri.path.endsWith(path)),
      'the cited file is open',
    );
    assert.equal(opened.selection.start.line + 1, Number.parseInt(line ?? '', 10));
  });
});
