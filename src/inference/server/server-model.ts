import type { ModelStatus, Writer } from '../../protocol';
import { messageOf } from '../../base';
import { parseServer } from './address';
import { ServerWriter } from './server-writer';

/** A server as the settings name it. */
export interface ServerSettings {
  /** `http://127.0.0.1:11434/v1#model` */
  address: string;
  /** Hosts beside this machine that the user allows. */
  allowedHosts: readonly string[];
}

const NONE: ModelStatus = { state: 'none', author: { kind: 'extractive' }, detail: '' };

/** The model of a server, connected when it is chosen, and again before a question after it has failed. */
export class ServerModel {
  status: ModelStatus = NONE;
  #settings: ServerSettings | undefined;
  #writer: ServerWriter | undefined;
  #connecting: Promise<void> | undefined;

  constructor(private readonly changed: () => void) {}

  /** Resolves once it is connected or has failed; `status` says which. */
  async choose(settings: ServerSettings | undefined): Promise<void> {
    if (JSON.stringify(settings) === JSON.stringify(this.#settings)) return;
    this.#settings = settings;
    this.#writer = undefined;
    this.#connecting = undefined;
    if (!settings) return this.#set(NONE);
    await this.settled();
  }

  /** Connects where there is no connection. */
  async settled(): Promise<void> {
    const settings = this.#settings;
    if (!settings || this.#writer) return;
    this.#connecting ??= this.#connect(settings).finally(() => (this.#connecting = undefined));
    await this.#connecting;
  }

  writer(): Writer | undefined {
    const writer = this.#writer;
    if (!writer) return undefined;
    const write: Writer['write'] = async (chat, options) => {
      try {
        return await writer.write(chat, options);
      } catch (error) {
        this.#fail(writer, error);
        throw error;
      }
    };
    const { author, contextTokens, bytesPerRow } = writer;
    return { author, contextTokens, bytesPerRow, countChats: (chats) => writer.countChats(chats), write };
  }

  async #connect(settings: ServerSettings): Promise<void> {
    const author = { kind: 'extractive' } as const;
    this.#set({ state: 'loading', author, detail: `Connecting to ${settings.address}.` });
    try {
      const server = parseServer(settings.address, settings.allowedHosts);
      const writer = await ServerWriter.connect(server);
      if (this.#settings !== settings) return;
      this.#writer = writer;
      const where = server.isLoopback ? '' : ' Quoted text leaves this machine.';
      const detail = `Served by ${server.host}, ${writer.contextTokens} tokens of context.${where}`;
      this.#set({ state: 'ready', name: server.model, author: writer.author, detail });
    } catch (error) {
      if (this.#settings === settings) this.#set({ state: 'failed', author, detail: messageOf(error) });
    }
  }

  #fail(writer: ServerWriter, error: unknown): void {
    if (this.#writer !== writer) return;
    this.#writer = undefined;
    this.#set({ state: 'failed', author: { kind: 'extractive' }, detail: messageOf(error) });
  }

  #set(status: ModelStatus): void {
    this.status = status;
    this.changed();
  }
}
