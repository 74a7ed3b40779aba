import { WorkspaceFolders } from '../../../src/workspace/sources/folders';
import { readDocument } from '../../../src/workspace/sources/read';
import { walk, WalkReport } from '../../../src/workspace/sources/walk';
import type { Document } from '../../../src/workspace/types';

/** Reads the documents of a folder with the product's ignore rules, size limit and languages. */
export async function readCorpus(directory: string, maxFileBytes = 1_000_000): Promise<Document[]> {
  const folders = new WorkspaceFolders([{ name: 'bench', directory }]);
  const documents: Document[] = [];
  for await (const { file, path } of walk(folders, { filesExclude: [], maxFileBytes }, new WalkReport())) {
    try {
      documents.push((await readDocument(file, path, maxFileBytes)).document);
    } catch {
      // Binary or unreadable files are excluded, as in the product.
    }
  }
  return documents;
}
