import { RowKind, Seen, type AttentionPolicy, type RowPlace } from '../attention/policy';
import type { RopeFrequencies } from '../rope/frequencies';
import { accountOf, type ContextAccount, type Splice } from './account';
import { KvRows } from './kv-rows';
import { liftKeys, moveKeys, placeKeys } from './rotation';
import { RowStore, type RowBlock } from './row-store';
import type { RowShape } from './shape';

/** A token that is about to get a row. */
export interface NewRow extends RowPlace {
  token: number;
}

const LIVE = 0;

/**
 * The rows that the model sees now. Each row has a position; keys are kept rotated to it ("near"). Rows that stay for
 * ever and have fallen behind the policy's ceiling are kept un-rotated in a second store ("far"), where the graphs see
 * them at the ceiling distance; while a row is crossing the ceiling it is in both.
 */
export class Context {
  readonly near: RowStore;
  readonly far: RowStore;
  /** Rows that left the window, un-rotated, when the policy looks back at the best of them. */
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
  /** Tokens that each anchor stands for, by its group. */
  #anchored = new Map<number, number>();

  constructor(shape: RowShape, policy: AttentionPolicy, capacity: number, rope: RopeFrequencies) {
    this.near = new RowStore(shape);
    this.far = new RowStore(shape);
    this.middle = new RowStore(shape);
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

  /** Rows in use. A row that is crossing the ceiling counts once. */
  get rows(): number {
    return this.near.count + this.far.count + this.middle.count - this.#crossing.size;
  }

  get free(): number {
    return this.capacity - this.rows;
  }

  /**
   * Makes room for so many more rows at once: those that are there are copied once, not each time that some are added.
   */
  reserve(rows: number): void {
    this.near.reserve(this.near.count + Math.min(rows, this.free));
  }

  /** The rows that these tokens would get, were they read now. */
  plan(tokens: ArrayLike<number>, from = 0, to = tokens.length): NewRow[] {
    const state = { read: this.read, group: this.group, sinceAnchor: this.sinceAnchor };
    const rows: NewRow[] = [];
    for (let i = 0; i < to; i++) {
      const token = tokens[i] as number;
      const kind = this.policy.kindOf(token, state.read, state.sinceAnchor);
      if (i >= from) rows.push({ token, kind, position: this.position + i, group: state.group });
      state.read++;
      state.sinceAnchor++;
      if (kind === RowKind.anchor) {
        state.group++;
        state.sinceAnchor = 0;
      }
    }
    return rows;
  }

  /** Most rows the context would hold while `tokens` are read in chunks; nothing is changed. */
  rowsNeeded(tokens: ArrayLike<number>, chunk: number): number {
    if (this.policy.causal || this.policy.middle) return this.rows + tokens.length;
    const held: RowPlace[] = [];
    for (const slot of this.near.used()) held.push(this.near.place(slot));
    const onlyFar = this.far.count - this.#crossing.size;
    let most = this.rows;
    let kept = held;
    const planned = this.plan(tokens);
    for (let from = 0; from < planned.length; from += chunk) {
      const added = planned.slice(from, from + chunk);
      const last = added.at(-1) as NewRow;
      const next = last.position + 1;
      const group = last.group + (last.kind === RowKind.anchor ? 1 : 0);
      kept = [...kept, ...added].filter((row) => this.policy.keeps(row, next, group));
      most = Math.max(most, onlyFar + kept.length);
    }
    return most;
  }

  /** Adds the rows of tokens that have been run, and drops all rows that no later token can see. */
  append(block: RowBlock, rows: readonly NewRow[]): void {
    for (const row of rows) this.#count(row);
    this.position += rows.length;
    this.#dropUnseen();
    const kept: number[] = [];
    const passed: number[] = [];
    rows.forEach((row, i) => (this.policy.keeps(row, this.position, this.group) ? kept : passed).push(i));
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
   * Puts stored rows into the context so that the segment's position 0 lies at `atPosition`; the next token keeps its
   * position unless the segment reaches beyond it. Returns the id under which the rows can be dropped or moved.
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
      const block = this.near.read([slot]);
      moveKeys(block, this.shape, this.#rope, [steps]);
      this.near.write([slot], block, [0]);
      const position = (this.near.positions[slot] as number) + steps;
      this.near.positions[slot] = position;
      this.position = Math.max(this.position, position + 1);
    }
    for (const slot of this.far.used()) {
      if (this.far.entries[slot] === id) this.far.positions[slot] = (this.far.positions[slot] as number) + steps;
    }
    this.#crossing = this.#findCrossing();
  }

  /** Other rotary frequencies from now on: the keys of all near rows are rotated anew. */
  setRope(rope: RopeFrequencies): void {
    const slots = [...this.near.used()];
    this.#rerotate(
      this.near,
      slots,
      slots.map((slot) => this.near.positions[slot] as number),
      rope,
    );
    const farSlots = [...this.far.used()];
    const middleSlots = [...this.middle.used()];
    this.#rerotate(
      this.middle,
      middleSlots,
      middleSlots.map(() => 0),
      rope,
    );
    const keepsOrder = this.policy.ceilingKeepsOrder ?? false;
    this.#rerotate(
      this.far,
      farSlots,
      farSlots.map((slot) => (keepsOrder ? (this.far.positions[slot] as number) : 0)),
      rope,
    );
    this.#rope = rope;
  }

  /** The live rows at positions [from, to) as a segment of its own, keys un-rotated, positions counted from `from`. */
  rowsAt(from: number, to: number): KvRows {
    const inRange = [...this.near.used()].filter((slot) => {
      const position = this.near.positions[slot] as number;
      return this.near.entries[slot] === LIVE && position >= from && position < to;
    });
    const slots = inRange.sort((a, b) => (this.near.positions[a] as number) - (this.near.positions[b] as number));
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

  /** Slots of the live rows of a kind, oldest first. */
  live(kind: RowKind): number[] {
    const slots = [...this.near.used()].filter(
      (slot) => this.near.entries[slot] === LIVE && this.near.kinds[slot] === kind,
    );
    return slots.sort((a, b) => (this.near.positions[a] as number) - (this.near.positions[b] as number));
  }

  /** Moves the live rows from position `from` on, and the next token, back by `steps` positions: closes a gap. */
  closeGap(from: number, steps: number): void {
    const slots = [...this.near.used()].filter(
      (slot) => this.near.entries[slot] === LIVE && (this.near.positions[slot] as number) >= from,
    );
    this.position -= steps;
    if (slots.length === 0 || steps === 0) return;
    const block = this.near.read(slots);
    moveKeys(
      block,
      this.shape,
      this.#rope,
      slots.map(() => -steps),
    );
    this.near.write(
      slots,
      block,
      slots.map((_, i) => i),
    );
    for (const slot of slots) this.near.positions[slot] = (this.near.positions[slot] as number) - steps;
  }

  /**
   * Makes ready for queries at positions [first, last]: rows that some of them see at the ceiling get a far copy, and
   * near copies that none of them sees at its distance are dropped.
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
    this.#copyFar(crossing);
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
    // Whether the segment's rows are really dropped is the policy's affair; those that stay count for themselves.
    const dropped = this.policy.keeps(
      { kind: RowKind.plain, position: row.position, group: row.group },
      row.position + 1,
      row.group + 1,
    )
      ? 0
      : this.sinceAnchor - 1;
    this.#anchored.set(row.group, 1 + dropped);
    this.group++;
    this.sinceAnchor = 0;
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
    this.near.release(gone);
  }

  /** Keeps rows that left the window, as if they stood at position 0. */
  #toMiddle(block: RowBlock, from: readonly number[], rows: readonly NewRow[]): void {
    const slots = this.middle.take(rows.length);
    slots.forEach((slot, i) => this.middle.describe(slot, rows[i] as NewRow, (rows[i] as NewRow).token, LIVE));
    const steps = new Int32Array(block.rows);
    from.forEach((row, i) => (steps[row] = -(rows[i] as NewRow).position));
    moveKeys(block, this.shape, this.#rope, steps);
    this.middle.write(slots, block, from);
  }

  #release(matches: (store: RowStore, slot: number) => boolean): void {
    for (const store of [this.near, this.far, this.middle])
      store.release([...store.used()].filter((slot) => matches(store, slot)));
    this.#crossing = this.#findCrossing();
  }

  /** Near slots whose row also stands in `far`: same entry, same position. */
  #findCrossing(): Set<number> {
    const key = (store: RowStore, slot: number) => `${store.entries[slot]}:${store.positions[slot]}`;
    const far = new Set([...this.far.used()].map((slot) => key(this.far, slot)));
    return new Set([...this.near.used()].filter((slot) => far.has(key(this.near, slot))));
  }

  #copyFar(slots: readonly number[]): void {
    if (slots.length === 0) return;
    const block = this.near.read(slots);
    if (!this.policy.ceilingKeepsOrder)
      moveKeys(
        block,
        this.shape,
        this.#rope,
        slots.map((slot) => -(this.near.positions[slot] as number)),
      );
    const targets = this.far.take(slots.length);
    targets.forEach((target, i) => {
      const slot = slots[i] as number;
      this.far.describe(
        target,
        this.near.place(slot),
        this.near.tokens[slot] as number,
        this.near.entries[slot] as number,
      );
    });
    this.far.write(
      targets,
      block,
      slots.map((_, i) => i),
    );
  }

  #rerotate(store: RowStore, slots: readonly number[], positions: readonly number[], rope: RopeFrequencies): void {
    if (slots.length === 0) return;
    const block = store.read(slots);
    liftKeys(block, this.shape, this.#rope, positions);
    placeKeys(block, this.shape, rope, positions);
    store.write(
      slots,
      block,
      slots.map((_, i) => i),
    );
  }
}
