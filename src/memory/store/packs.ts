import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Pack } from './pack';
import type { PackRecord } from './record';

/** Changes found in a directory of packs. */
export interface Followed {
  /** Packs whose file was deleted. */
  gone: readonly Pack[];
  /** New records in the order they were written. */
  records: readonly { record: PackRecord; pack: Pack }[];
  /** Bytes after the last complete record of newly opened packs. */
  lostBytes: number;
}

/** The packs of a directory, oldest first. One process appends to the newest pack, and others follow its writes. */
export class Packs {
  private readonly packs = new Map<number, Pack>();
  private newest: Pack | undefined;

  /** @param packBytes size in bytes at which a new pack begins */
  constructor(
    private readonly directory: string,
    private readonly packBytes: number,
  ) {}

  /**
   * Finds the changes since the last call. Deleted packs are handled first, because their records may have moved to a
   * later pack.
   */
  async follow(writable: boolean): Promise<Followed> {
    const gone: Pack[] = [];
    for (const pack of this.packs.values()) if (!(await pack.isThere())) gone.push(pack);
    for (const pack of gone) await this.forget(pack);
    const names = await readdir(this.directory).catch(() => []);
    const ids = names.flatMap((name) => Number(/^(\d+)\.pack$/.exec(name)?.[1] ?? 0) || []).sort((a, b) => a - b);
    const records: { record: PackRecord; pack: Pack }[] = [];
    let lostBytes = 0;
    for (const id of ids) {
      const known = this.packs.get(id);
      const found = known
        ? { pack: known, records: await known.follow(), lostBytes: 0 }
        : await this.open(id, writable);
      if (!found) continue;
      for (const record of found.records) records.push({ record, pack: found.pack });
      lostBytes += found.lostBytes;
    }
    return { gone, records, lostBytes };
  }

  private async open(id: number, writable: boolean): Promise<Awaited<ReturnType<typeof Pack.open>> | undefined> {
    try {
      const opened = await Pack.open(id, join(this.directory, `${id}.pack`), writable);
      this.packs.set(id, opened.pack);
      if (id > (this.newest?.id ?? 0)) this.newest = opened.pack;
      return opened;
    } catch (error) {
      // The writer has compacted the pack meanwhile.
      if (!writable && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Total size of the files in bytes. */
  get bytes(): number {
    let bytes = 0;
    for (const pack of this.packs.values()) bytes += pack.size;
    return bytes;
  }

  /** Returns the active pack. Begins a new one when the newest is full. */
  async toWrite(): Promise<Pack> {
    if (this.newest && !this.newest.torn && this.newest.size < this.packBytes) return this.newest;
    await this.newest?.sync();
    const opened = await this.open(Math.max(0, ...this.packs.keys()) + 1, true);
    return (opened as { pack: Pack }).pack;
  }

  /** Returns the packs that are no longer written to, oldest first. */
  sealed(): Pack[] {
    return [...this.packs.values()].filter((pack) => pack !== this.newest).sort((a, b) => a.id - b.id);
  }

  async sync(): Promise<void> {
    await this.newest?.sync();
  }

  async delete(pack: Pack): Promise<void> {
    await this.forget(pack);
    await rm(pack.file, { force: true });
  }

  /** Deletes all packs, oldest first: tombstones in a younger pack may hide records in an older one. */
  async deleteAll(): Promise<void> {
    for (const pack of [...this.packs.values()].sort((a, b) => a.id - b.id)) await this.delete(pack);
  }

  async close(): Promise<void> {
    for (const pack of [...this.packs.values()]) await this.forget(pack);
  }

  private async forget(pack: Pack): Promise<void> {
    this.packs.delete(pack.id);
    if (this.newest === pack) this.newest = undefined;
    await pack.close();
  }
}
