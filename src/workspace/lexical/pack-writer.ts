import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { BlockChecksums } from '../../base/node';
import type { Delta } from './delta';
import { DictionaryWriter } from './dictionary';
import { ByteWriter } from './growable';
import { Pace, sortPaced } from './pace';
import { Pack } from './pack';
import { encodeHeader, HEADER_BYTES, POSTING_BLOCK } from './pack-file';
import { type Part, PartTables, PostingList } from './part';
import { encodeTables } from './tables-codec';
import { LexicalStoreError } from './types';

/** New row of each document of each source, or −1 for a removed document. */
export interface WrittenPack {
  rows: readonly Int32Array[];
  /** The tables that were written. */
  tables: PartTables;
}

/** Iterates over a part's terms in order. */
interface TermCursor {
  readonly term: string | undefined;
  advance(): void;
  read(into: PostingList): void;
}

/**
 * Writes the live documents of `sources` as one pack at `path`. Postings are merged term by term, so memory has one
 * term's postings, the new dictionary and the tables. The file appears complete under its name (temporary file, fsync,
 * rename) or not at all.
 */
export async function writePack(path: string, sources: readonly Part[], signal?: AbortSignal): Promise<WrittenPack> {
  const pace = new Pace(signal);
  const { tables, rows, segments } = await joinTables(sources, pace);
  const temporary = `${path}.tmp`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'w');
    const cursors = await Promise.all(sources.map((source) => cursorOf(source, pace)));
    const checks = new BlockChecksums(POSTING_BLOCK);
    const postings = new SectionWriter(handle, HEADER_BYTES, checks);
    const dictionary = await writePostings(postings, cursors, segments, pace);
    const dictionarySection = new SectionWriter(handle, postings.position);
    await dictionarySection.write(dictionary);
    const tablesSection = new SectionWriter(handle, dictionarySection.position);
    await tablesSection.write(await encodeTables(tables, pace));
    const checksSection = new SectionWriter(handle, tablesSection.position);
    await checksSection.write(new Uint8Array(checks.finish().buffer));
    const header = encodeHeader({
      postings: postings.summary(),
      dictionary: dictionarySection.summary(),
      tables: tablesSection.summary(),
      checks: checksSection.summary(),
    });
    await handle.write(header, 0, header.length, 0);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, path);
    return { rows, tables };
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    throw storeError(error, path);
  }
}

/** Converts a write error to one that names the file and a remedy. Cancellation passes unchanged. */
export function storeError(error: unknown, file: string): unknown {
  if (error instanceof LexicalStoreError || (error as Error | undefined)?.name === 'AbortError') return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new LexicalStoreError(
      'lexicalDiskFull',
      file,
      'the disk is full; free some space, and the next change writes the index',
      { cause: error },
    );
  return new LexicalStoreError('lexicalWriteFailed', file, `cannot be written (${code ?? String(error)})`, {
    cause: error,
  });
}

/**
 * Concatenates the sources' live documents. `segments` maps each source's segment rows to rows of the result; −1 for
 * removed ones.
 */
async function joinTables(
  sources: readonly Part[],
  pace: Pace,
): Promise<{ tables: PartTables; rows: Int32Array[]; segments: Int32Array[] }> {
  const tables = new PartTables();
  const rows: Int32Array[] = [];
  const segments: Int32Array[] = [];
  for (const { tables: from } of sources) {
    const rowMap = new Int32Array(from.documents.length).fill(-1);
    const segmentMap = new Int32Array(from.segments).fill(-1);
    for (const [row, document] of from.documents.entries()) {
      if (pace.due) await pace.rest();
      if (from.removed[row] === 1) continue;
      rowMap[row] = tables.addDocument(document);
      for (let s = from.firstSegment.at(row), end = from.endSegment(row); s < end; s++)
        segmentMap[s] = tables.addSegment(
          from.startLine.at(s),
          from.endLine.at(s),
          from.segmentKind.at(s),
          from.segmentLength.at(s),
        );
    }
    rows.push(rowMap);
    segments.push(segmentMap);
  }
  return { tables, rows, segments };
}

