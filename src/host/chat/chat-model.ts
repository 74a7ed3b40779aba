import * as vscode from 'vscode';
import type { ClientModel } from '../../protocol';
import type { WorkerClient } from '../worker-client';
import { VENDOR } from './local-model-provider';

/** Key of the user's decisions about chat models: vendor → whether they may read quoted lines. */
const DECISIONS = 'chatModels';

/** A chat model that writes for `@anchorage`. */
export interface ChatWriter {
  info: ClientModel;
  model: vscode.LanguageModelChat;
}

/**
 * The model that the user chose in the chat, if it may write. Anchorage's own stays on this machine. Any other is sent
 * quoted lines of the workspace, so the user decides once for each vendor.
 */
export async function chatWriter(
  model: vscode.LanguageModelChat,
  memory: vscode.Memento,
): Promise<ChatWriter | undefined> {
  if (model.vendor === VENDOR) return undefined;
  const decisions = memory.get<Readonly<Record<string, boolean>>>(DECISIONS, {});
  const decided = decisions[model.vendor] ?? (await ask(model));
  if (decided === undefined) return undefined;
  if (decisions[model.vendor] === undefined) await memory.update(DECISIONS, { ...decisions, [model.vendor]: decided });
  if (!decided) return undefined;
  const name = model.name || model.id;
  return { model, info: { name, contextTokens: model.maxInputTokens, sentTo: `${name} (${model.vendor})` } };
}

async function ask(model: vscode.LanguageModelChat): Promise<boolean | undefined> {
  const name = model.name || model.id;
  const use = vscode.l10n.t('Use {0}', name);
  const keep = vscode.l10n.t('Keep Answers on This Machine');
  const picked = await vscode.window.showInformationMessage(
    vscode.l10n.t('Let {0} write the answers of @anchorage?', name),
    {
      modal: true,
      detail: [
        vscode.l10n.t('The lines that an answer quotes are sent to this model.'),
        vscode.l10n.t('Anchorage finds them and checks what it writes. Each answer says who wrote it.'),
      ].join(' '),
    },
    use,
    keep,
  );
  return picked === undefined ? undefined : picked === use;
}

/** Forgets the decisions, so that the next question asks again. */
export async function forgetDecisions(memory: vscode.Memento): Promise<void> {
  await memory.update(DECISIONS, undefined);
}

export function hasDecisions(memory: vscode.Memento): boolean {
  return memory.get(DECISIONS) !== undefined;
}

/** Lets a chat model write for the question `id` until the result is disposed. */
export function serveWriter(client: WorkerClient, id: string, { model }: ChatWriter): vscode.Disposable {
  return client.serveWriter(id, async ({ chat }, token) => {
    const source = new vscode.CancellationTokenSource();
    const listener = token.onCancellationRequested(() => source.cancel());
    try {
      const messages = chat.map(({ role, content }) =>
        // The interface has no system role.
        role === 'assistant'
          ? vscode.LanguageModelChatMessage.Assistant(content)
          : vscode.LanguageModelChatMessage.User(content),
      );
      const response = await model.sendRequest(messages, {}, source.token);
      let text = '';
      for await (const part of response.text) {
        text += part;
        client.notify('writer/text', { id, text: part });
      }
      return { text };
    } finally {
      listener.dispose();
      source.dispose();
    }
  });
}
