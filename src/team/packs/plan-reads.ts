/** Plans ranged reads of packs: records that lie close together are read at once. */
import type { Place } from '../log/places';

/** Unwanted bytes between two records that are read rather than asked around: a request costs as much. */
const MOST_GAP = 64 << 10;
/** Largest read. */
const MOST_BYTES = 8 << 20;

/** One ranged read. */
export interface Read<Wanted> {
  /** Name of the pack. */
  pack: string;
  from: number;
  to: number;
  records: readonly Wanted[];
}

export function planReads<Wanted extends { place: Place }>(wanted: readonly Wanted[]): Read<Wanted>[] {
  const byPack = new Map<string, Wanted[]>();
  for (const record of wanted) {
    const { name } = record.place.manifest;
    const own = byPack.get(name);
    if (own) own.push(record);
    else byPack.set(name, [record]);
  }
  return [...byPack].flatMap(([pack, records]) => readsOf(pack, records));
}

function readsOf<Wanted extends { place: Place }>(pack: string, records: readonly Wanted[]): Read<Wanted>[] {
  const offset = ({ place: { manifest, row } }: Wanted): number => manifest.offset(row);
  const reads: { pack: string; from: number; to: number; records: Wanted[] }[] = [];
  for (const record of [...records].sort((a, b) => offset(a) - offset(b))) {
    const from = offset(record);
    const to = from + record.place.manifest.length(record.place.row);
    const last = reads.at(-1);
    if (last && from - last.to <= MOST_GAP && to - last.from <= MOST_BYTES) {
      last.to = Math.max(last.to, to);
      last.records.push(record);
    } else reads.push({ pack, from, to, records: [record] });
  }
  return reads;
}
