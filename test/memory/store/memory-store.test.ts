import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStore, type MemoryStoreOptions } from '../../../src/memory';
import type { MemoryPayload } from '../../../src/memory/store/record';

const BYTES_PER_ROW = 24;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'memory-store-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function open(options: Partial<MemoryStoreOptions> = {}): Promise<MemoryStore> {
  return MemoryStore.open({ directory: join(directory, 'store'), budgetBytes: 1e9, version: 'model-1', ...options });
}

const keyOf = (n: number): string => createHash('sha256').update(String(n)).digest('hex').slice(0, 32);

/** Deterministic rows of segment n, so that a read can be checked by content. */
function memoriesOf(n: number): {
  rows: { coarse: number; rest: number; bytesPerRow: number };
  payload: MemoryPayload;
} {
  const fill = (length: number, salt: number): Uint8Array =>
    Uint8Array.from({ length }, (_, i) => (n * 31 + i * 7 + salt) & 255);
  const rows = { coarse: 1 + (n % 3), rest: 2 + (n % 5), bytesPerRow: BYTES_PER_ROW };
  return {
    rows,
    payload: {
      ids: fill(2 * (n % 7), 4),
      passages: fill(3 * (n % 5), 5),
      coarse: fill(rows.coarse * BYTES_PER_ROW, 2),
      rest: fill(rows.rest * BYTES_PER_ROW, 3),
    },
  };
}

function put(store: MemoryStore, n: number): Promise<void> {
  const { rows, payload } = memoriesOf(n);
  return store.put(keyOf(n), 100 + n, rows, payload);
}

/** True when the record is present and intact, false when absent. Anything else fails the test. */
async function holds(store: MemoryStore, n: number): Promise<boolean> {
  const { payload } = memoriesOf(n);
  const rest = await store.rest(keyOf(n));
  if (!rest) return false;
  expect(Buffer.from(rest)).toEqual(Buffer.from(payload.rest));
  expect(Buffer.from((await store.coarse(keyOf(n)))!)).toEqual(Buffer.from(payload.coarse));
  expect(Buffer.from((await store.ids(keyOf(n)))!)).toEqual(Buffer.from(payload.ids));
  return true;
}

