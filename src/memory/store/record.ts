/** Records of segment memories as bytes: a header and a payload. */
import { crc32 } from 'node:zlib';

const MAGIC = 0x344d4e41; // "ANM4", little-endian
export const HEADER_BYTES = 60;
/** Content keys: the first 16 bytes of a sha256. */
export const KEY_BYTES = 16;
/** Flags of a header. */
const TOMBSTONE = 1;
const FROM_TEAM = 2;

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
  idBytes: number;
  passageBytes: number;
  payloadBytes: number;
  payloadCrc: number;
  /** True for a record without payload that removes its key from the store. */
  tombstone: boolean;
  /** True for rows that another machine of the team has made. */
  fromTeam?: boolean;
}

/** The parts of a payload, in file order. */
export interface MemoryPayload {
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
  ids: new Uint8Array(0),
  passages: new Uint8Array(0),
  coarse: new Uint8Array(0),
  rest: new Uint8Array(0),
};

export type MemoryPart = keyof MemoryPayload;

/** Returns the range of a part within a record's payload. */
export function placeOf(
  part: MemoryPart,
  { idBytes, passageBytes, coarseRows, restRows, bytesPerRow }: PackRecord,
): { from: number; bytes: number } {
  const rowsFrom = idBytes + passageBytes;
  switch (part) {
    case 'ids':
      return { from: 0, bytes: idBytes };
    case 'passages':
      return { from: idBytes, bytes: passageBytes };
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
export function partsOf({ ids, passages, coarse, rest }: MemoryPayload): Uint8Array[] {
  return [ids, passages, coarse, rest];
}

export function encodeHeader(record: Omit<PackRecord, 'offset'>): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  Buffer.from(record.key, 'hex').copy(header, 8, 0, KEY_BYTES);
  header.writeUInt32LE(record.tokens, 24);
  header.writeUInt32LE(record.coarseRows, 28);
  header.writeUInt32LE(record.restRows, 32);
  header.writeUInt32LE(record.bytesPerRow, 36);
  header.writeUInt32LE(record.payloadBytes, 40);
  header.writeUInt32LE(record.payloadCrc, 44);
  header.writeUInt32LE((record.tombstone ? TOMBSTONE : 0) | (record.fromTeam ? FROM_TEAM : 0), 48);
  header.writeUInt32LE(record.idBytes, 52);
  header.writeUInt32LE(record.passageBytes, 56);
  header.writeUInt32LE(crc32(header.subarray(8)), 4);
  return header;
}

/** A record's sizes, when they do not follow from its payload. */
export type RecordSizes = Pick<PackRecord, 'key' | 'tokens' | 'coarseRows' | 'restRows' | 'bytesPerRow'> &
  Partial<Pick<PackRecord, 'tombstone' | 'fromTeam'>>;

/** Completes a record with the sizes and the checksum of its payload. */
export function recordOf(sizes: RecordSizes, payload: MemoryPayload): Omit<PackRecord, 'offset'> {
  // zlib takes some empty arrays for the start of a new checksum.
  const parts = partsOf(payload).filter((part) => part.byteLength > 0);
  return {
    tombstone: false,
    ...sizes,
    idBytes: payload.ids.byteLength,
    passageBytes: payload.passages.byteLength,
    payloadBytes: payloadBytes(payload),
    payloadCrc: parts.reduce((value, part) => crc32(part, value), 0),
  };
}

/** A whole record as bytes: its header and payload, as a pack holds it. */
export function encodeRecord(sizes: RecordSizes, payload: MemoryPayload): Uint8Array {
  return Buffer.concat([encodeHeader(recordOf(sizes, payload)), ...partsOf(payload)]);
}

/** Decodes a whole record. Undefined for bytes that are not exactly one intact record. */
export function decodeRecord(bytes: Uint8Array): { record: PackRecord; payload: MemoryPayload } | undefined {
  if (bytes.byteLength < HEADER_BYTES) return undefined;
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const record = decodeHeader(header, HEADER_BYTES);
  const whole = bytes.subarray(HEADER_BYTES);
  if (!record || record.tombstone || record.payloadBytes !== whole.byteLength) return undefined;
  if (crc32(whole) !== record.payloadCrc) return undefined;
  return { record, payload: payloadOf(record, whole) };
}

/** Decodes a header. Returns undefined when the bytes are not an intact header. */
export function decodeHeader(header: Buffer, offset: number): PackRecord | undefined {
  if (header.readUInt32LE(0) !== MAGIC || header.readUInt32LE(4) !== crc32(header.subarray(8))) return undefined;
  const record: PackRecord = {
    key: header.toString('hex', 8, 8 + KEY_BYTES),
    offset,
    tokens: header.readUInt32LE(24),
    coarseRows: header.readUInt32LE(28),
    restRows: header.readUInt32LE(32),
    bytesPerRow: header.readUInt32LE(36),
    idBytes: header.readUInt32LE(52),
    passageBytes: header.readUInt32LE(56),
    payloadBytes: header.readUInt32LE(40),
    payloadCrc: header.readUInt32LE(44),
    tombstone: (header.readUInt32LE(48) & TOMBSTONE) !== 0,
    ...((header.readUInt32LE(48) & FROM_TEAM) !== 0 ? { fromTeam: true } : {}),
  };
  const rows = (record.coarseRows + record.restRows) * record.bytesPerRow;
  const others = record.idBytes + record.passageBytes;
  return record.tombstone || rows + others === record.payloadBytes ? record : undefined;
}
