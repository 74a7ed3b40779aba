import { RowKind, Seen, type AttentionPolicy, type MiddleRows, type RowPlace } from '../attention/policy';
import { placedRows } from '../attention/reading';
import type { RopeFrequencies } from '../rope/frequencies';
import { accountOf, type ContextAccount, type Splice } from './account';
import { KvRows } from './kv-rows';
import { liftKeys, moveKeys, placeKeys } from './rotation';
import { mostKept, planRows, type NewRow } from './row-plan';
import { joinBlocks, RowStore, type RowBlock } from './row-store';
import type { RowShape } from './shape';
import { byPosition, copyFar, crossingSlots, moveSlots, rerotate } from './store-rows';

const LIVE = 0;
/** Share of the middle rows that stay when the oldest are dropped. */
const MIDDLE_KEPT = 63 / 64;

/**
 * The rows that the model sees now. Each row has a position, and keys are kept rotated to it ("near"). Rows that stay
 * for ever and fall behind the policy's ceiling are kept un-rotated in a second store ("far"), where the graphs see
 * them at the ceiling distance (LM-Infinite, 2308.16137, §3). A row that is crossing the ceiling is in both.
 */
export class Context {
  readonly near: RowStore;
  readonly far: RowStore;
  /** Rows that left the window, rotated as at position 0, when the policy looks back at them. */
  readonly middle: RowStore;
  readonly policy: AttentionPolicy;
  readonly capacity: number;
  /** Position of the next token. */
  position = 0;
  /** Tokens read (not counting spliced rows). */
  read = 0;
  /** Anchors read. */
  group = 0;
  sinceAnchor = 0;
  #rope: RopeFrequencies;
  #splices = new Map<number, Splice>();
  #nextId = 1;
  /** Rows that were placed again last. */
  #placed: { id: number; rows: number } | undefined;
  /** Tokens that each anchor stands for, by its group: itself, and those of its segment whose rows are gone. */
  #anchored = new Map<number, number>();

  constructor(
    shape: RowShape,
    policy: AttentionPolicy,
    capacity: number,
    rope: RopeFrequencies,
    rows?: Pick<Context, 'near' | 'far' | 'middle'>,
  ) {
    this.near = rows?.near ?? new RowStore(shape);
    this.far = rows?.far ?? new RowStore(shape);
    this.middle = rows?.middle ?? new RowStore(shape);
    this.middle.reserve(policy.middle?.k ?? 1);
    this.policy = policy;
    this.capacity = capacity;
    this.#rope = rope;
  }

  get shape(): RowShape {
    return this.near.shape;
  }

  get rope(): RopeFrequencies {
    return this.#rope;
  }

