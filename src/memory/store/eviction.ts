import { crc32 } from 'node:zlib';
import type { Entries } from './entries';
import type { Pack } from './pack';
import type { Packs } from './packs';
import type { ReadBuffers } from './read-buffers';
import { EMPTY_PAYLOAD, HEADER_BYTES, payloadOf } from './record';

/** A sealed pack with a smaller share of live bytes is rewritten. */
const COMPACT_BELOW = 0.5;
/** Eviction continues down to this share of the budget, so that not every new segment evicts. */
const EVICT_TO = 0.9;

/** Keeps the packs of a store within a byte budget. */
export class Eviction {
  constructor(
    private readonly entries: Entries,
    private readonly buffers: ReadBuffers,
    private readonly budgetBytes: number,
  ) {}

  /**
   * Evicts the least recently used records until the live bytes fit, then compacts. Returns the number of evicted
   * records.
   */
  async evict(packs: Packs): Promise<number> {
    const target = this.budgetBytes * EVICT_TO;
    let evicted = 0;
    let live = 0;
    for (const { record } of this.entries.values()) live += HEADER_BYTES + record.payloadBytes;
    const oldest = [...this.entries.values()].sort((a, b) => a.used - b.used);
    for (const { record } of oldest) {
      if (live <= target) break;
      live -= HEADER_BYTES + record.payloadBytes;
      this.entries.delete(record.key);
      evicted++;
      // Without a tombstone the record would reappear after a restart.
      const pack = await packs.toWrite();
      await pack.append(
        { key: record.key, tokens: 0, coarseRows: 0, restRows: 0, bytesPerRow: 0, tombstone: true },
        EMPTY_PAYLOAD,
      );
    }
    await this.compact(packs);
    return evicted;
  }

  /**
   * Rewrites packs with few live bytes, oldest first, while the files exceed the budget. Only the oldest pack may drop
   * its tombstones: a younger tombstone may still hide a record in an older pack.
   */
  private async compact(packs: Packs): Promise<void> {
    const live = new Map<Pack, number>();
    for (const { record, pack } of this.entries.values())
      live.set(pack, (live.get(pack) ?? 0) + HEADER_BYTES + record.payloadBytes);
    for (const pack of packs.sealed()) {
      const share = (live.get(pack) ?? 0) / Math.max(1, pack.size);
      if (packs.bytes <= this.budgetBytes && share >= COMPACT_BELOW) break;
      await this.moveOut(pack, packs);
    }
  }

  /** Moves the live records of a pack to the active pack, then deletes it. */
  private async moveOut(pack: Pack, packs: Packs): Promise<void> {
    for (const entry of [...this.entries.values()]) {
      if (entry.pack !== pack) continue;
      const { record } = entry;
      const moved = await this.buffers.lend(record.payloadBytes, async (whole) => {
        if (!(await pack.read(record, 0, whole)) || crc32(whole) !== record.payloadCrc) return undefined;
        const target = await packs.toWrite();
        return { record: await target.append(record, payloadOf(record, whole)), pack: target };
      });
      if (moved) this.entries.set(record.key, { ...entry, ...moved, verified: true });
      else this.entries.delete(record.key);
    }
    await packs.sync();
    await packs.delete(pack);
  }
}
