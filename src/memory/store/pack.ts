import { crc32 } from 'node:zlib';
import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';

/**
 * A pack: an append-only file of segment memories. Each record is a fixed header followed by its payload
 * (vector, token ids, coarse rows, fine rows), so opening a pack reads headers only and a row range is read in place.
 * A record counts once its header and payload are whole: a torn tail is cut off when the pack is opened.
 */

const MAGIC = 0x324d4e41; // "ANM2", little-endian
export const HEADER_BYTES = 60;
/** Content keys: the first 16 bytes of a sha256. */
export const KEY_BYTES = 16;

/** What a pack knows of one segment. Sizes in bytes, offsets from the start of the file. */
export interface PackRecord {
  /** Hex of the content key. */
  key: string;
  /** Position of the payload in the file. */
  offset: number;
  /** Tokens the memories stand for. */
  tokens: number;
  coarseRows: number;
  fineRows: number;
  bytesPerRow: number;
  vectorBytes: number;
  idBytes: number;
  payloadBytes: number;
  payloadCrc: number;
  /** A record without payload that takes the key back out of the store. */
  tombstone: boolean;
}

/** The parts of a payload, in file order. */
export interface MemoryPayload {
  vector: Uint8Array;
  /** The text's token ids, two bytes each; empty when the model has no vectors of tokens. */
  ids: Uint8Array;
  coarse: Uint8Array;
  fine: Uint8Array;
}

/** Of a record that takes its key out. */
export const NOTHING: MemoryPayload = {
  vector: new Uint8Array(0),
  ids: new Uint8Array(0),
  coarse: new Uint8Array(0),
  fine: new Uint8Array(0),
};

export type MemoryPart = keyof MemoryPayload;

/** Where a part lies in a record's payload. */
export function placeOf(
  part: MemoryPart,
  { vectorBytes, idBytes, coarseRows, fineRows, bytesPerRow }: PackRecord,
): { from: number; bytes: number } {
  const rows = vectorBytes + idBytes;
  switch (part) {
    case 'vector':
      return { from: 0, bytes: vectorBytes };
    case 'ids':
      return { from: vectorBytes, bytes: idBytes };
    case 'coarse':
      return { from: rows, bytes: coarseRows * bytesPerRow };
    case 'fine':
      return { from: rows + coarseRows * bytesPerRow, bytes: fineRows * bytesPerRow };
  }
}

/** The parts of a payload that was read whole. */
export function payloadOf(record: PackRecord, whole: Uint8Array): MemoryPayload {
  const part = (which: MemoryPart): Uint8Array => {
    const { from, bytes } = placeOf(which, record);
    return whole.subarray(from, from + bytes);
  };
  return { vector: part('vector'), ids: part('ids'), coarse: part('coarse'), fine: part('fine') };
}

export function payloadBytes(payload: MemoryPayload): number {
  return payload.vector.byteLength + payload.ids.byteLength + payload.coarse.byteLength + payload.fine.byteLength;
}

function encodeHeader(record: Omit<PackRecord, 'offset'>): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  Buffer.from(record.key, 'hex').copy(header, 8, 0, KEY_BYTES);
  header.writeUInt32LE(record.tokens, 24);
  header.writeUInt32LE(record.coarseRows, 28);
  header.writeUInt32LE(record.fineRows, 32);
  header.writeUInt32LE(record.bytesPerRow, 36);
  header.writeUInt32LE(record.vectorBytes, 40);
  header.writeUInt32LE(record.payloadBytes, 44);
  header.writeUInt32LE(record.payloadCrc, 48);
  header.writeUInt32LE(record.tombstone ? 1 : 0, 52);
  header.writeUInt32LE(record.idBytes, 56);
  header.writeUInt32LE(crc32(header.subarray(8)), 4);
  return header;
}

