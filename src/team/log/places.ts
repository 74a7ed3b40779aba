/** Where the records of a shard are: an index over its manifests in typed arrays, 8 bytes a record besides them. */
import { EntryKind, type LogEntry } from './entry';
import { decodeTombstones, hashOf, Manifest } from './manifest';

/** A record's place in a pack. */
export interface Place {
  manifest: Manifest;
  /** Row of the manifest. */
  row: number;
}

const FIRST_SLOTS = 1_024;
/** Share of used slots at which the table grows. */
const MOST_FILLED = 0.6;

export class Places {
  readonly manifests: Manifest[] = [];
  /** Open addressing: number of the record + 1, or 0. Records are numbered over all manifests. */
  private slots = new Int32Array(FIRST_SLOTS);
  private used = 0;
  /** First record number of each manifest. */
  private readonly starts: number[] = [];
  private records = 0;
  /** Votes: by pack, the number in the log up to which its records are refused, for all keys or for single ones. */
  private readonly votes = new Map<string, { all: number; keys: Map<string, number> }>();

  /** Adds entries of the log in their order. Of two places of a record, the first counts. */
  add(entries: readonly LogEntry[]): void {
    let voted = false;
    for (const { kind, body, seq } of entries) {
      if (kind === EntryKind.Pack) {
        const manifest = Manifest.decode(body, seq);
        if (manifest) this.addManifest(manifest);
      } else if (kind === EntryKind.Tombstones) {
        voted = this.addVote(body, seq) || voted;
      }
    }
    if (voted) this.rebuild();
  }

  get size(): number {
    return this.used;
  }

  find(key: Uint8Array): Place | undefined {
    for (let slot = this.slotOf(hashOf(key)); this.slots[slot] !== 0; slot = this.after(slot)) {
      const place = this.placeOf((this.slots[slot] as number) - 1);
      if (place.manifest.hasKey(place.row, key)) return place;
    }
    return undefined;
  }

  /** The packs that hold a record which counts. */
  livePacks(): Set<string> {
    const live = new Set<string>();
    for (const slot of this.slots) if (slot !== 0) live.add(this.placeOf(slot - 1).manifest.name);
    return live;
  }

  private addVote(body: Uint8Array, seq: number): boolean {
    const vote = decodeTombstones(body);
    if (!vote) return false;
    const pack = Buffer.from(vote.pack).toString('hex');
    const known = this.votes.get(pack) ?? { all: -1, keys: new Map<string, number>() };
    if (vote.keys.length === 0) known.all = Math.max(known.all, seq);
    for (const key of vote.keys) known.keys.set(Buffer.from(key).toString('hex'), seq);
    this.votes.set(pack, known);
    return true;
  }

  private addManifest(manifest: Manifest): void {
    this.starts.push(this.records);
    this.manifests.push(manifest);
    this.records += manifest.count;
    if (this.records > this.slots.length * MOST_FILLED) return this.rebuild();
    this.insert(this.manifests.length - 1);
  }

  /** Inserts the records of a manifest that are not refused and have no earlier place. */
  private insert(index: number): void {
    const manifest = this.manifests[index] as Manifest;
    const start = this.starts[index] as number;
    const votes = this.votes.get(manifest.name);
    if (votes && votes.all > manifest.seq) return;
    for (let row = 0; row < manifest.count; row++) {
      const voted = votes?.keys.get(manifest.key(row).toString('hex'));
      if (voted !== undefined && voted > manifest.seq) continue;
      const slot = this.freeSlot(manifest, row);
      if (slot === undefined) continue;
      this.slots[slot] = start + row + 1;
      this.used += 1;
    }
  }

  /** Undefined when the record has a place. */
  private freeSlot(manifest: Manifest, row: number): number | undefined {
    let slot = this.slotOf(manifest.keyHash(row));
    for (; this.slots[slot] !== 0; slot = this.after(slot)) {
      const other = this.placeOf((this.slots[slot] as number) - 1);
      if (other.manifest.hasKey(other.row, manifest.key(row))) return undefined;
    }
    return slot;
  }

  private rebuild(): void {
    let length = FIRST_SLOTS;
    while (length * MOST_FILLED < this.records) length *= 2;
    this.slots = new Int32Array(length);
    this.used = 0;
    this.manifests.forEach((_, i) => this.insert(i));
  }

  private slotOf(hash: number): number {
    return hash & (this.slots.length - 1);
  }

  private after(slot: number): number {
    return (slot + 1) & (this.slots.length - 1);
  }

  private placeOf(record: number): Place {
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] as number) <= record) low = middle;
      else high = middle - 1;
    }
    return { manifest: this.manifests[low] as Manifest, row: record - (this.starts[low] as number) };
  }
}
