/** Number of packs from which a tier is joined, and the largest factor between sizes in a tier. */
const FAN_IN = 4;
/** Maximum number of packs of all sizes. */
const MOST_PACKS = 8;
/** Smaller packs form one tier: the many small flushes of an editing session. */
const SMALLEST_TIER = 1 << 20;
/** A pack with a smaller share of live documents is rewritten. */
const LIVE_SHARE = 0.6;

export interface PackSize {
  bytes: number;
  documents: number;
  live: number;
}

/**
 * Returns the indices of the packs to join next, or none. Packs whose sizes are within a factor of four form a tier.
 * A tier of four or more packs is joined into one. Each posting is therefore rewritten O(log n) times over the
 * life of the index.
 */
export function chooseMerge(packs: readonly PackSize[]): number[] {
  const empty = packs.flatMap((pack, i) => (pack.live === 0 ? [i] : []));
  if (empty.length > 0) return empty;
  const bySize = packs
    .map((pack, i) => ({ i, bytes: Math.max(pack.bytes, SMALLEST_TIER) }))
    .sort((a, b) => a.bytes - b.bytes);
  for (let start = 0; start + FAN_IN <= bySize.length; start++) {
    const smallest = (bySize[start] as { bytes: number }).bytes;
    const tier = bySize.slice(start).filter((pack) => pack.bytes <= smallest * FAN_IN);
    if (tier.length >= FAN_IN) return tier.map((pack) => pack.i);
  }
  if (packs.length > MOST_PACKS) return bySize.slice(0, FAN_IN).map((pack) => pack.i);
  const worn = packs.findIndex((pack) => pack.live < pack.documents * LIVE_SHARE);
  return worn < 0 ? [] : [worn];
}
