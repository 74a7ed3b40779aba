/** Files, segmented and in a lexical index in memory. */
import { LexicalIndex, type ReadDocument } from '../../src/workspace';
import { createSegmenter } from '../../src/workspace/segments/segmenter';
import { toDocument } from '../../src/workspace/sources/read';

export interface IndexedFiles {
  index: LexicalIndex;
  /** By path. */
  documents: ReadonlyMap<string, ReadDocument>;
}

/** @param files texts by path; the folder is `/w` */
export async function indexedFiles(files: Readonly<Record<string, string>>): Promise<IndexedFiles> {
  const index = LexicalIndex.inMemory();
  const documents = new Map<string, ReadDocument>();
  const segmenter = await createSegmenter();
  for (const [path, text] of Object.entries(files)) {
    const document = toDocument(`/w/${path}`, path, text);
    const segmented = await segmenter.segment(document);
    index.add(path, document, segmented);
    documents.set(path, { document, segmented });
  }
  segmenter.close();
  return { index, documents };
}
