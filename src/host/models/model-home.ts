import * as vscode from 'vscode';
import {
  DEFAULT_ENDPOINT,
  endpointOf,
  findModels,
  listModels,
  readSpeed,
  type FoundModel,
  type HubOptions,
  type InstalledModel,
  type MachineSpeed,
} from '../../hub';
import { forgetDecisions, hasDecisions } from '../chat/chat-model';
import { modelsFolder, setting } from '../configuration';

/**
 * Key in the editor's secret storage, which alone stores tokens. Each address has its own key, so a mirror never gets
 * the token of another hub.
 */
const secretKey = (endpoint: string) => `hubToken:${new URL(endpoint).origin}`;

/** The installed models, their hub, and the choice of the model that writes answers. */
export class ModelHome {
  constructor(private readonly context: vscode.ExtensionContext) {}

  /** The folder of all installed models. It is created if missing. */
  async directory(): Promise<string> {
    const folder = modelsFolder(this.context);
    await vscode.workspace.fs.createDirectory(folder);
    return folder.fsPath;
  }

  async installed(): Promise<InstalledModel[]> {
    return listModels(await this.directory());
  }

  /** Models of other programs and of the user's folders, used where they are. */
  async found(): Promise<FoundModel[]> {
    return findModels(setting('model.folders'), await this.speed());
  }

  async speed(): Promise<MachineSpeed> {
    return readSpeed(await this.directory());
  }

  /** Address of the hub or the mirror in the settings. @throws HubError if it is not a valid address */
  get endpoint(): string {
    return endpointOf({ fetch, endpoint: setting('model.hub') || DEFAULT_ENDPOINT });
  }

  /** Options for the hub. In the extension host `fetch` uses the editor's proxy and certificates. */
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

  /** @param model the folder or file of a model, or the address of a server with its model */
  isChosen(model: string): boolean {
    return setting('model.directory') === model;
  }

  /** Chooses the model that writes answers: a folder, a file or a server. Undefined: answers quote the sources. */
  async choose(model: string | undefined): Promise<void> {
    const configuration = vscode.workspace.getConfiguration('anchorage');
    // A workspace setting overrides the user setting, so an existing one is changed there.
    const inWorkspace = configuration.inspect<string>('model.directory')?.workspaceValue !== undefined;
    if (inWorkspace) await configuration.update('model.directory', model ?? '', vscode.ConfigurationTarget.Workspace);
    else await configuration.update('model.directory', model, vscode.ConfigurationTarget.Global);
  }

  /** Lets the chat's models be asked about again. */
  async forgetChatModels(): Promise<void> {
    await forgetDecisions(this.context.globalState);
  }

  get decidedChatModels(): boolean {
    return hasDecisions(this.context.globalState);
  }
}
