/**
 * Untitled documents of the editor. They can be explained, summarized and hovered over. They are not indexed, so no
 * answer about the workspace quotes them and nothing of them is kept on disk.
 */
import type { Definition } from './lookups';
import type { SegmenterPool } from './segments/pool';
import { toDocument } from './sources/read';
import type { Document } from './types';

/** Their URI stands where other documents have a file: `untitled:Untitled-1`. */
const SCHEME = 'untitled:';

export const isUntitled = (file: string): boolean => file.startsWith(SCHEME);

export class UntitledDocuments {
  private readonly documents = new Map<string, Document>();

  constructor(private readonly pool: Pick<SegmenterPool, 'segmentNow'>) {}

  /** Keeps the text of an editor; null once it is closed. */
  set(file: string, text: string | null, language?: string): void {
    if (text === null) this.documents.delete(file);
    else {
      const document = toDocument(file, file.slice(SCHEME.length), text);
      this.documents.set(file, language === undefined ? document : { ...document, language });
    }
  }

  get(file: string): Document | undefined {
    return this.documents.get(file);
  }

  /** The definitions of a name in one document. */
  async definitions(file: string, name: string): Promise<Definition[]> {
    const document = this.documents.get(file);
    if (!document) return [];
    const { path, language } = document;
    const { segmented } = await this.pool.segmentNow(document);
    return segmented.symbols
      .filter((symbol) => symbol.name === name)
      .map((symbol) => ({ file, path, language, symbol }));
  }
}
