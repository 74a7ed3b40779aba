/** Text files that are too long to be read whole. They are read in windows. */
import { statSync } from 'node:fs';
import { splitLines } from '../base';
import { isPlainText } from './sources/extractors';
import type { WorkspaceFolders } from './sources/folders';
import { toDocument } from './sources/read';
import { bestBlocks, type ScanOptions } from './sources/text-scan';
import { textWindows, type WindowOptions } from './sources/text-windows';
import { whyFile } from './sources/why';
import type { IndexSettings } from './indexing/indexer';
import type { Document } from './types';

/** A longer text is read in windows. Reading it whole would take seconds, and many times its size in memory. */
export const LONG_BYTES = 8 << 20;

/** Size of the windows in which a line is looked for: small enough for a syntax tree. */
const AROUND_BYTES = 512 << 10;

/** A run of lines of a long file, as a document of its own. */
export interface LongFileWindow {
  /** Its lines begin at 1. */
  document: Document;
  /** Number of the window's first line in the file. */
  startLine: number;
  /** Position in the file, in bytes. */
  start: number;
  end: number;
  /** True in the middle of a line that is longer than a window. */
  continues: boolean;
}

export class LongFiles {
  constructor(
    private readonly context: () => {
      folders: WorkspaceFolders;
      settings: IndexSettings;
      /** True for a file whose text is in memory, because an editor has it. */
      isOpen: (path: string) => boolean;
    },
  ) {}

  /** Whether a file is a text that is only read in windows. */
  isLong(file: string): boolean {
    return this.isOnDisk(file) && sizeOf(file) > LONG_BYTES;
  }

  /** Whether a file is a text that is not indexed only because of its size. */
  isTooLargeToIndex(file: string): boolean {
    const { folders, settings } = this.context();
    return (
      this.isOnDisk(file) &&
      sizeOf(file) > settings.maxFileBytes &&
      whyFile(file, folders, { ...settings, maxFileBytes: Infinity }).indexed
    );
  }

  sizeOf(file: string): number {
    return sizeOf(file);
  }

  /** Reads a text in windows of whole lines. @throws ReadError */
  async *windows(file: string, options: WindowOptions): AsyncGenerator<LongFileWindow> {
    const { folders } = this.context();
    const path = folders.pathOf(file) ?? file;
    for await (const { text, ...window } of textWindows(file, { encoding: folders.encodingOf(file), ...options }))
      yield { document: toDocument(file, path, text), ...window };
  }

  /** The parts of a text that share most with a question, in order. @throws ReadError */
  async excerpts(file: string, options: ScanOptions): Promise<readonly LongFileWindow[]> {
    const excerpts: LongFileWindow[] = [];
    const encoding = this.context().folders.encodingOf(file);
    for (const block of await bestBlocks(file, { encoding, ...options })) {
      const { signal } = options;
      for await (const window of this.windows(file, { bytes: block.end - block.start, from: block, signal })) {
        excerpts.push(window);
        break;
      }
    }
    return excerpts;
  }

  /** Whole lines around a line, at least up to `last`; undefined beyond the end of the file. @throws ReadError */
  async windowAt(file: string, line: number, last = line, signal?: AbortSignal): Promise<LongFileWindow | undefined> {
    let found: LongFileWindow | undefined;
    for await (const window of this.windows(file, { bytes: AROUND_BYTES, signal })) {
      const end = window.startLine + splitLines(window.document.text).length - 1;
      if (end < line) continue;
      const text = (found?.document.text ?? '') + window.document.text;
      found = { ...window, ...found, document: toDocument(file, window.document.path, text), end: window.end };
      if (end > last) break;
    }
    return found;
  }

  private isOnDisk(file: string): boolean {
    const { folders, isOpen } = this.context();
    return isPlainText(file) && !isOpen(folders.pathOf(file) ?? file);
  }
}

/** Size in bytes of a regular file; 0 for anything else. */
function sizeOf(file: string): number {
  const info = statSync(file, { throwIfNoEntry: false });
  return info?.isFile() ? info.size : 0;
}
