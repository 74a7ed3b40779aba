import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { splitLines } from '../../../src/base/lines';
import { bestBlocks, BLOCK_BYTES } from '../../../src/workspace/sources/text-scan';
import { type TextWindow, textWindows } from '../../../src/workspace/sources/text-windows';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-windows-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function written(name: string, content: string | Uint8Array): string {
  const file = join(directory, name);
  writeFileSync(file, content);
  return file;
}

async function windowsOf(file: string, bytes: number): Promise<TextWindow[]> {
  const windows: TextWindow[] = [];
  for await (const window of textWindows(file, { bytes })) windows.push(window);
  return windows;
}

const LINES = Array.from({ length: 400 }, (_, i) => `${i} größer als 東京 😀`);

describe('windows', () => {
  const utf16 = (text: string, big: boolean): Uint8Array => {
    const bytes = Buffer.from(`\uFEFF${text}`, 'utf16le');
    return big ? bytes.swap16() : bytes;
  };
  const cases: [string, string | Uint8Array, string][] = [
    ['lf', LINES.join('\n'), LINES.join('\n')],
    ['crlf', `${LINES.join('\r\n')}\r\n`, `${LINES.join('\r\n')}\r\n`],
    ['cr', LINES.join('\r'), LINES.join('\r')],
    ['a byte order mark', `\uFEFF${LINES.join('\n')}`, LINES.join('\n')],
    ['utf-16', utf16(LINES.join('\n'), false), LINES.join('\n')],
    ['utf-16, big endian', utf16(LINES.join('\n'), true), LINES.join('\n')],
    ['one line', LINES.join(' '), LINES.join(' ')],
    [
      'windows-1252',
      Buffer.from(LINES.map(() => 'größer für Mädchen').join('\n'), 'latin1'),
      LINES.map(() => 'größer für Mädchen').join('\n'),
    ],
  ];

  test.each(cases)('%s: the windows are the text, and each knows its first line', async (name, content, text) => {
    const file = written(`${name}.txt`, content);
    for (const bytes of [256, 1_000, 1 << 20]) {
      const windows = await windowsOf(file, bytes);
      expect(windows.map((window) => window.text).join('')).toBe(text);
      for (const { startLine, text: part, continues } of windows) {
        const lines = splitLines(text);
        const [first = ''] = splitLines(part);
        if (!continues) expect(lines[startLine - 1]?.startsWith(first)).toBe(true);
        else expect(lines[startLine - 1]).toContain(first);
      }
    }
  });

  test('a window can be read again by its position', async () => {
    const file = written('again.txt', LINES.join('\n'));
    const windows = await windowsOf(file, 700);
    const third = windows[2] as TextWindow;
    const again = textWindows(file, { bytes: third.end - third.start, from: third });
    expect((await again.next()).value).toEqual(third);
    await again.return(undefined);
  });

  test('binary files and folders are refused with the reason', async () => {
    await expect(windowsOf(written('a.txt', Buffer.alloc(5_000)), 1_000)).rejects.toMatchObject({ code: 'binary' });
    await expect(windowsOf(directory, 1_000)).rejects.toMatchObject({ code: 'directory' });
    await expect(windowsOf(join(directory, 'none'), 1_000)).rejects.toMatchObject({ code: 'missing' });
  });
});

describe('the best blocks for a question', () => {
  const filler = (count: number): string => 'the ships leave in the morning\n'.repeat(count);
  const perBlock = Math.ceil(BLOCK_BYTES / 31);

  test('those with the rare words, in the order of the file', async () => {
    const file = written(
      'ships.txt',
      `${filler(5 * perBlock)}a walrus sleeps\n${filler(9 * perBlock)}Walruses sleep\n${filler(4 * perBlock)}`,
    );
    const terms = new Map([
      ['walrus', 1],
      ['ship', 1],
    ]);
    const blocks = await bestBlocks(file, { terms, most: 2 });
    expect(blocks.map(({ startLine }) => Math.floor(startLine / perBlock))).toEqual([
      expect.toBeOneOf([4, 5]),
      expect.toBeOneOf([13, 14]),
    ]);
  });

  test('only those that hold the selected lines', async () => {
    const file = written('chosen.txt', filler(10 * perBlock));
    const blocks = await bestBlocks(file, {
      terms: new Map([['ship', 1]]),
      most: 5,
      lines: { startLine: 3 * perBlock, endLine: 3 * perBlock + 2 },
    });
    expect(blocks.length).toBeLessThanOrEqual(2);
    expect(blocks[0]?.startLine).toBeLessThanOrEqual(3 * perBlock);
  });
});