async function writePostings(
  out: SectionWriter,
  cursors: readonly TermCursor[],
  segments: readonly Int32Array[],
  pace: Pace,
): Promise<Uint8Array> {
  const dictionary = new DictionaryWriter();
  const list = new PostingList();
  const bytes = new ByteWriter();
  for (let steps = 0; ; steps++) {
    if ((steps & 63) === 0 && pace.due) await pace.rest();
    let term: string | undefined;
    for (const cursor of cursors)
      if (cursor.term !== undefined && (term === undefined || cursor.term < term)) term = cursor.term;
    if (term === undefined) break;
    bytes.clear();
    let count = 0;
    let last = -1;
    for (const [i, cursor] of cursors.entries()) {
      if (cursor.term !== term) continue;
      cursor.read(list);
      cursor.advance();
      const map = segments[i] as Int32Array;
      for (let p = 0; p < list.length; p++) {
        const segment = map[list.segments[p] as number] as number;
        if (segment < 0) continue;
        bytes.varint(segment - last);
        bytes.varint(list.values[p] as number);
        last = segment;
        count++;
      }
    }
    if (count === 0) continue;
    dictionary.add(term, count, bytes.length);
    if (out.append(bytes.view())) await out.drain();
  }
  await out.drain();
  return dictionary.finish();
}

/** Writes one section of the file: buffers small writes, and tracks length and checksum. */
class SectionWriter {
  private readonly pending = new ByteWriter(1 << 18);
  private length = 0;
  private crc = 0;

  constructor(
    private readonly handle: FileHandle,
    private readonly start: number,
    /** Checksums of the section's blocks, where it has some. */
    private readonly checks?: BlockChecksums,
  ) {}

  get position(): number {
    return this.start + this.length;
  }

  /** Appends bytes. Returns true when the buffer should be drained. */
  append(bytes: Uint8Array): boolean {
    this.pending.bytes(bytes);
    return this.pending.length > 1 << 18;
  }

  async drain(): Promise<void> {
    await this.write(this.pending.view());
    this.pending.clear();
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;)
      done += (await this.handle.write(bytes, done, bytes.length - done, this.position + done)).bytesWritten;
    this.crc = crc32(bytes, this.crc);
    this.checks?.add(bytes);
    this.length += bytes.length;
  }

  summary(): { length: number; crc: number } {
    return { length: this.length, crc: this.crc };
  }
}

const cursorOf = (source: Part, pace: Pace): Promise<TermCursor> =>
  source instanceof Pack ? Promise.resolve(new PackCursor(source)) : deltaCursor(source as Delta, pace);

/** Bytes of postings that a merge reads at once from each pack. */
const BUFFER_BYTES = 1 << 18;

/** Reads a pack's postings front to back through one buffer. */
class PackCursor implements TermCursor {
  private readonly entries;
  private entry;
  private buffer: Uint8Array = new Uint8Array(BUFFER_BYTES + 2 * POSTING_BLOCK);
  private bufferStart = 0;
  private bufferEnd = 0;

  constructor(private readonly pack: Pack) {
    this.entries = pack.dictionary.entries();
    this.entry = this.entries.next();
  }

  get term(): string | undefined {
    return this.entry.done === true ? undefined : this.entry.value.term;
  }

  advance(): void {
    this.entry = this.entries.next();
  }

  read(into: PostingList): void {
    if (this.entry.done === true) return;
    const { offset, length } = this.entry.value;
    if (offset < this.bufferStart || offset + length > this.bufferEnd) {
      const { file } = this.pack;
      const size = Math.max(length, Math.min(BUFFER_BYTES, file.layout.postings.length - offset));
      const read = file.readPostings(offset, size, this.buffer);
      this.buffer = read.bytes;
      this.bufferStart = read.start;
      this.bufferEnd = read.end;
    }
    this.pack.decode(this.entry.value, this.buffer, offset - this.bufferStart, into);
  }
}

async function deltaCursor(delta: Delta, pace: Pace): Promise<TermCursor> {
  const { terms } = delta.tokens;
  const { length } = terms;
  const order = await sortPaced(
    Int32Array.from({ length }, (_, id) => id),
    (a, b) => byUnits(terms[a] as string, terms[b] as string),
    pace,
  );
  let at = 0;
  return {
    get term() {
      return at < length ? terms[order[at] as number] : undefined;
    },
    advance: () => void at++,
    read: (into) => delta.readId(order[at] as number, into),
  };
}

const byUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
