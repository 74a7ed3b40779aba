import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { eventually, invoke, search, workspaceFile, write } from './support';

/** The first line alone makes a private key. */
const PRIVATE_KEY = `-----BEGIN OPENSSH ${'PRIVATE'} KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH ${'PRIVATE'} KEY-----\n`;

describe('finding', () => {
  it('finds a definition by its behaviour', async () => {
    await eventually(
      async () => (await search('how often is a failed request tried again')).includes('src/net/retry.ts'),
      'retry.ts is found',
    );
  });

  it('puts the definition of a name first', async () => {
    const found = await eventually(async () => {
      const text = await search('bookBerth');
      return !text.startsWith('Indexing is still running') && text;
    }, 'the index is ready');
    assert.match(found, /^src\/berths\/booking\.ts:\d+-\d+/);
  });

  it('respects the folder and the number of results', async () => {
    const found = await search('dues discount for regular callers', { folder: 'src/ledger', limit: 3 });
    const places = [...found.matchAll(/^(\S.*):\d+-\d+/gm)].map(([, path]) => path ?? '');
    assert.ok(places.length >= 1 && places.length <= 3, found);
    assert.ok(
      places.every((path) => path.startsWith('src/ledger/')),
      places.join(' '),
    );
  });

  it('reads lines up to the end of the file', async () => {
    const text = await invoke('anchorage_read_span', { path: 'src/time.ts', startLine: 1, endLine: 400 });
    assert.match(text, /^src\/time\.ts:1-\d+\n/);
    assert.ok(text.includes('export function sleep'));
    await assert.rejects(
      invoke('anchorage_read_span', { path: 'src/time.ts', startLine: 900, endLine: 901 }),
      /has \d+ lines/,
    );
  });

  it('refuses to read files that are ignored or outside the workspace', async () => {
    await assert.rejects(
      invoke('anchorage_read_span', { path: 'build/out.js', startLine: 1, endLine: 1 }),
      /not in the index.*gitignore/s,
    );
    await assert.rejects(
      invoke('anchorage_read_span', { path: '../../../../etc/hostname', startLine: 1, endLine: 1 }),
      /not a file of this workspace/,
    );
  });

  it('refuses secrets, and links to what may not be read, also through a linked folder', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'anchorage-outside-'));
    const root = workspaceFile('').fsPath;
    const links: [name: string, target: string][] = [
      ['linked-ignored.ts', 'build/out.js'],
      ['linked-secret.ts', '.env'],
      ['linked-outside.ts', join(outside, 'plans.ts')],
      ['linked-folder', outside],
      ['linked-build', 'build'],
    ];
    try {
      await writeFile(join(outside, 'plans.ts'), 'export const plans = "the lighthouse moves";\n');
      await write(workspaceFile('.env'), 'TOKEN=quayside-token-123\n');
      await write(workspaceFile('src/deploy_key.txt'), PRIVATE_KEY);
      for (const [name, target] of links) await symlink(target, join(root, name));
      const refused = [
        '.env',
        'src/deploy_key.txt',
        'linked-ignored.ts',
        'linked-secret.ts',
        'linked-outside.ts',
        'linked-folder/plans.ts',
        'linked-build/out.js',
        'src/../.env',
        join(outside, 'plans.ts'),
      ];
      for (const path of refused)
        await assert.rejects(
          invoke('anchorage_read_span', { path, startLine: 1, endLine: 1 }),
          /not in the index|not a file of this workspace/,
          path,
        );
      const found = await search('quayside token, lighthouse plans, deploy key');
      for (const text of ['quayside-token', 'lighthouse moves', 'PRIVATE KEY']) assert.ok(!found.includes(text), text);
    } finally {
      for (const [name] of links) await rm(join(root, name), { force: true });
      await rm(join(root, '.env'), { force: true });
      await rm(join(root, 'src/deploy_key.txt'), { force: true });
      await rm(outside, { recursive: true, force: true });
    }
  });

  it('does not find ignored files', async () => {
    assert.ok(!(await search('console.log built out.js')).includes('build/out.js'));
  });

  it('finds names in awkward paths', async () => {
    assert.ok((await search('count the gulls on the breakwater')).includes('src/awkward/with space & #hash (1).ts'));
  });
});

describe('changes', () => {
  it('finds a new file, and forgets a deleted one', async () => {
    const file = workspaceFile('src/quay/crane.ts');
    await write(file, '/** Lifts a container with the zebracrane. */\nexport function zebracraneLift(): void {}\n');
    await eventually(
      async () => (await search('zebracraneLift')).includes('src/quay/crane.ts'),
      'the new file is found',
    );
    await vscode.workspace.fs.delete(file);
    await eventually(
      async () => !(await search('zebracraneLift')).includes('src/quay/crane.ts'),
      'the deleted file is forgotten',
    );
  });

  it('finds saved text', async () => {
    const document = await vscode.workspace.openTextDocument(workspaceFile('src/time.ts'));
    const edit = new vscode.WorkspaceEdit();
    edit.insert(
      document.uri,
      new vscode.Position(document.lineCount, 0),
      '\n/** Whether the foghorn sounds. */\nexport const foghornSounds = true;\n',
    );
    await vscode.workspace.applyEdit(edit);
    assert.ok(await document.save());
    await eventually(
      async () => (await search('foghornSounds')).includes('foghornSounds = true'),
      'the saved text is found',
    );
  });

  it('finds unsaved text, and forgets it after an undo', async () => {
    const document = await vscode.workspace.openTextDocument(workspaceFile('src/berths/vessel.ts'));
    await vscode.window.showTextDocument(document);
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(0, 0), 'export const unsavedSextant = 1;\n');
    await vscode.workspace.applyEdit(edit);
    assert.equal(document.isDirty, true);
    await eventually(
      async () => (await search('unsavedSextant')).includes('unsavedSextant = 1'),
      'the typed text is found',
    );
    const settings = vscode.workspace.getConfiguration('anchorage');
    await settings.update('index.unsavedEdits', false, vscode.ConfigurationTarget.Workspace);
    try {
      await eventually(
        async () => !(await search('unsavedSextant')).includes('unsavedSextant = 1'),
        'switched off, typed text is no longer found',
      );
    } finally {
      await settings.update('index.unsavedEdits', undefined, vscode.ConfigurationTarget.Workspace);
    }
    await eventually(
      async () => (await search('unsavedSextant')).includes('unsavedSextant = 1'),
      'switched on again, it is found',
    );
    await vscode.commands.executeCommand('workbench.action.files.revert');
    assert.ok(!document.getText().includes('unsavedSextant'), 'reverted');
    await eventually(
      async () => !(await search('unsavedSextant')).includes('unsavedSextant = 1'),
      'the reverted text is forgotten',
    );
  });

  it('applies an added ignore rule, and a removed one', async () => {
    const rules = workspaceFile('.gitignore');
    const before = await vscode.workspace.fs.readFile(rules);
    await write(rules, `${new TextDecoder().decode(before)}docs/\n`);
    await eventually(
      async () => !(await search('restarting the tide poller tides.lock')).includes('docs/operations.md'),
      'the ignored document is left out',
    );
    await vscode.workspace.fs.writeFile(rules, before);
    await eventually(
      async () => (await search('restarting the tide poller tides.lock')).includes('docs/operations.md'),
      'the document is back',
    );
  });
});
