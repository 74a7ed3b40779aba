import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import {
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  type MemoryPayload,
  type PackRecord,
  partsOf,
  recordOf,
  type RecordSizes,
} from './record';

/**
 * An append-only file of segment memories. A record is a fixed header followed by its payload: token ids, vectors
 * of passages, coarse rows, other fine rows. Opening a pack reads headers only, and a part of a payload is read
 * in place. Only complete records count. An incomplete tail is cut off when the pack is opened for writing.
 */
export class Pack {
  /** Whether the file ends in an incomplete record that could not be cut off. */
  torn = false;

  private constructor(
    readonly id: number,
    readonly file: string,
    private readonly handle: FileHandle,
    private length: number,
  ) {}

  /**
   * Opens or creates a pack and lists its records in file order. Bytes after the last complete record are cut off if
   * the pack may be written, and ignored otherwise.
   */
  static async open(
    id: number,
    file: string,
    writable: boolean,
  ): Promise<{ pack: Pack; records: PackRecord[]; lostBytes: number }> {
    const pack = new Pack(id, file, await open(file, writable ? 'a+' : 'r'), 0);
    try {
      const records = await pack.follow();
      const { size } = await pack.handle.stat();
      if (writable && pack.length < size) await pack.handle.truncate(pack.length);
      return { pack, records, lostBytes: size - pack.length };
    } catch (error) {
      await pack.close();
      throw error;
    }
  }

  /** Reads the records appended since the last call, in file order. An incomplete record is left for the next call. */
  async follow(): Promise<PackRecord[]> {
    const { size } = await this.handle.stat();
    const records: PackRecord[] = [];
    const header = Buffer.alloc(HEADER_BYTES);
    while (this.length + HEADER_BYTES <= size) {
      const { bytesRead } = await this.handle.read(header, 0, HEADER_BYTES, this.length);
      const record = bytesRead === HEADER_BYTES ? decodeHeader(header, this.length + HEADER_BYTES) : undefined;
      if (!record || record.offset + record.payloadBytes > size) break;
      records.push(record);
      this.length = record.offset + record.payloadBytes;
    }
    return records;
  }

  /** Whether the path still names the opened file. Another process may have deleted or replaced it. */
  async isThere(): Promise<boolean> {
    try {
      const [own, named] = [await this.handle.stat({ bigint: true }), await stat(this.file, { bigint: true })];
      return own.ino === named.ino && own.dev === named.dev && Number(named.size) >= this.length;
    } catch {
      return false;
    }
  }

  /** Size of the file up to its last complete record, in bytes. */
  get size(): number {
    return this.length;
  }

  /**
   * Appends one record, which is durable after the next `sync`.
   * @throws when the write fails (a full disk); the file is then truncated to its last complete record
   */
  async append(sizes: RecordSizes, payload: MemoryPayload): Promise<PackRecord> {
    const parts = partsOf(payload).filter((part) => part.byteLength > 0);
    const whole = recordOf(sizes, payload);
    const bytes = whole.payloadBytes;
    const start = this.length;
    try {
      const { bytesWritten } = await this.handle.writev([encodeHeader(whole), ...parts]);
      if (bytesWritten !== HEADER_BYTES + bytes) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
    } catch (error) {
      // Appending after an incomplete record would lose the new record at the next opening.
      await this.handle.truncate(start).catch(() => (this.torn = true));
      throw error;
    }
    this.length = start + HEADER_BYTES + bytes;
    return { ...whole, offset: start + HEADER_BYTES };
  }

  /**
   * Reads a part of a record's payload, from offset `from`, into `target`. Returns false when the file no longer
   * contains it.
   */
  async read(record: PackRecord, from: number, target: Uint8Array): Promise<boolean> {
    if (target.byteLength === 0) return true;
    try {
      const { bytesRead } = await this.handle.read(target, 0, target.byteLength, record.offset + from);
      return bytesRead === target.byteLength;
    } catch {
      return false; // A compaction closed the file, or the disk failed. Either way the bytes are unavailable.
    }
  }

  async sync(): Promise<void> {
    await this.handle.datasync();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
