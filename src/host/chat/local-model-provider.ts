import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { ChatMessage, ModelStatus } from '../../protocol';
import type { WorkerClient } from '../worker-client';

export const VENDOR = 'anchorage';
const MOST_OUTPUT = 1024;
/** Until the model's window is known. */
const USUAL_WINDOW = 8192;
const CHARACTERS_PER_TOKEN = 3;

/**
 * Offers the chosen model to the editor's chat, so that the chat has a model without a network. Without a chosen model
 * there is an entry too: `@anchorage` answers with quotes. The editor selects no model by itself (only its own
 * extensions may name a default), so the user selects this one in the chat's model list once. VS Code 1.139 lists no
 * model of any extension before the user has signed in.
 */
export class LocalModelProvider implements vscode.LanguageModelChatProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeLanguageModelChatInformation = this.changed.event;
  private model: ModelStatus | undefined;
  private readonly listener: vscode.Disposable;

  constructor(
    private readonly client: WorkerClient,
    private readonly prepare: () => Promise<void>,
  ) {
    this.listener = client.on('index/status', ({ model }) => {
      const isOther = nameOf(model) !== nameOf(this.model);
      this.model = model;
      if (isOther) this.changed.fire();
    });
  }

  provideLanguageModelChatInformation(): vscode.LanguageModelChatInformation[] {
    const name = nameOf(this.model);
    return [
      {
        id: 'local',
        name: name ?? vscode.l10n.t('Anchorage (quotes)'),
        family: 'anchorage',
        version: '1',
        detail: vscode.l10n.t('on this machine'),
        tooltip: name
          ? (this.model?.detail ?? name)
          : vscode.l10n.t('No model is chosen. @anchorage answers with quotes from your files.'),
        maxInputTokens: USUAL_WINDOW,
        maxOutputTokens: MOST_OUTPUT,
        capabilities: {},
      },
    ];
  }

  async provideLanguageModelChatResponse(
    _model: vscode.LanguageModelChatInformation,
    messages: readonly vscode.LanguageModelChatRequestMessage[],
    _options: vscode.ProvideLanguageModelChatResponseOptions,
    progress: vscode.Progress<vscode.LanguageModelResponsePart>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    await this.prepare();
    const id = randomUUID();
    const texts = this.client.on('chat/text', (part) => {
      if (part.id === id) progress.report(new vscode.LanguageModelTextPart(part.text));
    });
    try {
      await this.client.request('chat/write', { id, chat: messages.map(asMessage), maxNewTokens: MOST_OUTPUT }, token);
    } finally {
      texts.dispose();
    }
  }

  provideTokenCount(_model: unknown, text: string | vscode.LanguageModelChatRequestMessage): Promise<number> {
    const { length } = typeof text === 'string' ? text : asMessage(text).content;
    return Promise.resolve(Math.ceil(length / CHARACTERS_PER_TOKEN));
  }

  dispose(): void {
    this.listener.dispose();
    this.changed.dispose();
  }
}

/** The name of the model that writes; undefined for none, and for the bundled one, which writes no prose. */
function nameOf(status: ModelStatus | undefined): string | undefined {
  return status?.state === 'ready' && status.author.kind === 'chosen' ? status.author.model : undefined;
}

function asMessage({ role, content }: vscode.LanguageModelChatRequestMessage): ChatMessage {
  const text = content
    .map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : ''))
    .filter((part) => part !== '')
    .join('\n');
  return { role: role === vscode.LanguageModelChatMessageRole.Assistant ? 'assistant' : 'user', content: text };
}

/** Registers the provider if the editor has the interface. */
export function registerLocalModel(client: WorkerClient, prepare: () => Promise<void>): vscode.Disposable[] {
  if (typeof vscode.lm?.registerLanguageModelChatProvider !== 'function') return [];
  const provider = new LocalModelProvider(client, prepare);
  return [provider, vscode.lm.registerLanguageModelChatProvider(VENDOR, provider)];
}
