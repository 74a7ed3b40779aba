/**
 * Packs of records as a team's store holds them: records as local packs have them, one after another, then the sketch
 * of their tokens.
 */
import { createHash } from 'node:crypto';
import { decodeRecord, halves } from '../../memory';
import { encodeManifest, type ManifestRecord } from '../log/manifest';
import { buildSketch } from './sketch';

/** Size (bytes) at which a pack is complete. */
export const PACK_BYTES = 32 << 20;

export interface BuiltPack {
  /** sha256 (hex) of the bytes: the pack's name. */
  name: string;
  bytes: Uint8Array;
  /** Body of the entry that commits the pack. */
  manifest: Uint8Array;
  records: number;
}

export class PackBuilder {
  private readonly parts: Uint8Array[] = [];
  private readonly records: ManifestRecord[] = [];
  private readonly ids: Uint16Array[] = [];
  private readonly keys = new Set<string>();
  /** Bytes of the records so far. */
  bytes = 0;

  get count(): number {
    return this.records.length;
  }

  /**
   * Adds a record.
   * @param key shared key
   * @param bytes header and payload, as `MemoryStore.record` returns them
   * @returns false for bytes that are no intact record
   */
  add(key: Uint8Array, bytes: Uint8Array): boolean {
    const decoded = decodeRecord(bytes);
    const name = Buffer.from(key).toString('hex');
    if (!decoded) return false;
    if (this.keys.has(name)) return true;
    this.keys.add(name);
    this.records.push({
      key,
      digest: createHash('sha256').update(bytes).digest(),
      offset: this.bytes,
      length: bytes.byteLength,
      tokens: decoded.record.tokens,
    });
    this.ids.push(halves(new Uint8Array(decoded.payload.ids)));
    this.parts.push(bytes);
    this.bytes += bytes.byteLength;
    return true;
  }

  build(): BuiltPack {
    // Without token ids no question is matched token by token.
    const sketch = this.ids.some(({ length }) => length > 0) ? buildSketch(this.ids) : new Uint8Array(0);
    const bytes = Buffer.concat([...this.parts, sketch]);
    const digest = createHash('sha256').update(bytes).digest();
    const facts = {
      digest,
      bytes: bytes.length,
      sketch: { from: this.bytes, bytes: sketch.byteLength, digest: createHash('sha256').update(sketch).digest() },
    };
    return {
      name: digest.toString('hex'),
      bytes,
      manifest: encodeManifest(facts, this.records),
      records: this.records.length,
    };
  }
}
