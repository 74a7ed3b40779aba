import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Catalogue, type CatalogueEntry } from '../../../src/workspace/store/catalogue';
import { DISK, type LogFiles, readLog } from '../../../src/workspace/store/record-log';
import { sha256 } from '../../../src/base/node';
import type { SegmentedDocument } from '../../../src/workspace/types';

let directory: string;
let log: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-store-'));
  log = join(directory, 'documents.log');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function entry(i: number, version = 0): CatalogueEntry {
  return {
    path: `src/file ${i}.ts`,
    size: 10 + i,
    mtimeMs: 1000.5 + i + version,
    hash: sha256(`${i}/${version}`),
    language: 'typescript',
    segments: 1,
    characters: 10,
  };
}

function segmented(i: number): SegmentedDocument {
  return {
    segments: [
      { startLine: 1, endLine: 3, start: 0, end: 10 + i, kind: 'code', symbols: [0], breadcrumb: [`name${i}`] },
    ],
    symbols: [
      {
        name: `name${i}`,
        kind: 'function',
        container: ['a', 'b'],
        startLine: 2,
        endLine: 3,
        docLine: 1,
        signature: 'f()',
        doc: 'Döc 😀',
        exported: i % 2 === 0,
      },
    ],
    imports: ['./x'],
    method: 'syntax',
  };
}

async function filled(count: number): Promise<Catalogue> {
  const catalogue = Catalogue.open(directory);
  for (let i = 0; i < count; i++) {
    catalogue.put(entry(i), segmented(i));
    if (i % 3 === 0) await catalogue.flush();
  }
  await catalogue.close();
  return catalogue;
}

it('sums sizes and segments over the entries, also after it is opened again', async () => {
  const catalogue = Catalogue.open(directory);
  const expected = (): { size: number; segments: number } =>
    [...catalogue.entries.values()].reduce(
      (sum, { size, segments }) => ({ size: sum.size + size, segments: sum.segments + segments }),
      { size: 0, segments: 0 },
    );
  for (let i = 0; i < 60; i++) {
    catalogue.put({ ...entry(i % 20, i), size: 7 * i, segments: i % 5 }, segmented(i));
    if (i % 7 === 0) catalogue.remove(entry(i % 13).path);
    expect(catalogue.totals).toEqual(expected());
  }
  await catalogue.close();
  const again = Catalogue.open(directory);
  expect(again.totals).toEqual(catalogue.totals);
  expect(again.totals.size).toBeGreaterThan(0);
  await again.clear();
  expect(again.totals).toEqual({ size: 0, segments: 0 });
});

