import { crc32 } from 'node:zlib';
import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';

const MAGIC = 0x334d4e41; // "ANM3", little-endian
export const HEADER_BYTES = 64;
/** Content keys: the first 16 bytes of a sha256. */
export const KEY_BYTES = 16;

/** The header of a record. Sizes are in bytes, offsets from the start of the file. */
export interface PackRecord {
  /** Hex of the content key. */
  key: string;
  /** Offset of the payload in the file. */
  offset: number;
  /** Tokens that the rows represent. */
  tokens: number;
  coarseRows: number;
  restRows: number;
  bytesPerRow: number;
  vectorBytes: number;
  idBytes: number;
  passageBytes: number;
  payloadBytes: number;
  payloadCrc: number;
  /** True for a record without payload that removes its key from the store. */
  tombstone: boolean;
}

/** The parts of a payload, in file order. */
export interface MemoryPayload {
  vector: Uint8Array;
  /** The text's token ids, two bytes each. Empty when the model has no token vectors. */
  ids: Uint8Array;
  /** Vectors of passages in signed bytes; empty without a sentence encoder. */
  passages: Uint8Array;
  coarse: Uint8Array;
  /** Fine rows that are not coarse rows. */
  rest: Uint8Array;
}

/** The payload of a tombstone. */
export const EMPTY_PAYLOAD: MemoryPayload = {
  vector: new Uint8Array(0),
  ids: new Uint8Array(0),
  passages: new Uint8Array(0),
  coarse: new Uint8Array(0),
  rest: new Uint8Array(0),
};

export type MemoryPart = keyof MemoryPayload;

/** Returns the range of a part within a record's payload. */
export function placeOf(
  part: MemoryPart,
  { vectorBytes, idBytes, passageBytes, coarseRows, restRows, bytesPerRow }: PackRecord,
): { from: number; bytes: number } {
  const passagesFrom = vectorBytes + idBytes;
  const rowsFrom = passagesFrom + passageBytes;
  switch (part) {
    case 'vector':
      return { from: 0, bytes: vectorBytes };
    case 'ids':
      return { from: vectorBytes, bytes: idBytes };
    case 'passages':
      return { from: passagesFrom, bytes: passageBytes };
    case 'coarse':
      return { from: rowsFrom, bytes: coarseRows * bytesPerRow };
    case 'rest':
      return { from: rowsFrom + coarseRows * bytesPerRow, bytes: restRows * bytesPerRow };
  }
}

/** Splits a whole payload into its parts, without copying. */
export function payloadOf(record: PackRecord, whole: Uint8Array): MemoryPayload {
  const part = (which: MemoryPart): Uint8Array => {
    const { from, bytes } = placeOf(which, record);
    return whole.subarray(from, from + bytes);
  };
  return {
    vector: part('vector'),
    ids: part('ids'),
    passages: part('passages'),
    coarse: part('coarse'),
    rest: part('rest'),
  };
}

export function payloadBytes(payload: MemoryPayload): number {
  return partsOf(payload).reduce((bytes, part) => bytes + part.byteLength, 0);
}

/** The parts in file order. */
function partsOf({ vector, ids, passages, coarse, rest }: MemoryPayload): Uint8Array[] {
  return [vector, ids, passages, coarse, rest];
}

function encodeHeader(record: Omit<PackRecord, 'offset'>): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  Buffer.from(record.key, 'hex').copy(header, 8, 0, KEY_BYTES);
  header.writeUInt32LE(record.tokens, 24);
  header.writeUInt32LE(record.coarseRows, 28);
  header.writeUInt32LE(record.restRows, 32);
  header.writeUInt32LE(record.bytesPerRow, 36);
  header.writeUInt32LE(record.vectorBytes, 40);
  header.writeUInt32LE(record.payloadBytes, 44);
  header.writeUInt32LE(record.payloadCrc, 48);
  header.writeUInt32LE(record.tombstone ? 1 : 0, 52);
  header.writeUInt32LE(record.idBytes, 56);
  header.writeUInt32LE(record.passageBytes, 60);
  header.writeUInt32LE(crc32(header.subarray(8)), 4);
  return header;
}

/** Decodes a header. Returns undefined when the bytes are not an intact header. */
function decodeHeader(header: Buffer, offset: number): PackRecord | undefined {
  if (header.readUInt32LE(0) !== MAGIC || header.readUInt32LE(4) !== crc32(header.subarray(8))) return undefined;
  const record: PackRecord = {
    key: header.toString('hex', 8, 8 + KEY_BYTES),
    offset,
    tokens: header.readUInt32LE(24),
    coarseRows: header.readUInt32LE(28),
    restRows: header.readUInt32LE(32),
    bytesPerRow: header.readUInt32LE(36),
    vectorBytes: header.readUInt32LE(40),
    idBytes: header.readUInt32LE(56),
    passageBytes: header.readUInt32LE(60),
    payloadBytes: header.readUInt32LE(44),
    payloadCrc: header.readUInt32LE(48),
    tombstone: header.readUInt32LE(52) === 1,
  };
  const rows = (record.coarseRows + record.restRows) * record.bytesPerRow;
  const others = record.vectorBytes + record.idBytes + record.passageBytes;
  return record.tombstone || rows + others === record.payloadBytes ? record : undefined;
}

/**
 * An append-only file of segment memories. A record is a fixed header followed by its payload: vector, token ids,
 * vectors of passages, coarse rows, other fine rows. Opening a pack reads headers only, and a part of a payload is read
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
  async append(
    record: Omit<PackRecord, 'offset' | 'payloadBytes' | 'payloadCrc' | 'vectorBytes' | 'idBytes' | 'passageBytes'>,
    payload: MemoryPayload,
  ): Promise<PackRecord> {
    // zlib takes some empty arrays for the start of a new checksum.
    const parts = partsOf(payload).filter((part) => part.byteLength > 0);
    const bytes = payloadBytes(payload);
    const crc = parts.reduce((value, part) => crc32(part, value), 0);
    const whole = {
      ...record,
      vectorBytes: payload.vector.byteLength,
      idBytes: payload.ids.byteLength,
      passageBytes: payload.passages.byteLength,
      payloadBytes: bytes,
      payloadCrc: crc,
    };
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
