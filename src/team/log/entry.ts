/**
 * Entries of the log as bytes. An entry commits a pack, votes records down, or names the files of an index. It is bound
 * to its place: a signed entry that is copied to another number, shard or version does not count there.
 *
 *     magic u32 · kind u8 · body · writer [32] · signature [64] · sha256 of all before [32]
 *
 * The signature covers the place and everything before the writer.
 */
import { createHash } from 'node:crypto';
import { KEY_BYTES, SIGNATURE_BYTES, type Signer, type Trust, UNSIGNED } from './team-keys';

const MAGIC = 0x314c5441; // "ATL1", little-endian
const HEAD_BYTES = 5;
const DIGEST_BYTES = 32;
const TAIL_BYTES = KEY_BYTES + SIGNATURE_BYTES + DIGEST_BYTES;

export const enum EntryKind {
  Pack = 1,
  Tombstones = 2,
  Files = 3,
}

export interface LogEntry {
  /** Number in the log. */
  seq: number;
  kind: EntryKind;
  body: Uint8Array;
  /** The entry as stored, for heads and caches. */
  raw: Uint8Array;
}

/** Why bytes are no entry: they were damaged on the way, or nobody we trust wrote them. */
export type Refused = 'damaged' | 'untrusted';

/** @param place version, log and number: what the signature binds the entry to */
export function encodeEntry(kind: EntryKind, body: Uint8Array, place: string, signer: Signer | undefined): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt8(kind, 4);
  const signed = signer?.sign(signedDigest(head, body, place)) ?? new Uint8Array(SIGNATURE_BYTES);
  const before = Buffer.concat([head, body, signer?.writer ?? UNSIGNED, signed]);
  return Buffer.concat([before, createHash('sha256').update(before).digest()]);
}

/** Checks and decodes an entry. */
export function decodeEntry(raw: Uint8Array, seq: number, place: string, trust: Trust): LogEntry | Refused {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  if (bytes.length < HEAD_BYTES + TAIL_BYTES || bytes.readUInt32LE(0) !== MAGIC) return 'damaged';
  const end = bytes.length - DIGEST_BYTES;
  if (!createHash('sha256').update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end))) return 'damaged';
  const bodyEnd = bytes.length - TAIL_BYTES;
  const body = bytes.subarray(HEAD_BYTES, bodyEnd);
  const writer = bytes.subarray(bodyEnd, bodyEnd + KEY_BYTES);
  const signature = bytes.subarray(bodyEnd + KEY_BYTES, end);
  if (!trust.accepts(signedDigest(bytes.subarray(0, HEAD_BYTES), body, place), writer, signature)) return 'untrusted';
  return { seq, kind: bytes.readUInt8(4), body, raw };
}

function signedDigest(head: Uint8Array, body: Uint8Array, place: string): Buffer {
  return createHash('sha256').update(`anchorage team log\0${place}\0`).update(head).update(body).digest();
}
