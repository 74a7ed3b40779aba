import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeDirectory } from '../../base/node';
import { MANIFEST, type ManifestPack, readManifest, writeManifest } from './manifest';
import { Pack } from './pack';
import { storeError } from './pack-writer';
import { type DamagedPack, LexicalStoreError } from './types';

const PACK_FILE = /^lexical-\d+\.pack(\.tmp)?$|^lexical\.manifest\.tmp$/;

/** Number of times that a directory is read while its owner merges packs. */
const SHARED_ATTEMPTS = 3;

/** The pack files of an index and their manifest. */
export class PackDirectory {
  private nextPack = 1;
  /** Files of damaged packs, deleted once the manifest no longer names them. */
  private damagedFiles: string[] = [];

  constructor(readonly path: string) {}

  /**
   * Opens the packs of the manifest, and marks the rows as removed that it lists. Unusable packs are reported; `sweep`
   * deletes them.
   * @throws LexicalStoreError when the directory cannot be created
   */
  async open(): Promise<{ packs: Pack[]; damaged: DamagedPack[] }> {
    try {
      makeDirectory(this.path);
    } catch (error) {
      throw storeError(error, this.path);
    }
    return this.load();
  }

  /**
   * Opens the packs of a directory that another process writes. It may merge packs meanwhile, and delete those of the
   * manifest that was read; the next manifest then names the new ones. Damaged packs are left out.
   */
  async openShared(): Promise<Pack[]> {
    for (let attempt = 1; ; attempt++) {
      const { packs, damaged } = await this.load();
      if (damaged.length === 0 || attempt === SHARED_ATTEMPTS) return packs;
      for (const pack of packs) pack.close();
    }
  }

  private async load(): Promise<{ packs: Pack[]; damaged: DamagedPack[] }> {
    const packs: Pack[] = [];
    const damaged: DamagedPack[] = [];
    const manifest = await readManifest(this.path);
    if (manifest && 'damaged' in manifest) damaged.push({ file: join(this.path, MANIFEST), reason: manifest.damaged });
    for (const entry of Array.isArray(manifest) ? (manifest as readonly ManifestPack[]) : []) {
      const file = join(this.path, basename(entry.name));
      try {
        const pack = Pack.open(file);
        for (const row of entry.removed) if (row < pack.tables.documents.length) pack.tables.remove(row);
        this.skipNumber(/(\d+)\.pack$/.exec(file)?.[1]);
        packs.push(pack);
      } catch (error) {
        if (!(error instanceof LexicalStoreError)) throw error;
        damaged.push({ file, reason: error.message });
      }
    }
    return { packs, damaged };
  }

  /** Returns the path of a new pack. */
  newPack(): string {
    return join(this.path, `lexical-${this.nextPack++}.pack`);
  }

  /** Deletes pack files other than `packs`, left over from an interrupted flush or merge. */
  async sweep(packs: readonly Pack[]): Promise<void> {
    const keep = new Set(packs.map((pack) => basename(pack.file.path)));
    for (const name of await readdir(this.path)) {
      if (!PACK_FILE.test(name) || keep.has(name)) continue;
      this.skipNumber(/\d+/.exec(name)?.[0]);
      await rm(join(this.path, name), { force: true }).catch(() => undefined);
    }
  }

  /** Closes a damaged pack. The next `publish` deletes its file. */
  discard(pack: Pack): void {
    this.damagedFiles.push(pack.file.path);
    pack.close();
  }

  /** Writes the manifest of `packs`, then deletes the files of damaged packs. */
  async publish(packs: readonly Pack[]): Promise<void> {
    const entries = packs.map((pack): ManifestPack => ({
      name: basename(pack.file.path),
      removed: pack.tables.documents.flatMap((_, row) => (pack.tables.removed[row] === 1 ? [row] : [])),
    }));
    await writeManifest(this.path, entries);
    for (const file of this.damagedFiles.splice(0)) await rm(file, { force: true }).catch(() => undefined);
  }

  /** Keeps a number that a file name already has from being used again. */
  private skipNumber(number: string | undefined): void {
    this.nextPack = Math.max(this.nextPack, 1 + Number(number ?? 0));
  }
}
