import { extractFunctions, type Workspace } from '../workspace';

export type DocumentedFunction = { path: string; language: string } & ReturnType<typeof extractFunctions>[number];

/** The documented functions of every indexed file, as the training recipe reads them. */
export async function* documentedFunctions(
  workspace: Pick<Workspace, 'documents' | 'indexed'>,
  signal?: AbortSignal,
): AsyncGenerator<DocumentedFunction> {
  for (const { path } of workspace.documents()) {
    signal?.throwIfAborted();
    const read = await workspace.indexed(path);
    if (!read) continue;
    const { document, segmented } = read;
    for (const found of extractFunctions(document, segmented)) yield { path, language: document.language, ...found };
  }
}
