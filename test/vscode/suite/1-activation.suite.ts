import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { EXTENSION_ID, eventually, workerPids } from './support';

interface Manifest {
  contributes: {
    commands: { command: string; title: string }[];
    configuration: {
      properties: Record<string, { markdownDescription?: string; default?: unknown; scope?: string }>;
    }[];
    languageModelTools: { name: string }[];
  };
}

describe('activation', () => {
  const extension = vscode.extensions.getExtension(EXTENSION_ID);
  const manifest = extension?.packageJSON as Manifest;

  it('is active after the start of the editor, with a status item and without a worker', async () => {
    assert.ok(extension, 'the extension is installed');
    await eventually(async () => extension.isActive, 'the extension is active');
    assert.deepEqual(await workerPids(), []);
  });

  it('runs a command without a worker', async () => {
    await vscode.commands.executeCommand('anchorage.showLog');
    assert.deepEqual(await workerPids(), []);
  });

  it('has every command of the manifest', async () => {
    const registered = new Set(await vscode.commands.getCommands(true));
    assert.deepEqual(
      manifest.contributes.commands.map(({ command }) => command).filter((command) => !registered.has(command)),
      [],
    );
  });

  it('has at most sixteen settings, each with a description, a default and a scope', () => {
    const settings = manifest.contributes.configuration.flatMap(({ properties }) => Object.entries(properties));
    assert.ok(settings.length <= 16, `${settings.length} settings`);
    for (const [name, { markdownDescription, default: fallback, scope }] of settings) {
      assert.ok(markdownDescription && !markdownDescription.startsWith('%'), `${name} is described`);
      assert.notEqual(fallback, undefined, name);
      assert.ok(scope, name);
    }
  });

  it('offers its tools to the chat', () => {
    const offered = new Set(vscode.lm.tools.map(({ name }) => name));
    for (const { name } of manifest.contributes.languageModelTools) assert.ok(offered.has(name), name);
  });
});
