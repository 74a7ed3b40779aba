/** A folder that a bench asks: indexed in a storage of its own, ranked with the sentence encoder, without a writer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../../../src/assistant/ask';
import type { PassageEncoder } from '../../../src/inference/passage-encoder';
import { Search, SEARCH_WEIGHTS } from '../../../src/search';
import { Workspace } from '../../../src/workspace/workspace';

export const ENCODER = 'dist/models/all-minilm-l6-v2';
/** Characters of an answer that a user sees at once. */
export const FIRST_CHARACTERS = 900;
/** A busy machine shall not leave questions to words alone. */
const PATIENT = { ...SEARCH_WEIGHTS, limits: { ...SEARCH_WEIGHTS.limits, embeddingMs: 60_000 } };

export interface AskedWorkspace {
  library: Workspace;
  /** The answer's Markdown. */
  answerTo(question: string): Promise<string>;
}

/** Indexes a folder for as long as `use` asks it. Without an encoder, words alone rank. */
export async function withWorkspace<T>(
  folder: { name: string; directory: string; maxFileBytes: number },
  encoder: PassageEncoder | undefined,
  use: (asked: AskedWorkspace) => Promise<T>,
): Promise<T> {
  const { name, directory, maxFileBytes } = folder;
  const storageDirectory = mkdtempSync(join(tmpdir(), 'anchorage-bench-'));
  const library = await Workspace.open({
    folders: [{ name, directory }],
    storageDirectory,
    settings: { filesExclude: ['**/.git', '**/.git/**'], maxFileBytes },
    threads: 0,
    grammars: 'node_modules/@vscode/tree-sitter-wasm/wasm',
  });
  const search = new Search({ workspace: library, weights: PATIENT, sentences: () => encoder });
  const answerTo = async (question: string): Promise<string> =>
    (await ask({ id: 'bench', scope: { kind: 'workspace' }, question }, { library, search })).markdown;
  try {
    await library.start();
    return await use({ library, answerTo });
  } finally {
    await library.close();
    rmSync(storageDirectory, { recursive: true, force: true });
  }
}
