import * as vscode from 'vscode';
import { DEFAULT_ENDPOINT, endpointOf, listModels, type HubOptions, type InstalledModel } from '../../hub';
import { modelsFolder, setting } from '../configuration';

/**
 * Tokens are kept only in the editor's secret storage, one for each address: a mirror never gets the token of another
 * hub.
 */
const secretKey = (endpoint: string) => `hubToken:${new URL(endpoint).origin}`;

/** The installed models, the hub they come from, and which of them writes the answers. */
export class ModelHome {
  constructor(private readonly context: vscode.ExtensionContext) {}

  /** The folder of all models of this machine. */
  async directory(): Promise<string> {
    const folder = modelsFolder(this.context);
    await vscode.workspace.fs.createDirectory(folder);
    return folder.fsPath;
  }

  async installed(): Promise<InstalledModel[]> {
    return listModels(await this.directory());
  }

  /** Address of the hub, or of the mirror that the settings name. @throws HubError when that is none */
  get endpoint(): string {
    return endpointOf({ fetch, endpoint: setting('model.hub') || DEFAULT_ENDPOINT });
  }

  /** In the extension host `fetch` is the editor's: it goes through its proxy and trusts its certificates. */
  async hub(signal: AbortSignal): Promise<HubOptions> {
    const { endpoint } = this;
    const token = await this.context.secrets.get(secretKey(endpoint));
    return { fetch: (url, init) => fetch(url, init), endpoint, signal, ...(token ? { token } : {}) };
  }

  async hasToken(): Promise<boolean> {
    return (await this.context.secrets.get(secretKey(this.endpoint))) !== undefined;
  }

  /** Stores a token; an empty one removes the stored token. */
  async setToken(token: string): Promise<void> {
    if (token) await this.context.secrets.store(secretKey(this.endpoint), token);
    else await this.context.secrets.delete(secretKey(this.endpoint));
  }

  isChosen(model: InstalledModel): boolean {
    return setting('model.directory') === model.directory;
  }

  /** Makes a model write the answers; undefined makes answers quote the sources. */
  async choose(model: InstalledModel | undefined): Promise<void> {
    const configuration = vscode.workspace.getConfiguration('anchorage');
    // A workspace setting wins over the user setting, so the choice is made there.
    const inWorkspace = configuration.inspect<string>('model.directory')?.workspaceValue !== undefined;
    if (inWorkspace)
      await configuration.update('model.directory', model?.directory ?? '', vscode.ConfigurationTarget.Workspace);
    else await configuration.update('model.directory', model?.directory, vscode.ConfigurationTarget.Global);
  }
}
