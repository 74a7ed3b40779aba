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

export type Entries = Map<string, Entry>;
