import * as vscode from 'vscode';
import type { Answer } from '../../protocol';
import { setting } from '../configuration';

interface Entry {
  id: string;
  question: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** Earlier answers, newest first. The workspace state has the list, and each answer has its own file. */
export class AnswerHistory {
  private static readonly key = 'answers';

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  list(): readonly Entry[] {
    return this.context.workspaceState.get<Entry[]>(AnswerHistory.key, []);
  }

  async add(answer: Answer): Promise<void> {
    const limit = setting('answer.historySize');
    const kept = [
      { id: answer.id, question: answer.question, at: Date.now() },
      ...this.list().filter(({ id }) => id !== answer.id),
    ];
    const gone = kept.splice(limit);
    if (limit > 0) await this.write(answer);
    await this.context.workspaceState.update(AnswerHistory.key, kept);
    await Promise.all(gone.map((entry) => this.remove(entry.id)));
  }

  /** @returns the answer, or undefined if its file is missing or damaged */
  async load(id: string): Promise<Answer | undefined> {
    const file = this.file(id);
    if (!file) return undefined;
    try {
      return JSON.parse(new TextDecoder().decode(await vscode.workspace.fs.readFile(file))) as Answer;
    } catch (error) {
      this.log.warn(`The answer ${id} could not be read: ${String(error)}`);
      return undefined;
    }
  }

  async clear(): Promise<void> {
    const entries = this.list();
    await this.context.workspaceState.update(AnswerHistory.key, []);
    await Promise.all(entries.map((entry) => this.remove(entry.id)));
  }

  private async write(answer: Answer): Promise<void> {
    const file = this.file(answer.id);
    if (!file) return;
    // Only the first spans are stored, so that the file stays small.
    const lean: Answer = { ...answer, spans: answer.spans.slice(0, 20) };
    await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(JSON.stringify(lean)));
  }

  private async remove(id: string): Promise<void> {
    const file = this.file(id);
    if (file) await vscode.workspace.fs.delete(file).then(undefined, () => undefined);
  }

  private file(id: string): vscode.Uri | undefined {
    const storage = this.context.storageUri;
    return storage && /^[\w-]+$/.test(id) ? vscode.Uri.joinPath(storage, 'answers', `${id}.json`) : undefined;
  }
}