/** The record a header describes, or undefined when the bytes are not a whole, unharmed header. */
function decodeHeader(header: Buffer, offset: number): PackRecord | undefined {
  if (header.readUInt32LE(0) !== MAGIC || header.readUInt32LE(4) !== crc32(header.subarray(8))) return undefined;
  const record: PackRecord = {
    key: header.toString('hex', 8, 8 + KEY_BYTES),
    offset,
    tokens: header.readUInt32LE(24),
    coarseRows: header.readUInt32LE(28),
    fineRows: header.readUInt32LE(32),
    bytesPerRow: header.readUInt32LE(36),
    vectorBytes: header.readUInt32LE(40),
    idBytes: header.readUInt32LE(56),
    payloadBytes: header.readUInt32LE(44),
    payloadCrc: header.readUInt32LE(48),
    tombstone: header.readUInt32LE(52) === 1,
  };
  const rows = (record.coarseRows + record.fineRows) * record.bytesPerRow;
  return record.tombstone || rows + record.vectorBytes + record.idBytes === record.payloadBytes ? record : undefined;
}

export class Pack {
  private constructor(
    readonly id: number,
    readonly file: string,
    private readonly handle: FileHandle,
    private length: number,
  ) {}

  /**
   * Opens or creates a pack and lists its records in file order. What follows the last whole record is cut off when the
   * pack may be written, else ignored.
   */
  static async open(
    id: number,
    file: string,
    writable: boolean,
  ): Promise<{ pack: Pack; records: PackRecord[]; lostBytes: number }> {
    const pack = new Pack(id, file, await open(file, writable ? 'a+' : 'r'), 0);
    const records = await pack.follow();
    const { size } = await pack.handle.stat();
    if (writable && pack.length < size) await pack.handle.truncate(pack.length);
    return { pack, records, lostBytes: size - pack.length };
  }

  /**
   * Records that were appended since this was asked last, in file order; one that is not whole is left for the next
   * time.
   */
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

  /**
   * Whether the file of this name is still the one that was opened: another process may have deleted it, and even begun
   * a new one.
   */
  async isThere(): Promise<boolean> {
    try {
      const [own, named] = [await this.handle.stat({ bigint: true }), await stat(this.file, { bigint: true })];
      return own.ino === named.ino && own.dev === named.dev && Number(named.size) >= this.length;
    } catch {
      return false;
    }
  }

  /** Bytes of the file. */
  get size(): number {
    return this.length;
  }

  /**
   * Appends one record; it is durable after the next `sync`. On a failed write (a full disk) the file is cut back to
   * its last whole record and the error is thrown.
   */
  async append(
    record: Omit<PackRecord, 'offset' | 'payloadBytes' | 'payloadCrc' | 'vectorBytes' | 'idBytes'>,
    payload: MemoryPayload,
  ): Promise<PackRecord> {
    const parts = [payload.vector, payload.ids, payload.coarse, payload.fine];
    const bytes = payloadBytes(payload);
    const crc = parts.reduce((value, part) => crc32(part, value), 0);
    const whole = {
      ...record,
      vectorBytes: payload.vector.byteLength,
      idBytes: payload.ids.byteLength,
      payloadBytes: bytes,
      payloadCrc: crc,
    };
    const start = this.length;
    try {
      const { bytesWritten } = await this.handle.writev([
        encodeHeader(whole),
        ...parts.filter((part) => part.byteLength > 0),
      ]);
      if (bytesWritten !== HEADER_BYTES + bytes) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
    } catch (error) {
      await this.handle.truncate(start).catch(() => undefined);
      throw error;
    }
    this.length = start + HEADER_BYTES + bytes;
    return { ...whole, offset: start + HEADER_BYTES };
  }

  /** Reads `target.byteLength` bytes of a record's payload from `from`; false when the file no longer holds them. */
  async read(record: PackRecord, from: number, target: Uint8Array): Promise<boolean> {
    if (target.byteLength === 0) return true;
    try {
      const { bytesRead } = await this.handle.read(target, 0, target.byteLength, record.offset + from);
      return bytesRead === target.byteLength;
    } catch {
      return false; // closed by a rewrite, or a read error of the disk: either way the bytes are not here
    }
  }

  async sync(): Promise<void> {
    await this.handle.datasync();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