  /**
   * A context of its own that has read the same. Its policy may show other rows; rows that this one dropped stay
   * dropped.
   */
  fork(policy: AttentionPolicy = this.policy): Context {
    const rows = { near: this.near.copy(), far: this.far.copy(), middle: this.middle.copy() };
    const fork = new Context(this.shape, policy, this.capacity, this.#rope, rows);
    const { position, read, group, sinceAnchor } = this;
    Object.assign(fork, { position, read, group, sinceAnchor });
    fork.#splices = new Map(this.#splices);
    fork.#nextId = this.#nextId;
    fork.#placed = this.#placed;
    fork.#anchored = new Map(this.#anchored);
    fork.#crossing = new Set(this.#crossing);
    return fork;
  }

  /** Rows in use. A row that is crossing the ceiling counts once. */
  get rows(): number {
    return this.near.count + this.far.count + this.middle.count - this.#crossing.size;
  }

  get free(): number {
    return this.capacity - this.rows;
  }

  /** Reserves room for this many more rows at once, so that present rows are copied once. */
  reserve(rows: number): void {
    this.near.reserve(this.near.count + Math.min(rows, this.free));
  }

  /** The rows that these tokens would get if they were read now. */
  plan(tokens: ArrayLike<number>, from = 0, to = tokens.length): NewRow[] {
    return planRows(this.policy, this, tokens, from, to);
  }

  /** Most rows the context would hold while `tokens` are read in chunks; nothing is changed. */
  rowsNeeded(tokens: ArrayLike<number>, chunk: number): number {
    const { middle } = this.policy;
    // Rows that are placed leave before others are.
    const placed = Math.max(0, placedRows(middle) - (this.#placed?.rows ?? 0));
    const all = this.rows + tokens.length + placed;
    if (this.policy.causal || middle?.most === Infinity) return all;
    const held = [...this.near.used()].map((slot) => this.near.place(slot));
    const onlyFar = this.far.count - this.#crossing.size;
    const kept = onlyFar + mostKept(this.policy, held, this.plan(tokens), chunk);
    return Math.max(this.rows, Math.min(all, kept + (middle?.most ?? 0) + placed));
  }

  /** Adds the rows of tokens that have been run, and drops all rows that no later token can see. */
  append(block: RowBlock, rows: readonly NewRow[]): void {
    for (const row of rows) this.#count(row);
    this.position += rows.length;
    this.#dropUnseen();
    const kept: number[] = [];
    const passed: number[] = [];
    rows.forEach((row, i) => (this.policy.keeps(row, this.position, this.group) ? kept : passed).push(i));
    for (const i of passed) this.#standFor((rows[i] as NewRow).group);
    if (this.policy.middle)
      this.#toMiddle(
        block,
        passed,
        passed.map((i) => rows[i] as NewRow),
      );
    const slots = this.near.take(kept.length);
    slots.forEach((slot, i) => {
      const row = rows[kept[i] as number] as NewRow;
      this.near.describe(slot, row, row.token, LIVE);
    });
    this.near.write(slots, block, kept);
  }

  /**
   * Puts stored rows into the context so that the segment's position 0 is at `atPosition`. The next token keeps its
   * position unless the segment reaches beyond it. Returns the id for `drop` and `move`.
   *
   * @throws KvRowsError when the rows are of another model; RangeError when there is no room for them
   */
  splice(rows: KvRows, atPosition: number, origin: string): number {
    rows.assertFits(this.shape);
    if (rows.rows > this.free) throw new RangeError(`${rows.rows} rows do not fit the ${this.free} that are free`);
    const typed = rows.as(this.shape.type);
    const positions = Int32Array.from(rows.positions, (position) => position + atPosition);
    const block: RowBlock = { keys: typed.keys.slice(), values: typed.values, rows: rows.rows };
    placeKeys(block, this.shape, this.#rope, positions);
    const id = this.#nextId++;
    const slots = this.near.take(rows.rows);
    slots.forEach((slot, i) => {
      this.near.describe(slot, { kind: RowKind.memory, position: positions[i] as number, group: 0 }, -1, id);
    });
    this.near.write(
      slots,
      block,
      slots.map((_, i) => i),
    );
    this.#splices.set(id, { id, origin, tokens: rows.tokens });
    this.position = Math.max(this.position, ...positions.map((position) => position + 1));
    return id;
  }

  /** Drops spliced rows. Returns the number of rows dropped. */
  drop(id: number): number {
    const before = this.rows;
    this.#release((store, slot) => store.entries[slot] === id);
    this.#splices.delete(id);
    return before - this.rows;
  }

  /** Drops live rows whose positions lie in [from, to). Returns the number dropped. */
  dropPositions(from: number, to: number): number {
    const before = this.rows;
    this.#release((store, slot) => {
      const position = store.positions[slot] as number;
      return store.entries[slot] === LIVE && position >= from && position < to;
    });
    return before - this.rows;
  }

  /** Moves spliced rows by `steps` positions (their keys are rotated on). */
  move(id: number, steps: number): void {
    for (const slot of this.near.used()) {
      if (this.near.entries[slot] !== id) continue;
      moveSlots(this.near, [slot], [steps], this.#rope);
      const position = (this.near.positions[slot] as number) + steps;
      this.near.positions[slot] = position;
      this.position = Math.max(this.position, position + 1);
    }
    for (const slot of this.far.used()) {
      if (this.far.entries[slot] === id) this.far.positions[slot] = (this.far.positions[slot] as number) + steps;
    }
    this.#crossing = crossingSlots(this.near, this.far);
  }

  /** Sets other rotary frequencies: the keys of all near rows are rotated anew. */
  setRope(rope: RopeFrequencies): void {
    const positionsOf = (store: RowStore) => [...store.used()].map((slot) => store.positions[slot] as number);
    const zeros = (store: RowStore) => [...store.used()].map(() => 0);
    const apply = (store: RowStore, positions: readonly number[]) =>
      rerotate(store, [...store.used()], positions, this.#rope, rope);
    apply(this.near, positionsOf(this.near));
    apply(this.middle, zeros(this.middle));
    apply(this.far, this.policy.ceilingKeepsOrder ? positionsOf(this.far) : zeros(this.far));
    this.#rope = rope;
  }

  /** The live rows at positions [from, to) as a segment of its own, keys un-rotated, positions counted from `from`. */
  rowsAt(from: number, to: number): KvRows {
    const inRange = [...this.near.used()].filter((slot) => {
      const position = this.near.positions[slot] as number;
      return this.near.entries[slot] === LIVE && position >= from && position < to;
    });
    const slots = byPosition(this.near, inRange);
    const positions = Int32Array.from(slots, (slot) => this.near.positions[slot] as number);
    const block = this.near.read(slots);
    liftKeys(block, this.shape, this.#rope, positions);
    return new KvRows({
      shape: this.shape,
      keys: block.keys,
      values: block.values,
      positions: positions.map((position) => position - from),
      tokens: to - from,
    });
  }

  /** Places middle and near rows in front of the next token, in this order, instead of those placed before. */
  placeAgain(slots: { middle: readonly number[]; near: readonly number[] }, origin: string): void {
    if (this.#placed) this.drop(this.#placed.id);
    this.#placed = undefined;
    const middle = this.middle.read(slots.middle);
    liftKeys(middle, this.shape, this.#rope, new Int32Array(middle.rows));
    const near = this.near.read(slots.near);
    liftKeys(
      near,
      this.shape,
      this.#rope,
      Int32Array.from(slots.near, (slot) => this.near.positions[slot] as number),
    );
    const { keys, values, rows } = joinBlocks(middle, near, this.shape);
    const positions = Int32Array.from({ length: rows }, (_, i) => i);
    const placed = new KvRows({ shape: this.shape, keys, values, positions, tokens: rows });
    this.#placed = { id: this.splice(placed, this.position, origin), rows };
  }

  /** Slots of the live rows of a kind, oldest first. */
  live(kind: RowKind): number[] {
    const slots = [...this.near.used()].filter(
      (slot) => this.near.entries[slot] === LIVE && this.near.kinds[slot] === kind,
    );
    return byPosition(this.near, slots);
  }

  /** Moves the live rows from position `from` on, and the next token, back by `steps` positions. */
  closeGap(from: number, steps: number): void {
    const slots = [...this.near.used()].filter(
      (slot) => this.near.entries[slot] === LIVE && (this.near.positions[slot] as number) >= from,
    );
    this.position -= steps;
    if (slots.length === 0 || steps === 0) return;
    moveSlots(
      this.near,
      slots,
      slots.map(() => -steps),
      this.#rope,
    );
    for (const slot of slots) this.near.positions[slot] = (this.near.positions[slot] as number) - steps;
  }

  /**
   * Prepares for queries at positions [first, last]. Rows that some of them see at the ceiling get a far copy. Near
   * copies that none of them sees at its true distance are dropped.
   */
  prepare(first: number, last: number): void {
    if (this.policy.ceiling === Infinity) return;
    const atCeiling = (position: number, place: RowPlace) =>
      this.policy.sees({ kind: RowKind.plain, position, group: this.group }, place) === Seen.ceiling;
    const crossing: number[] = [];
    const behind: number[] = [];
    for (const slot of this.near.used()) {
      const place = this.near.place(slot);
      if (place.kind === RowKind.plain || !atCeiling(last, place)) continue;
      if (!this.#crossing.has(slot)) crossing.push(slot);
      if (atCeiling(first, place)) behind.push(slot);
    }
    copyFar(this.near, this.far, crossing, this.policy.ceilingKeepsOrder ? undefined : this.#rope);
    for (const slot of crossing) this.#crossing.add(slot);
    for (const slot of behind) this.#crossing.delete(slot);
    this.near.release(behind);
  }

  account(): ContextAccount {
    const { near, far, middle, capacity, rows } = this;
    return accountOf({
      near,
      far,
      middle,
      crossing: this.#crossing,
      splices: this.#splices,
      anchored: this.#anchored,
      capacity,
      rows,
    });
  }

  /** Near slots that also have a copy in `far`. */
  #crossing = new Set<number>();

  #count(row: NewRow): void {
    this.read++;
    this.sinceAnchor++;
    if (row.kind !== RowKind.anchor) return;
    this.#standFor(row.group);
    this.group++;
    this.sinceAnchor = 0;
  }

  #standFor(group: number): void {
    this.#anchored.set(group, (this.#anchored.get(group) ?? 0) + 1);
  }

  #dropUnseen(): void {
    if (this.policy.causal) return;
    const gone = [...this.near.used()].filter(
      (slot) => !this.policy.keeps(this.near.place(slot), this.position, this.group),
    );
    if (this.policy.middle && gone.length > 0) {
      const rows = gone.map((slot) => ({ ...this.near.place(slot), token: this.near.tokens[slot] as number }));
      this.#toMiddle(
        this.near.read(gone),
        gone.map((_, i) => i),
        rows,
      );
    }
    for (const slot of gone) this.#standFor(this.near.groups[slot] as number);
    this.near.release(gone);
  }

  /** Keeps rows that left the window, rotated as at position 0. */
  #toMiddle(block: RowBlock, from: readonly number[], rows: readonly NewRow[]): void {
    this.#makeMiddleRoom(rows.length);
    const slots = this.middle.take(rows.length);
    slots.forEach((slot, i) => this.middle.describe(slot, rows[i] as NewRow, (rows[i] as NewRow).token, LIVE));
    const steps = new Int32Array(block.rows);
    from.forEach((row, i) => (steps[row] = -(rows[i] as NewRow).position));
    moveKeys(block, this.shape, this.#rope, steps);
    this.middle.write(slots, block, from);
  }

  /** Drops the oldest middle rows, some more than needed: finding them takes a pass over all. */
  #makeMiddleRoom(rows: number): void {
    const { most } = this.policy.middle as MiddleRows;
    if (this.middle.count + rows <= most) return;
    const left = Math.max(0, Math.min(most - rows, Math.floor(most * MIDDLE_KEPT)));
    const slots = byPosition(this.middle, [...this.middle.used()]);
    this.middle.release(slots.slice(0, slots.length - left));
  }

  #release(matches: (store: RowStore, slot: number) => boolean): void {
    for (const store of [this.near, this.far, this.middle])
      store.release([...store.used()].filter((slot) => matches(store, slot)));
    this.#crossing = crossingSlots(this.near, this.far);
  }
}
