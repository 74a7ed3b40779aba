import * as vscode from 'vscode';
import type { InitializeParams } from '../../protocol';

/** The command that starts the server with the editor's own Node, index and settings. */
export interface ServerCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
}

/**
 * The server shares the index of this window, so it gets the same folders, storage and rules. Files that hold secrets
 * stay out, whatever the setting says: it is about the user's own questions.
 */
export function serverCommand(
  serverFile: string,
  { folders, storageDirectory, modelsDirectory, settings }: InitializeParams,
): ServerCommand {
  const { filesExclude, maxFileBytes, modelDirectory, threads, weights } = settings;
  return {
    command: process.execPath,
    args: [
      serverFile,
      ...folders.flatMap(({ directory }) => ['--workspace', directory]),
      ...['--storage', storageDirectory],
      ...['--models', modelsDirectory],
      ...filesExclude.flatMap((pattern) => ['--exclude', pattern]),
      ...['--max-file-bytes', String(maxFileBytes)],
      ...(modelDirectory === '' ? [] : ['--model-directory', modelDirectory, '--weights', weights]),
      ...(threads > 0 ? ['--threads', String(threads)] : []),
    ],
    // In the desktop editor the executable is Electron, which then acts as Node.
    env: { ELECTRON_RUN_AS_NODE: '1' },
  };
}

/** Offers the server to the editor's agents. They start it when they first use it. */
export function registerServer(
  context: vscode.ExtensionContext,
  serverFile: string,
  initializeParams: () => Promise<InitializeParams>,
): vscode.Disposable[] {
  // Editors that are built on older versions of VS Code lack it.
  if (typeof vscode.lm?.registerMcpServerDefinitionProvider !== 'function') return [];
  const changed = new vscode.EventEmitter<void>();
  return [
    changed,
    vscode.workspace.onDidChangeWorkspaceFolders(() => changed.fire()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => changed.fire()),
    vscode.lm.registerMcpServerDefinitionProvider('anchorage.server', {
      onDidChangeMcpServerDefinitions: changed.event,
      provideMcpServerDefinitions: async () => {
        if (!vscode.workspace.isTrusted) return [];
        const params = await initializeParams();
        if (params.folders.length === 0) return [];
        const { command, args, env } = serverCommand(serverFile, params);
        const { version } = context.extension.packageJSON as { version: string };
        return [new vscode.McpStdioServerDefinition('Anchorage', command, args, env, version)];
      },
    }),
  ];
}
