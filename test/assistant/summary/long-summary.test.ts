import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { summarize } from '../../../src/assistant/summarize';
import { BoundedOutline } from '../../../src/assistant/summary/long-summary';
import { firstSentence } from '../../../src/assistant/facts';
import type { Summary, SummaryPart } from '../../../src/protocol';
import { Workspace } from '../../../src/workspace/workspace';

let directory: string;
let workspace: Workspace;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-long-'));
  mkdirSync(join(directory, 'w'));
  workspace = await Workspace.open({
    folders: [{ name: 'w', directory: join(directory, 'w') }],
    storageDirectory: undefined,
    settings: { filesExclude: [], maxFileBytes: 1 << 20 },
    threads: 0,
  });
});
afterAll(async () => {
  await workspace.close();
  rmSync(directory, { recursive: true, force: true });
});

async function summaryOf(name: string, text: string): Promise<Summary> {
  const file = join(directory, 'w', name);
  writeFileSync(file, text);
  return summarize(file, { library: workspace });
}

const repeated = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

describe('long files', () => {
  test('the outline of a log covers every line, in order, with few parts', async () => {
    const lines = 300_000;
    const summary = await summaryOf(
      'a.log',
      repeated(lines, (i) => `2026-11-30 INFO request ${i} took ${i % 97} ms`),
    );
    expect(summary.lines).toBe(lines);
    expect(summary.parts.length).toBeLessThanOrEqual(2_000);
    let next = 1;
    for (const { startLine, endLine } of summary.parts) {
      expect(startLine).toBe(next);
      next = endLine + 1;
    }
    expect(next).toBe(lines + 1);
    expect(summary.notices).toEqual([expect.stringContaining('joins neighbouring parts')]);
  });

  test('definitions of all windows are counted', async () => {
    const count = 80_000;
    const summary = await summaryOf(
      'a.py',
      repeated(
        count,
        (i) => `def part_${i}(host):\n    """${'Takes its part of the load. '.repeat(3)}"""\n    return host + ${i}\n`,
      ),
    );
    expect(summary.overview).toContain('it defines 80,000 functions');
    expect(summary.lines).toBe(4 * count - 1);
  });

  test('one line of ten megabytes', async () => {
    const summary = await summaryOf('a.json', `[${'{"id":1,"name":"item"},'.repeat(440_000)}0]`);
    expect(summary.lines).toBe(1);
    expect(summary.parts).toHaveLength(1);
  });

  test('a binary file is refused with the reason', async () => {
    await expect(summaryOf('b.log', '\0'.repeat(9 << 20))).rejects.toMatchObject({ code: 'fileUnreadable' });
  });
});

test('parts that are added late are joined like the first ones', () => {
  const outline = new BoundedOutline(16);
  const author = { kind: 'extractive' } as const;
  const part = (line: number): SummaryPart => ({
    title: `t${line}`,
    kind: 'function',
    startLine: line,
    endLine: line,
    line: `says ${line}`,
    author,
    children: [],
  });
  for (let i = 0; i < 100; i++) outline.add([part(1)], i);
  const lengths = outline.parts.map(({ startLine, endLine }) => endLine - startLine + 1);
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(100);
  expect(new Set(lengths.slice(0, -1))).toEqual(new Set([8]));
  expect(outline.parts[0]).toMatchObject({ startLine: 1, endLine: 8, line: 't1: says 1' });
});

test('a paragraph without a sentence end is cut, because finding sentences takes quadratic time', () => {
  const line = 'INFO request took 12 ms';
  expect(firstSentence(Array.from({ length: 100_000 }, () => line).join('\n'))?.length).toBeLessThanOrEqual(241);
});
