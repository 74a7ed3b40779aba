/**
 * Writes a small workspace for the tests in the editor: a harbour's booking system in three languages, with a file of
 * 5,000 lines, prose, ignored files and awkward names.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** @returns {Promise<{ workspace: string }>} The workspace's folder. */
export async function makeFixture(workspace) {
  for (const [name, text] of Object.entries({ ...FILES, 'src/ledger/generated-rates.ts': longFile() })) {
    const file = path.join(workspace, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return { workspace };
}

/** 5,000 lines: sixty tariff classes with documented methods. */
function longFile() {
  const lines = ['/** Harbour dues by vessel class, written out from the tariff table. */', ''];
  for (let tariff = 1; lines.length < 4_900; tariff++) {
    lines.push(
      `/** Dues of vessel class ${tariff}: up to ${tariff * 50} gross tons. */`,
      `export class Tariff${tariff} {`,
      `  static readonly grossTons = ${tariff * 50};`,
      '',
    );
    for (const [method, doc] of [
      ['berthing', 'Dues for lying alongside, by the hour.'],
      ['pilotage', 'Dues for the pilot, by the mile.'],
      ['towage', 'Dues for tugs, by tug and hour.'],
      ['waste', 'Dues for taking waste ashore, by the cubic metre.'],
    ]) {
      lines.push(
        `  /** ${doc} */`,
        `  ${method}(amount: number): number {`,
        '    if (amount < 0) throw new RangeError("an amount is never negative");',
      );
      for (let band = 1; band <= 12; band++)
        lines.push(`    if (amount <= ${band * 10}) return amount * ${(tariff * band) / 100};`);
      lines.push(`    return amount * ${tariff};`, '  }', '');
    }
    lines.push('}', '');
  }
  while (lines.length < 4_999) lines.push(`export const RESERVED_${lines.length} = ${lines.length};`);
  return `${lines.join('\n')}\n`;
}

const FILES = {
  'README.md': `# Harbour

Books berths, charges dues and tells pilots when to sail.

## Booking a berth

A booking is made with \`bookBerth\`. It is held for fifteen minutes; a booking that is not confirmed by then is released.

## When the tide service is down

Requests to the tide service are tried again with growing pauses, see \`src/net/retry.ts\`. After five attempts the last known
table is used, and pilots are warned.

## Dues

Dues are computed from the vessel's class. Discounts for regular callers are applied last.
`,
  'docs/operations.md': `# Operations

## Restarting the tide poller

Stop the service, delete \`tides.lock\` and start it again. The lock is left behind when the machine loses power.

## Backups

The ledger is copied every night at 02:00 to the second machine. Restoring takes about ten minutes.
`,
  '.gitignore': 'build/\n*.log\n',
  'build/out.js': 'console.log("built");\n',
  'debug.log': 'nothing to see\n',
  'src/net/retry.ts': `import { sleep } from '../time';

/** How often a failed request is tried again, and how long the pauses are. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  attempts: number;
  /** Milliseconds before the second attempt; each later pause is twice as long. */
  firstPause: number;
  /** No pause is longer than this (milliseconds). */
  longestPause: number;
}

export const DEFAULT_POLICY: RetryPolicy = { attempts: 5, firstPause: 200, longestPause: 10_000 };

/**
 * Runs \`work\` until it succeeds or the policy's attempts are used up.
 * A failure that is not transient (see isTransient) is thrown at once.
 */
export async function withRetry<T>(work: () => Promise<T>, policy: RetryPolicy = DEFAULT_POLICY): Promise<T> {
  let pause = policy.firstPause;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= policy.attempts || !isTransient(error)) throw error;
      await sleep(pause);
      pause = Math.min(pause * 2, policy.longestPause);
    }
  }
}

/** Time-outs, refused connections and answers 502 to 504 may go away by themselves. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const status = (error as { status?: number }).status;
  return error.name === 'TimeoutError' || (error as { code?: string }).code === 'ECONNREFUSED' || (status !== undefined && status >= 502 && status <= 504);
}
`,
  'src/time.ts': `/** Resolves after some milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export function minutes(count: number): number {
  return count * 60_000;
}
`,
  'src/tides/client.ts': `import { withRetry } from '../net/retry';

export interface TideTable {
  port: string;
  highWater: Date[];
}

/** Asks the tide service; falls back to the last known table when it stays away. */
export class TideClient {
  private lastKnown: TideTable | undefined;

  constructor(private readonly endpoint: string) {}

  async table(port: string): Promise<TideTable> {
    try {
      this.lastKnown = await withRetry(() => this.fetchTable(port));
    } catch (error) {
      if (!this.lastKnown) throw error;
    }
    return this.lastKnown;
  }

  private async fetchTable(port: string): Promise<TideTable> {
    const response = await fetch(\`\${this.endpoint}/tides/\${encodeURIComponent(port)}\`);
    if (!response.ok) throw Object.assign(new Error(\`the tide service answered \${response.status}\`), { status: response.status });
    return (await response.json()) as TideTable;
  }
}
`,
  'src/berths/booking.ts': `import { minutes } from '../time';
import type { Vessel } from './vessel';

/** A booking is released when it is not confirmed within this time. */
const HOLD_TIME = minutes(15);

export type BookingState = 'held' | 'confirmed' | 'released';

export interface Booking {
  berth: string;
  vessel: Vessel;
  state: BookingState;
  heldUntil: number;
}

/** Holds a berth for a vessel that fits; two vessels never share one. */
export function bookBerth(berths: ReadonlyMap<string, number>, bookings: Booking[], vessel: Vessel, now: number): Booking {
  releaseExpired(bookings, now);
  for (const [berth, length] of berths) {
    const taken = bookings.some((booking) => booking.berth === berth && booking.state !== 'released');
    if (taken || length < vessel.length) continue;
    const booking: Booking = { berth, vessel, state: 'held', heldUntil: now + HOLD_TIME };
    bookings.push(booking);
    return booking;
  }
  throw new NoBerthError(vessel);
}

/** Confirms a held booking. An expired hold cannot be confirmed. */
export function confirmBooking(booking: Booking, now: number): void {
  if (booking.state !== 'held' || now > booking.heldUntil) throw new Error(\`the hold on \${booking.berth} has expired\`);
  booking.state = 'confirmed';
}

function releaseExpired(bookings: Booking[], now: number): void {
  for (const booking of bookings) if (booking.state === 'held' && now > booking.heldUntil) booking.state = 'released';
}

export class NoBerthError extends Error {
  override readonly name = 'NoBerthError';

  constructor(readonly vessel: Vessel) {
    super(\`no free berth is long enough for \${vessel.name} (\${vessel.length} m)\`);
  }
}
`,
  'src/berths/vessel.ts': `export interface Vessel {
  name: string;
  /** Metres over all. */
  length: number;
  /** Gross tons; decides the class for dues. */
  grossTons: number;
  callsThisYear: number;
}
`,
  'src/ledger/dues.py': `"""Dues for a call: berthing, pilotage, and the discount for regular callers."""

REGULAR_CALLS = 12
REGULAR_DISCOUNT = 0.15


def discount(calls_this_year: int) -> float:
    """Share taken off for vessels that call often."""
    return REGULAR_DISCOUNT if calls_this_year >= REGULAR_CALLS else 0.0


def total_dues(berthing: float, pilotage: float, calls_this_year: int) -> float:
    """Discounts are applied last, to the sum of all dues."""
    return (berthing + pilotage) * (1 - discount(calls_this_year))
`,
  'src/pilots/schedule.go': `package pilots

import "time"

// Slot is a time at which a pilot can board.
type Slot struct {
	Pilot string
	At    time.Time
}

// NextSlot returns the first slot after high water in which the pilot has rested long enough.
func NextSlot(slots []Slot, highWater time.Time, rested func(string, time.Time) bool) (Slot, bool) {
	for _, slot := range slots {
		if slot.At.After(highWater) && rested(slot.Pilot, slot.At) {
			return slot, true
		}
	}
	return Slot{}, false
}
`,
  'src/awkward/with space & #hash (1).ts': `/** Counts the gulls that rest on the breakwater. */
export function countGulls(birds: readonly { kind: string; resting: boolean }[]): number {
  return birds.filter(({ kind, resting }) => kind === 'gull' && resting).length;
}
`,
};
