import type { Pack } from './pack';
import type { PackRecord } from './record';

/** A record of the store. */
export interface Entry {
  record: PackRecord;
  pack: Pack;
  /** Logical time of the last use; the smallest is evicted first. 0 means unused since another process wrote it. */
  used: number;
  /** True once the payload's checksum has been verified. */
  verified: boolean;
}

/** The records of a store by key. */
export class Entries extends Map<string, Entry> {
  /** Number of changes so far: what was listed at another number is out of date. */
  changes = 0;

  override set(key: string, entry: Entry): this {
    this.changes++;
    return super.set(key, entry);
  }

  override delete(key: string): boolean {
    this.changes++;
    return super.delete(key);
  }

  override clear(): void {
    this.changes++;
    super.clear();
  }
}
