/** The source of passages. Each file is read and segmented once per answer. */
import { splitLines } from '../../base';
import type { AssistantLibrary } from '../library';
import type { Document, SegmentedDocument } from '../../workspace';

export interface OpenFile {
  document: Document;
  segmented: SegmentedDocument;
  lines: string[];
}

/** Reads and segments each file once. A file that was deleted since indexing opens as undefined. */
export class PassageSource {
  private readonly files = new Map<string, Promise<OpenFile | undefined>>();

  constructor(private readonly library: Pick<AssistantLibrary, 'read' | 'segmentsOf'>) {}

  open(file: string): Promise<OpenFile | undefined> {
    let opening = this.files.get(file);
    if (!opening) {
      opening = this.load(file).catch(() => undefined);
      this.files.set(file, opening);
    }
    return opening;
  }

  private async load(file: string): Promise<OpenFile> {
    const document = await this.library.read(file);
    return { document, segmented: await this.library.segmentsOf(document), lines: splitLines(document.text) };
  }
}
