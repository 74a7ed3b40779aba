import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IndexReportWriter, readIndexReport } from '../../src/app/index-report';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'anchorage-report-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const facts = { filesKnown: 3, problems: [{ path: 'a.txt', reason: 'denied' }], skipped: [] };

test('a finished pass is saved, an unfinished one is not', async () => {
  const writer = new IndexReportWriter(directory);
  writer.update({ state: 'indexing', ...facts });
  await writer.saved();
  expect(await readIndexReport(directory)).toBeUndefined();
  writer.update({ state: 'ready', ...facts });
  await writer.saved();
  expect(await readIndexReport(directory)).toMatchObject(facts);
});

test('a status without news keeps the report, and changed facts replace it', async () => {
  const writer = new IndexReportWriter(directory);
  writer.update({ state: 'ready', ...facts });
  await writer.saved();
  rmSync(join(directory, 'last-index.json'));
  writer.update({ state: 'ready', ...facts });
  await writer.saved();
  expect(readdirSync(directory)).toEqual([]);
  writer.update({ state: 'ready', ...facts, filesKnown: 4 });
  await writer.saved();
  expect(await readIndexReport(directory)).toMatchObject({ filesKnown: 4 });
  expect(readdirSync(directory)).toEqual(['last-index.json']);
});

test('the report of a discarded index is removed', async () => {
  const writer = new IndexReportWriter(directory);
  writer.update({ state: 'ready', ...facts });
  await writer.remove();
  expect(readdirSync(directory)).toEqual([]);
});

test('a damaged report and a missing folder are no report', async () => {
  writeFileSync(join(directory, 'last-index.json'), '{"filesKnown":');
  expect(await readIndexReport(directory)).toBeUndefined();
  const writer = new IndexReportWriter(join(directory, 'missing'));
  writer.update({ state: 'ready', ...facts });
  await writer.saved();
  expect(await readIndexReport(join(directory, 'missing'))).toBeUndefined();
});
