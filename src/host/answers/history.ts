import * as vscode from 'vscode';
import type { Answer } from '../../protocol';
import { setting } from '../configuration';

interface Entry {
  id: string;
  question: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** Earlier conversations, newest first. The workspace state has the list, and each conversation has its own file. */
export class AnswerHistory {
  private static readonly key = 'answers';

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  list(): readonly Entry[] {
    return this.context.workspaceState.get<Entry[]>(AnswerHistory.key, []);
  }

  /** Stores a conversation, oldest answer first. A follow-up replaces what was stored before it. */
  async add(answers: readonly Answer[]): Promise<void> {
    const [first] = answers;
    if (!first) return;
    const limit = setting('answer.historySize');
    const kept = [
      { id: first.id, question: first.question, at: Date.now() },
      ...this.list().filter(({ id }) => id !== first.id),
    ];
    const gone = kept.splice(limit);
    if (limit > 0) await this.write(first.id, answers);
    await this.context.workspaceState.update(AnswerHistory.key, kept);
    await Promise.all(gone.map((entry) => this.remove(entry.id)));
  }

  /** @returns the answers of a conversation, oldest first; empty if its file is missing or damaged */
  async load(id: string): Promise<readonly Answer[]> {
    const file = this.file(id);
    if (!file) return [];
    try {
      const stored = JSON.parse(new TextDecoder().decode(await vscode.workspace.fs.readFile(file))) as
        Answer | Answer[];
      // Earlier versions stored single answers.
      return Array.isArray(stored) ? stored : [stored];
    } catch (error) {
      this.log.warn(`The answer ${id} could not be read: ${String(error)}`);
      return [];
    }
  }

  async clear(): Promise<void> {
    const entries = this.list();
    await this.context.workspaceState.update(AnswerHistory.key, []);
    await Promise.all(entries.map((entry) => this.remove(entry.id)));
  }

  private async write(id: string, answers: readonly Answer[]): Promise<void> {
    const file = this.file(id);
    if (!file) return;
    // Only the first spans are stored, so that the file stays small. The panel shows those of the last answer.
    const lean = answers.map((answer, i) => ({
      ...answer,
      spans: i === answers.length - 1 ? answer.spans.slice(0, 20) : [],
    }));
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
