import { RowKind } from '../attention/policy';
import type { RowStore } from './row-store';
import { rowBytes } from './shape';

export type ContextGroupKind = 'sinks' | 'memory' | 'anchors' | 'window' | 'middle';

/** Rows of the context that belong together. */
export interface ContextGroup {
  kind: ContextGroupKind;
  rows: number;
  /** Tokens the rows stand for: an anchor stands for its segment once the rest of it is dropped. */
  tokens: number;
  bytes: number;
  /** First and last position. */
  from: number;
  to: number;
  /** Spliced rows: the id `splice` returned, and where they came from. */
  id?: number;
  origin?: string;
}

/** Content and cost of each row of a context. */
export interface ContextAccount {
  groups: readonly ContextGroup[];
  rows: number;
  capacity: number;
  rowBytes: number;
  /** Bytes allocated: rows in use, copies of rows at the ceiling, free slots, and the kernels' copies in bytes. */
  allocatedBytes: number;
}

/** Rows that were spliced in together. */
export interface Splice {
  id: number;
  origin: string;
  tokens: number;
}

interface Accounted {
  near: RowStore;
  far: RowStore;
  middle: RowStore;
  /** Near slots whose row stands in `far` too. */
  crossing: ReadonlySet<number>;
  splices: ReadonlyMap<number, Splice>;
  /** Tokens that each anchor stands for, by its group. */
  anchored: ReadonlyMap<number, number>;
  capacity: number;
  /** Rows in use. */
  rows: number;
}

/** Groups the rows of a context. */
export function accountOf({
  near,
  far,
  middle,
  crossing,
  splices,
  anchored,
  capacity,
  rows,
}: Accounted): ContextAccount {
  const bytes = rowBytes(near.shape);
  const groups = new Map<string, ContextGroup>();
  const add = (store: RowStore, slot: number) => {
    const kind = store.kinds[slot] as RowKind;
    const id = store.entries[slot] as number;
    const splice = splices.get(id);
    const key = `${store === middle ? 'middle' : splice ? 'splice' : kind}:${id}`;
    const position = store.positions[slot] as number;
    let group = groups.get(key);
    if (!group) {
      group = {
        kind: store === middle ? 'middle' : splice ? 'memory' : liveKind(kind),
        rows: 0,
        tokens: splice?.tokens ?? 0,
        bytes: 0,
        from: position,
        to: position,
      };
      if (splice) Object.assign(group, { id, origin: splice.origin });
      groups.set(key, group);
    }
    group.rows++;
    group.bytes += bytes;
    group.from = Math.min(group.from, position);
    group.to = Math.max(group.to, position);
    if (!splice) group.tokens += kind === RowKind.anchor ? (anchored.get(store.groups[slot] as number) ?? 1) : 1;
  };
  for (const slot of far.used()) add(far, slot);
  for (const slot of near.used()) if (!crossing.has(slot)) add(near, slot);
  for (const slot of middle.used()) add(middle, slot);
  const sorted = [...groups.values()].sort((a, b) => a.from - b.from);
  const allocatedBytes = (near.capacity + far.capacity + middle.capacity) * bytes;
  return { groups: sorted, rows, capacity, rowBytes: bytes, allocatedBytes };
}

function liveKind(kind: RowKind): ContextGroupKind {
  if (kind === RowKind.sink) return 'sinks';
  return kind === RowKind.anchor ? 'anchors' : 'window';
}
