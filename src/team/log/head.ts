/**
 * Snapshots of a log: its entries in one object, each with its own signature. Nothing in a head is believed that its
 * entries do not prove.
 *
 *     magic u32 · next u32 · count u32 · count × (seq u32 · bytes u32 · entry) · sha256 of all before [32]
 */
import { createHash } from 'node:crypto';
import type { LogEntry } from './entry';

const MAGIC = 0x31485441; // "ATH1", little-endian
const HEAD_BYTES = 12;
const DIGEST_BYTES = 32;

export interface Head {
  /** The number after the last entry that was read. */
  next: number;
  entries: readonly Pick<LogEntry, 'seq' | 'raw'>[];
}

export function encodeHead({ next, entries }: Head): Uint8Array {
  const start = Buffer.alloc(HEAD_BYTES);
  start.writeUInt32LE(MAGIC, 0);
  start.writeUInt32LE(next, 4);
  start.writeUInt32LE(entries.length, 8);
  const parts = entries.flatMap(({ seq, raw }) => {
    const frame = Buffer.alloc(8);
    frame.writeUInt32LE(seq, 0);
    frame.writeUInt32LE(raw.byteLength, 4);
    return [frame, raw];
  });
  const before = Buffer.concat([start, ...parts]);
  return Buffer.concat([before, createHash('sha256').update(before).digest()]);
}

/** Undefined for bytes that are no intact head. */
export function decodeHead(raw: Uint8Array): Head | undefined {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const end = bytes.length - DIGEST_BYTES;
  if (end < HEAD_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  if (!createHash('sha256').update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end))) return undefined;
  const entries: { seq: number; raw: Uint8Array }[] = [];
  let at = HEAD_BYTES;
  for (let i = 0; i < bytes.readUInt32LE(8); i++) {
    if (at + 8 > end) return undefined;
    const [seq, length] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
    at += 8;
    if (at + length > end) return undefined;
    entries.push({ seq, raw: bytes.subarray(at, (at += length)) });
  }
  return { next: bytes.readUInt32LE(4), entries };
}