describe('the catalogue', () => {
  it('returns entries after being reopened', async () => {
    const before = await filled(10);
    before.remove(entry(4).path);
    await before.close();
    const after = Catalogue.open(directory);
    expect(after.rebuilt).toBeUndefined();
    expect([...after.entries.keys()].sort()).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9].map((i) => entry(i).path));
    for (const i of [0, 5, 9]) {
      expect(after.entries.get(entry(i).path)).toEqual(entry(i));
      expect(after.segmented(entry(i).hash, 'typescript')).toEqual(segmented(i));
    }
    expect(after.segmented(entry(4).hash, 'typescript')).toEqual(segmented(4));
    expect(after.segmented(entry(4).hash, 'python')).toBeUndefined();
  });

  it('keeps every complete record of a log truncated at any byte, and continues from there', async () => {
    await filled(12);
    const whole = readFileSync(log);
    const ends = readLog(log).records.map(({ offset, length }) => offset + length);
    const cuts = [
      ...ends.flatMap((end) => [end - 1, end, end + 1]),
      ...Array.from({ length: 60 }, (_, i) => Math.floor((i * whole.length) / 60)),
    ].filter((cut) => cut >= 0 && cut <= whole.length);
    for (const cut of cuts) {
      writeFileSync(log, whole);
      truncateSync(log, cut);
      const catalogue = Catalogue.open(directory);
      const wholeRecords = ends.filter((end) => end <= cut).length;
      if (wholeRecords > 0) expect(catalogue.rebuilt).toBeUndefined();
      // Each file is two records: its segments and its entry.
      expect(catalogue.entries.size).toBe(wholeRecords === 0 ? 0 : Math.floor((wholeRecords - 1) / 2));
      catalogue.put(entry(99), segmented(99));
      await catalogue.close();
      const again = Catalogue.open(directory);
      expect(again.damagedBytes).toBe(0);
      expect(again.entries.size).toBe(catalogue.entries.size);
      expect(again.segmented(entry(99).hash, 'typescript')).toEqual(segmented(99));
    }
  });

  it('loses only the records that damage touched', async () => {
    await filled(12);
    const whole = readFileSync(log);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: whole.length - 1 }),
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        async (offset, noise) => {
          const damaged = Buffer.from(whole);
          damaged.set(noise.subarray(0, damaged.length - offset), offset);
          writeFileSync(log, damaged);
          const catalogue = Catalogue.open(directory);
          if (damaged.equals(whole)) expect(catalogue.entries.size).toBe(12);
          for (const [path, found] of catalogue.entries) {
            const i = Number(/\d+/.exec(path)?.[0]);
            expect(found).toEqual(entry(i));
            expect(catalogue.segmented(found.hash, found.language)).toEqual(segmented(i));
          }
          // Forty bytes touch at most a few records. Without a header everything is rebuilt.
          if (catalogue.rebuilt === undefined) expect(catalogue.entries.size).toBeGreaterThanOrEqual(9);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('detects a record damaged while open', async () => {
    await filled(3);
    const catalogue = Catalogue.open(directory);
    const bytes = readFileSync(log);
    writeFileSync(log, bytes.fill(7, 200, bytes.length));
    expect(catalogue.segmented(entry(2).hash, 'typescript')).toBeUndefined();
    expect(catalogue.has(entry(2).hash, 'typescript')).toBe(false);
  });

  it('is rebuilt completely when another version wrote it', async () => {
    await filled(5);
    const text = readFileSync(log);
    const at = text.indexOf('"segmenter":');
    const { payload } = readLog(log).records[0] as { payload: Buffer };
    const other = Buffer.from(payload.toString('latin1').replace(/"segmenter":\d+/, '"segmenter":0'), 'latin1');
    expect(at).toBeGreaterThan(0);
    const { frame } = await import('../../../src/workspace/store/record-log');
    writeFileSync(log, Buffer.concat([frame(other), text.subarray(12 + payload.length)]));
    const catalogue = Catalogue.open(directory);
    expect(catalogue.rebuilt).toBe('the index was created by another version');
    expect(catalogue.entries.size).toBe(0);
    expect(catalogue.has(entry(0).hash, 'typescript')).toBe(false);
    catalogue.put(entry(1), segmented(1));
    await catalogue.close();
    expect([...Catalogue.open(directory).entries.keys()]).toEqual([entry(1).path]);
  });

  it('keeps records in memory while the disk is full, and writes them once there is space', async () => {
    let room = 0;
    const files: LogFiles = {
      ...DISK,
      async write(file, offset, bytes) {
        // Writes as much as fits, then the disk is full: the worst case of a file system.
        if (bytes.length > room) {
          await DISK.write(file, offset, bytes.subarray(0, room));
          throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        }
        room -= bytes.length;
        await DISK.write(file, offset, bytes);
      },
    };
    const catalogue = Catalogue.open(directory, files);
    room = 700;
    for (let i = 0; i < 20; i++) {
      catalogue.put(entry(i), segmented(i));
      await catalogue.flush(true);
    }
    expect(catalogue.failure).toMatchObject({ code: 'diskFull' });
    expect(catalogue.failure?.message).toContain('the disk is full');
    for (let i = 0; i < 20; i++) expect(catalogue.segmented(entry(i).hash, 'typescript')).toEqual(segmented(i));
    expect(Catalogue.open(directory).entries.size).toBeGreaterThan(0);
    room = Infinity;
    await catalogue.close();
    expect(catalogue.failure).toBeUndefined();
    const after = Catalogue.open(directory);
    expect(after.entries.size).toBe(20);
    expect(after.damagedBytes).toBe(0);
  });

  it('frees space when most records are dead, and keeps live ones through a failed attempt', async () => {
    let failing = true;
    const files: LogFiles = {
      ...DISK,
      replace: (file, parts) =>
        failing ? Promise.reject(Object.assign(new Error('x'), { code: 'ENOSPC' })) : DISK.replace(file, parts),
    };
    const catalogue = Catalogue.open(directory, files);
    const long = (i: number, version: number): SegmentedDocument => ({
      ...segmented(i),
      imports: Array.from({ length: 300 }, (_, n) => sha256(`${i} ${version} ${n}`)),
    });
    for (let version = 0; version < 12; version++) {
      for (let i = 0; i < 10; i++) catalogue.put(entry(i, version), long(i, version));
      await catalogue.flush();
    }
    const full = catalogue.bytes;
    expect(full).toBeGreaterThan(1 << 20);
    await catalogue.compact();
    expect(catalogue.failure).toMatchObject({ code: 'diskFull' });
    expect(catalogue.bytes).toBe(full);
    failing = false;
    await catalogue.compact();
    expect(catalogue.bytes).toBeLessThan(full / 3);
    for (const open of [catalogue, Catalogue.open(directory)]) {
      expect(open.entries.size).toBe(10);
      for (let i = 0; i < 10; i++) expect(open.segmented(entry(i, 11).hash, 'typescript')).toEqual(long(i, 11));
    }
    catalogue.put(entry(50), segmented(50));
    await catalogue.close();
    expect(Catalogue.open(directory).entries.size).toBe(11);
  });

  it('keeps what is added while it frees space', async () => {
    const late = [entry(70), segmented(70)] as const;
    const catalogue: Catalogue = Catalogue.open(directory, {
      ...DISK,
      replace: (file, records) => {
        catalogue.put(...late);
        return DISK.replace(file, records);
      },
    });
    const imports = Array.from({ length: 20_000 }, (_, n) => sha256(`${n}`));
    for (let version = 0; version < 3; version++)
      catalogue.put(entry(1, version), { ...segmented(1), imports: [...imports, `${version}`] });
    await catalogue.flush();
    const full = catalogue.bytes;
    await catalogue.compact();
    expect(catalogue.bytes).toBeLessThan(full / 2);
    expect(catalogue.segmented(late[0].hash, 'typescript')).toEqual(late[1]);
    await catalogue.close();
    expect(Catalogue.open(directory).segmented(late[0].hash, 'typescript')).toEqual(late[1]);
  });

  it('starts over when its file is deleted while open', async () => {
    await filled(3);
    const catalogue = Catalogue.open(directory);
    rmSync(log);
    catalogue.put(entry(7), segmented(7));
    await catalogue.flush(true);
    await catalogue.flush(true);
    await catalogue.close();
    expect([...Catalogue.open(directory).entries.keys()]).toEqual([entry(7).path]);
  });
});
