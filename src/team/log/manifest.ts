/**
 * Manifests of packs: which records a pack holds, and how to check each of them. Columns, so that a million records
 * are found without an object for each.
 *
 *     pack digest [32] · pack bytes u32 · sketch from, bytes u32 · sketch digest [32] · count u32
 *     keys [count × 32] · digests [count × 32] · offsets, lengths, tokens [count × u32 each]
 */
import { KEY_BYTES } from './team-keys';

export const DIGEST_BYTES = 32;
const HEAD_BYTES = DIGEST_BYTES + 4 + 8 + DIGEST_BYTES + 4;
const ROW_BYTES = KEY_BYTES + DIGEST_BYTES + 12;
/** Largest pack that is believed in. */
const MOST_PACK_BYTES = 256 << 20;

/** Four bytes of a key that does not decide its shard. */
export const hashOf = (key: Uint8Array, at = 0): number =>
  new DataView(key.buffer, key.byteOffset + at).getUint32(4, true);

/** One record as a manifest lists it. */
export interface ManifestRecord {
  /** Shared key. */
  key: Uint8Array;
  /** sha256 of the record's bytes in the pack. */
  digest: Uint8Array;
  offset: number;
  length: number;
  tokens: number;
}

export interface PackFacts {
  /** sha256 of the whole pack: its name. */
  digest: Uint8Array;
  bytes: number;
  /** Where the pack's sketch is (sketch.ts). */
  sketch: { from: number; bytes: number; digest: Uint8Array };
}

export function encodeManifest({ digest, bytes, sketch }: PackFacts, records: readonly ManifestRecord[]): Uint8Array {
  const body = Buffer.alloc(HEAD_BYTES + records.length * ROW_BYTES);
  body.set(digest, 0);
  body.writeUInt32LE(bytes, 32);
  body.writeUInt32LE(sketch.from, 36);
  body.writeUInt32LE(sketch.bytes, 40);
  body.set(sketch.digest, 44);
  body.writeUInt32LE(records.length, 76);
  const columns = columnsOf(records.length);
  records.forEach(({ key, digest: own, offset, length, tokens }, i) => {
    body.set(key, columns.keys + i * KEY_BYTES);
    body.set(own, columns.digests + i * DIGEST_BYTES);
    body.writeUInt32LE(offset, columns.offsets + 4 * i);
    body.writeUInt32LE(length, columns.lengths + 4 * i);
    body.writeUInt32LE(tokens, columns.tokens + 4 * i);
  });
  return body;
}

/** A manifest, read in place. */
export class Manifest implements PackFacts {
  readonly digest: Uint8Array;
  /** Name of the pack: hex of its digest. */
  readonly name: string;
  readonly bytes: number;
  readonly sketch: PackFacts['sketch'];
  readonly count: number;
  private readonly columns: ReturnType<typeof columnsOf>;

  private constructor(
    private readonly body: Buffer,
    /** Number of its entry in the log. */
    readonly seq: number,
  ) {
    this.digest = body.subarray(0, DIGEST_BYTES);
    this.name = body.toString('hex', 0, DIGEST_BYTES);
    this.bytes = body.readUInt32LE(32);
    this.sketch = { from: body.readUInt32LE(36), bytes: body.readUInt32LE(40), digest: body.subarray(44, 76) };
    this.count = body.readUInt32LE(76);
    this.columns = columnsOf(this.count);
  }

  /** Undefined when the sizes do not fit: a writer with another idea of the format. */
  static decode(bytes: Uint8Array, seq: number): Manifest | undefined {
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (body.length < HEAD_BYTES || body.readUInt32LE(76) * ROW_BYTES !== body.length - HEAD_BYTES) return undefined;
    const manifest = new Manifest(body, seq);
    const { sketch } = manifest;
    if (manifest.bytes > MOST_PACK_BYTES || sketch.from + sketch.bytes > manifest.bytes) return undefined;
    for (let i = 0; i < manifest.count; i++)
      if (manifest.offset(i) + manifest.length(i) > manifest.bytes) return undefined;
    return manifest;
  }

  key(i: number): Buffer {
    return this.body.subarray(this.columns.keys + i * KEY_BYTES, this.columns.keys + (i + 1) * KEY_BYTES);
  }

  /** Bytes of a key, for hash tables. */
  keyHash(i: number): number {
    return hashOf(this.body, this.columns.keys + i * KEY_BYTES);
  }

  hasKey(i: number, key: Uint8Array): boolean {
    const from = this.columns.keys + i * KEY_BYTES;
    return this.body.compare(key, 0, KEY_BYTES, from, from + KEY_BYTES) === 0;
  }

  recordDigest(i: number): Buffer {
    return this.body.subarray(this.columns.digests + i * DIGEST_BYTES, this.columns.digests + (i + 1) * DIGEST_BYTES);
  }

  offset(i: number): number {
    return this.body.readUInt32LE(this.columns.offsets + 4 * i);
  }

  length(i: number): number {
    return this.body.readUInt32LE(this.columns.lengths + 4 * i);
  }

  tokens(i: number): number {
    return this.body.readUInt32LE(this.columns.tokens + 4 * i);
  }
}

function columnsOf(count: number): Record<'keys' | 'digests' | 'offsets' | 'lengths' | 'tokens', number> {
  const digests = HEAD_BYTES + count * KEY_BYTES;
  const offsets = digests + count * DIGEST_BYTES;
  return { keys: HEAD_BYTES, digests, offsets, lengths: offsets + 4 * count, tokens: offsets + 8 * count };
}

/** Votes against records of a pack: they were damaged when they were read. No keys: against the whole pack. */
export interface Tombstones {
  pack: Uint8Array;
  keys: readonly Uint8Array[];
}

export function encodeTombstones({ pack, keys }: Tombstones): Uint8Array {
  return Buffer.concat([pack, ...keys]);
}

export function decodeTombstones(body: Uint8Array): Tombstones | undefined {
  if (body.length < DIGEST_BYTES || (body.length - DIGEST_BYTES) % KEY_BYTES !== 0) return undefined;
  const keys: Uint8Array[] = [];
  for (let at = DIGEST_BYTES; at < body.length; at += KEY_BYTES) keys.push(body.subarray(at, at + KEY_BYTES));
  return { pack: body.subarray(0, DIGEST_BYTES), keys };
}