describe('MemoryStore', () => {
  it('returns exactly the requested part of each record, for any number of concurrent reads', async () => {
    const first = await open();
    for (let n = 0; n < 50; n++) await put(first, n);
    await first.close();
    const second = await open();
    const numbers = Array.from({ length: 50 }, (_, n) => n);
    // Nothing has been verified yet, so each record is read whole.
    const parts = await Promise.all(numbers.map((n) => second[(['ids', 'coarse', 'rest'] as const)[n % 3]!](keyOf(n))));
    for (const n of numbers) {
      const { payload } = memoriesOf(n);
      expect(Buffer.from(parts[n]!)).toEqual(Buffer.from(payload[(['ids', 'coarse', 'rest'] as const)[n % 3]!]));
      expect(parts[n]!.buffer.byteLength).toBe(parts[n]!.byteLength);
    }
    await second.close();
  });

  it('returns after a restart the records put before it', async () => {
    const first = await open();
    for (let n = 0; n < 50; n++) await put(first, n);
    await first.close();
    const second = await open();
    for (let n = 0; n < 50; n++) expect(await holds(second, n)).toBe(true);
    expect(await holds(second, 50)).toBe(false);
    expect(second.stats()).toMatchObject({ segments: 50, misses: 1, lostBytes: 0 });
    await second.close();
  });

  it('stores a key once, however often it is put', async () => {
    const store = await open();
    await put(store, 1);
    const { bytes } = store.stats();
    await Promise.all([put(store, 1), put(store, 1)]);
    expect(store.stats()).toMatchObject({ segments: 1, bytes });
    await store.close();
  });

  it('discards the memories of another version', async () => {
    const first = await open();
    await put(first, 1);
    await first.close();
    const second = await open({ version: 'model-2' });
    expect(second.stats().segments).toBe(0);
    await second.close();
  });

  it('reads sequentially through a few buffers', async () => {
    const first = await open();
    for (let n = 0; n < 200; n++) await put(first, n);
    await first.close();
    const store = await open();
    for (let round = 0; round < 2; round++) for (let n = 0; n < 200; n++) expect(await holds(store, n)).toBe(true);
    expect(store.stats().buffers).toBeLessThan(10);
    // Concurrent reads have one buffer each.
    const parts = await Promise.all(
      Array.from({ length: 20 }, (_, n) => store.use(keyOf(n), 'rest', (bytes) => Buffer.from(bytes))),
    );
    for (const [n, part] of parts.entries()) expect(part).toEqual(Buffer.from(memoriesOf(n).payload.rest));
    expect(store.stats().buffers).toBeLessThan(30);
    await store.close();
  });

  it('is written by one process; another follows and takes over when that one exits', async () => {
    const first = await open();
    await put(first, 1);
    const second = await open();
    expect([first.writable, second.writable]).toEqual([true, false]);
    await put(second, 2);
    expect(await holds(second, 1)).toBe(true);
    expect(await holds(second, 2)).toBe(false);
    await put(first, 3);
    expect(await holds(second, 3)).toBe(false);
    expect(await second.refresh()).toBe(true);
    expect(await holds(second, 3)).toBe(true);
    expect(await second.refresh()).toBe(false);
    await first.close();
    await second.refresh();
    expect(second.writable).toBe(true);
    await put(second, 2);
    await second.close();
    const third = await open();
    for (const n of [1, 2, 3]) expect(await holds(third, n)).toBe(true);
    expect(third.stats()).toMatchObject({ segments: 3, lostBytes: 0 });
    await third.close();
  });

  it('is opened but not changed by a process that may not write', async () => {
    const first = await open();
    await put(first, 1);
    await first.close();
    const second = await open({ mayWrite: false });
    await put(second, 2);
    expect(await second.clear()).toBe(0);
    expect([await holds(second, 1), await holds(second, 2), second.writable]).toEqual([true, false, false]);
    await second.close();
  });

  it('is not written any more by a suspended process after another took over', async () => {
    const first = await open();
    await put(first, 1);
    await rm(join(directory, 'store.lock'));
    const second = await open();
    await put(second, 2);
    await put(first, 3);
    expect([first.writable, second.writable]).toEqual([false, true]);
    await first.refresh();
    expect([await holds(first, 1), await holds(first, 2), await holds(first, 3)]).toEqual([true, true, false]);
    await first.close();
    await put(second, 4);
    await second.close();
    const third = await open();
    expect(third.stats()).toMatchObject({ segments: 3, lostBytes: 0 });
    await third.close();
  });

  it('is cleared for all windows when one clears it', async () => {
    const first = await open();
    for (const n of [1, 2, 3]) await put(first, n);
    const second = await open();
    expect(await second.clear()).toBe(first.stats().bytes);
    await first.refresh();
    expect(first.stats()).toMatchObject({ segments: 0, bytes: 0 });
    await put(first, 4);
    await second.refresh();
    expect(await holds(second, 4)).toBe(true);
    expect(second.stats().segments).toBe(1);
    await second.close();
    await first.close();
  });

  it('gives a follower the same records as the writer, whatever the writer puts, drops, moves and clears', async () => {
    const operation = fc.oneof(
      { weight: 8, arbitrary: fc.record({ kind: fc.constant('put' as const), n: fc.nat(60) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('follow' as const), n: fc.nat(60) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), n: fc.nat(1) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), n: fc.nat(1) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 120 }), async (operations) => {
        await rm(join(directory, 'store'), { recursive: true, force: true });
        const small = { packBytes: 1_000, budgetBytes: 4_000 };
        let writer = await open(small);
        const follower = await open({ ...small, mayWrite: false });
        for (const { kind, n } of operations) {
          if (kind === 'put') await put(writer, n);
          else if (kind === 'clear') await writer.clear();
          else if (kind === 'restart') {
            await writer.close();
            writer = await open(small);
          } else {
            // Records that it still has are intact.
            await holds(follower, n);
            await follower.refresh();
            expect(new Set(follower.keys())).toEqual(new Set(writer.keys()));
            for (const key of follower.keys()) expect(await follower.rest(key)).toEqual(await writer.rest(key));
            expect(follower.stats().bytes).toBe(writer.stats().bytes);
          }
        }
        await follower.close();
        await writer.close();
      }),
      { numRuns: 40 },
    );
  });

  it('stays within the budget and evicts the least recently used records', async () => {
    const budgetBytes = 20_000;
    const store = await open({ budgetBytes, packBytes: 4_000 });
    for (let n = 0; n < 40; n++) await put(store, n);
    for (let n = 40; n < 300; n++) {
      expect(await holds(store, 0)).toBe(true); // In use all the time.
      await put(store, n);
    }
    const { bytes, evictions } = store.stats();
    expect(evictions).toBeGreaterThan(100);
    expect(bytes).toBeLessThanOrEqual(budgetBytes + 4_000);
    expect(await holds(store, 0)).toBe(true);
    expect(await holds(store, 299)).toBe(true);
    expect(await holds(store, 1)).toBe(false);
    await store.close();
    const again = await open({ budgetBytes, packBytes: 4_000 });
    expect(await holds(again, 0)).toBe(true);
    expect(await holds(again, 1)).toBe(false);
    await again.close();
  });

  it('stays within a small budget: dead records in the active pack count', async () => {
    const budgetBytes = 30_000;
    const store = await open({ budgetBytes });
    let most = 0;
    for (let n = 0; n < 400; n++) {
      await put(store, n);
      most = Math.max(most, store.stats().bytes);
    }
    expect(store.stats().evictions).toBeGreaterThan(200);
    expect(most).toBeLessThanOrEqual(budgetBytes);
    expect(most).toBeGreaterThan(budgetBytes / 2);
    await store.close();
  });

  it('survives a pack truncated at any byte: complete records stay, and the incomplete one is dropped', async () => {
    const store = await open();
    for (let n = 0; n < 6; n++) await put(store, n);
    await store.close();
    const file = join(directory, 'store', '1.pack');
    const whole = await readFile(file);
    let before = 0;
    for (const length of [...Array.from({ length: Math.ceil(whole.length / 13) }, (_, i) => i * 13), whole.length]) {
      await writeFile(file, whole.subarray(0, length));
      const torn = await open();
      const kept = torn.stats().segments;
      for (let n = 0; n < 6; n++) expect(await holds(torn, n)).toBe(n < kept);
      expect(kept).toBeGreaterThanOrEqual(before);
      before = kept;
      await put(torn, 99);
      expect(await holds(torn, 99)).toBe(true);
      await torn.close();
    }
    expect(before).toBe(6);
  });

  it('never returns damaged bytes', async () => {
    const store = await open();
    for (let n = 0; n < 6; n++) await put(store, n);
    await store.close();
    const file = join(directory, 'store', '1.pack');
    const whole = await readFile(file);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: whole.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const damaged = Buffer.from(whole);
          damaged[at] = damaged[at]! ^ flip;
          await writeFile(file, damaged);
          const opened = await open();
          let kept = 0;
          for (let n = 0; n < 6; n++) if (await holds(opened, n)) kept++; // holds() compares every byte.
          expect(kept).toBeLessThan(6);
          await opened.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('agrees with a plain map under any sequence of operations and restarts', async () => {
    const operation = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), n: fc.nat(30) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('read' as const), n: fc.nat(30) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), n: fc.nat(1) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), n: fc.nat(1) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
        await rm(join(directory, 'store'), { recursive: true, force: true });
        const model = new Set<number>();
        let store = await open({ packBytes: 1_000 });
        for (const { kind, n } of operations) {
          if (kind === 'put') {
            await put(store, n);
            model.add(n);
          } else if (kind === 'read') {
            expect(await holds(store, n)).toBe(model.has(n));
          } else if (kind === 'clear') {
            await store.clear();
            model.clear();
          } else {
            await store.close();
            store = await open({ packBytes: 1_000 });
          }
        }
        expect(new Set(store.keys())).toEqual(new Set([...model].map(keyOf)));
        await store.close();
      }),
      { numRuns: 40 },
    );
  });

  it('leaves no file after it is cleared', async () => {
    const store = await open({ packBytes: 1_000 });
    for (let n = 0; n < 40; n++) await put(store, n);
    const { bytes } = store.stats();
    expect(await store.clear()).toBe(bytes);
    expect((await readdir(join(directory, 'store'))).filter((name) => name.endsWith('.pack'))).toEqual([]);
    await put(store, 1);
    expect(await holds(store, 1)).toBe(true);
    await store.close();
  });
});
