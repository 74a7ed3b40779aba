import { Dictionary, type TermEntry } from './dictionary';
import type { Part, PartTables, PostingList } from './part';
import { PackFile } from './pack-file';
import { decodeTables } from './tables-codec';
import { LexicalStoreError } from './types';

/** An immutable part on disk. Dictionary and tables are in memory, and postings are read on demand. */
export class Pack implements Part {
  private buffer: Uint8Array = new Uint8Array(1 << 14);

  private constructor(
    readonly file: PackFile,
    readonly tables: PartTables,
    readonly dictionary: Dictionary,
  ) {}

  /**
   * Opens a pack.
   * @param written the tables of a pack that was written a moment ago; it is not read again
   * @throws LexicalStoreError `lexicalCorrupt` when the file is incomplete
   */
  static open(path: string, written?: PartTables): Pack {
    const file = PackFile.open(path, written === undefined);
    try {
      return new Pack(
        file,
        written ?? decodeTables(file.section('tables')),
        new Dictionary(file.section('dictionary')),
      );
    } catch (error) {
      file.close();
      throw error instanceof RangeError
        ? new LexicalStoreError('lexicalCorrupt', path, error.message, { cause: error })
        : error;
    }
  }

  read(term: string, into: PostingList): void {
    const entry = this.dictionary.find(term);
    if (entry === undefined) {
      into.clear();
      return;
    }
    const { bytes, start } = this.file.readPostings(entry.offset, entry.length, this.buffer);
    this.buffer = bytes;
    this.decode(entry, bytes, entry.offset - start, into);
  }

  /** Decodes the postings of `entry` from `bytes` at `position`. */
  decode(entry: TermEntry, bytes: Uint8Array, position: number, into: PostingList): void {
    into.clear(entry.count);
    const { segments, values } = into;
    const limit = this.tables.segments;
    let at = position;
    let segment = -1;
    for (let i = 0; i < entry.count; i++) {
      let byte = bytes[at++] as number;
      let delta = byte & 0x7f;
      for (let shift = 7; byte >= 0x80; shift += 7) {
        byte = bytes[at++] as number;
        delta |= (byte & 0x7f) << shift;
      }
      byte = bytes[at++] as number;
      let value = byte & 0x7f;
      for (let shift = 7; byte >= 0x80; shift += 7) {
        byte = bytes[at++] as number;
        value |= (byte & 0x7f) << shift;
      }
      segment += delta;
      if (segment >= limit || at > position + entry.length)
        throw new LexicalStoreError('lexicalCorrupt', this.file.path, `postings of "${entry.term}" are damaged`);
      segments[i] = segment;
      values[i] = value;
    }
    into.length = entry.count;
  }

  close(): void {
    this.file.close();
  }
}
